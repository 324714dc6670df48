# shellcheck shell=sh
# fuse: records meet by id, and nothing is lost or mixed up.
cat >a.jsonl <<'X'
{"id":"a1","label":"x","group":"g","vec":{"text":[1,2,3]}}
{"id":"a2","label":"y","vec":{"text":[4,5,6]}}
{"id":"a3","vec":{"text":null},"errors":{"text":"empty"}}
X
cat >b.jsonl <<'X'
{"id":"b1","label":"z","vec":{"image":[7,8]}}
{"id":"a3","vec":{"image":[3,4]}}
{"id":"a1","label":"x","vec":{"image":[1,0]}}
X

# F11: another order, missing partners, unequal counts.
run "outer join, with a record in error" 3 fuse -f jsonl a.jsonl b.jsonl
out_is "keeps the first's order, then what the next adds" \
	'{"id":"a1","label":"x","group":"g","vec":{"text":[1,2,3],"image":[1,0]}}
{"id":"a2","label":"y","vec":{"text":[4,5,6],"image":null}}
{"id":"a3","vec":{"text":null,"image":[3,4]},"errors":{"text":"empty"}}
{"id":"b1","label":"z","vec":{"text":null,"image":[7,8]}}'
err_has "and counts" "2 in both, 1 only in 'a.jsonl', 1 only in 'b.jsonl'; 1 carry errors"
run "inner join" 3 fuse --join inner --report who.tsv -f jsonl a.jsonl b.jsonl
is "keeps what both have" "$(sed 's/.*"id":"\(..\)".*/\1/' out | tr '\n' ' ')" "a1 a3 "
err_has "and says what it leaves out" "2 left out"
is "the report has every id" "$(tr '\t\n' ',;' <who.tsv)" \
	"id,a.jsonl,b.jsonl;a1,1,1;a2,1,0;a3,1,1;b1,0,1;"
run "left join" 3 fuse --join left -f jsonl a.jsonl b.jsonl
is "keeps what the first has" "$(sed 's/.*"id":"\(..\)".*/\1/' out | tr '\n' ' ')" "a1 a2 a3 "
run "--max-errors" 0 fuse -q --max-errors 1 -f jsonl a.jsonl b.jsonl
run "--max-errors as a share" 3 fuse -q --max-errors 10% -f jsonl a.jsonl b.jsonl
is "-q is quiet" "$(wc -c <err)" 0

cat a.jsonl a.jsonl >twice.jsonl
run "an id twice in the first" 1 fuse -o no.vp twice.jsonl b.jsonl
err_has "is named" "'twice.jsonl': id 'a1' occurs twice"
run "an id twice in the second" 1 fuse -o no.vp b.jsonl twice.jsonl
err_has "is named, too" "'twice.jsonl': id 'a1' occurs twice"
is "and leaves no file" "$(ls no.vp 2>/dev/null)" ""

run "equal part names" 1 fuse a.jsonl a.jsonl
err_has "get a hint" "NAME=a.jsonl"
run "NAME=FILE renames" 3 fuse -f jsonl a.jsonl words=a.jsonl
out_has "the part" '"vec":{"text":[1,2,3],"words":[1,2,3]}'
fuse -q -o both.vp a.jsonl b.jsonl || true
run "NAME= needs one part" 1 fuse x=both.vp
err_has "and says so" "2 parts"
cp a.jsonl x=y.jsonl
run "a file with = in its name" 3 fuse -f jsonl ./x=y.jsonl

echo '{"id":"a1","label":"q","vec":{"c":[1]}}' >c.jsonl
run "labels that differ" 1 fuse a.jsonl c.jsonl
err_has "name both" "record 'a1': label 'x' in 'a.jsonl' and 'q' in 'c.jsonl'"
echo '{"id":"a1","group":"h","vec":{"c":[1]}}' >c.jsonl
run "groups that differ" 1 fuse a.jsonl c.jsonl
err_has "name both" "group 'g' in 'a.jsonl' and 'h' in 'c.jsonl'"
echo '{"id":"a1","weight":2,"vec":{"c":[1]}}' >c.jsonl
echo '{"id":"a1","weight":3,"vec":{"d":[1]}}' >d.jsonl
run "weights that differ" 1 fuse c.jsonl d.jsonl
err_has "name both" "weight 2 in 'c.jsonl' and 3 in 'd.jsonl'"

# A temporary file holds what memory does not, and leaves nothing behind.
awk 'BEGIN { for (i = 0; i < 3000; i++) printf "{\"id\":\"r%d\",\"vec\":{\"x\":[%d,%d,1.5]}}\n", i, i, i * 7 % 13 }' >x.jsonl
awk 'BEGIN { for (i = 2999; i >= 0; i -= 2) printf "{\"id\":\"r%d\",\"vec\":{\"y\":{\"dim\":9000,\"idx\":[%d],\"val\":[2]}}}\n", i, i * 3 }' >y.jsonl
fuse -q -o x.vp x.jsonl
fuse -q -o y.vp y.jsonl
mkdir tmp
run "all in memory" 0 fuse -o xy.vp x.vp y.vp
run "all in a file" 0 env TMPDIR=tmp fuse --memory 0 -o xy0.vp x.vp y.vp
same "are equal bytes" xy.vp xy0.vp
run "some of it in a file" 0 env TMPDIR=tmp fuse --memory 60K -o xy1.vp x.vp y.vp
same "are, too" xy.vp xy1.vp
is "and no file stays" "$(ls tmp)" ""
run "nowhere to write" 1 env TMPDIR=/no/such fuse --memory 0 -o no.vp x.vp y.vp
err_has "is named" "/no/such"
run "--memory wants a size" 2 fuse --memory 4T x.vp
fuse -q x.vp y.vp >pipe.vp
same "to a pipe as to a file" xy.vp pipe.vp
run "one stream goes through" 0 sh -c 'fuse -q <xy.vp >again.vp'
same "unchanged" xy.vp again.vp

# F1, F2, F6, F7, F13.
head -c 2000 x.vp >cut.vp
for where in "cut.vp y.vp" "y.vp cut.vp"; do
	# shellcheck disable=SC2086 # two words
	run "a cut stream ($where)" 1 fuse -o no.vp $where
	err_has "is said to be cut ($where)" "truncated"
done
run "an aborted stream" 1 sh -c 'fuse cut.vp 2>/dev/null | fuse -o no.vp'
err_has "is refused" "fuse"
is "no output of any of these" "$(ls no.vp 2>/dev/null)" ""
run "no record in common" 0 sh -c 'echo "{\"id\":\"q\",\"vec\":{\"z\":[1]}}" | fuse --join inner -o none.vp x.vp -'
run "gives a stream of none" 0 fuse -f jsonl none.vp
is "that can be joined" "$(wc -c <out)" 0
printf '\037\213\010\000' >gz
run "gzip" 1 fuse gz x.vp
err_has "is known" "gzip"

# F8: what is no JSON or no number is a record in error, with its place.
run "NaN in JSON Lines" 3 sh -c 'printf "{\"id\":\"a\",\"vec\":{\"x\":[1]}}\n{\"id\":\"b\",\"vec\":{\"x\":[NaN]}}\n" | fuse -f jsonl'
out_has "is a record in error" 'column'
