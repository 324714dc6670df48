# shellcheck shell=sh
# vec-split: shares, folds and selections; groups stay together.
awk 'BEGIN {
	split("a a a a b b b c c d", label, " ")
	for (i = 0; i < 600; i++)
		printf "{\"id\":\"s%d/r%d\",\"label\":\"%s\",\"group\":\"g%d\",\"vec\":{\"x\":[%d,1]}}\n",
		    i % 40, i, label[i * 7 % 10 + 1], i * 31 % 170, i
}' >s.jsonl
vec-split -q -o s.vp s.jsonl
ids() { fuse -q -f jsonl "$1" | sed 's/.*"id":"\([^"]*\)".*/\1/'; }
groups() { fuse -q -f jsonl "$1" | sed 's/.*"group":"\([^"]*\)".*/\1/' | sort -u; }
count() { ids "$1" | wc -l; }

run "as printed in DESIGN" 0 sh -c 'vec-split --out 80:train.vp 20:test.vp <s.vp'
err_has "counts" "of 600 records in 170 groups"
n=$(count test.vp)
if [ "$n" -ge 114 ] && [ "$n" -le 126 ]; then
	ok "the shares are right"
else
	no "the shares are right" "$n of 600 where 120 are wanted"
fi
groups train.vp >g1
groups test.vp >g2
is "no group is in both" "$(comm -12 g1 g2 | wc -l)" 0
ids train.vp >i1
ids test.vp >i2
is "every record is in one" "$(sort -u i1 i2 | wc -l)" 600
for l in a b c d; do
	all=$(grep -c "\"label\":\"$l\"" s.jsonl)
	test=$(fuse -q -f jsonl test.vp | grep -c "\"label\":\"$l\"")
	if [ $((test * 5 - all)) -le 25 ] && [ $((all - test * 5)) -le 25 ]; then
		ok "label $l is divided in proportion"
	else
		no "label $l is divided in proportion" "$test of $all"
	fi
done
ids s.vp | grep -Fxf i2 >i3
same "the order is that of the input" i2 i3

run "operands after the shares" 0 vec-split -q --out 80:train2.vp 20:test2.vp s.vp
same "are inputs" train.vp train2.vp
run "another seed" 0 vec-split -q -s 1 --out 80:train3.vp 20:test3.vp s.vp
if cmp -s test.vp test3.vp; then no "is another split"; else ok "is another split"; fi
run "three shares of any sum" 0 vec-split -q --out 2:x1.vp 1:x2.vp 1:x3.vp s.vp
is "make three files" "$(($(count x1.vp) + $(count x2.vp) + $(count x3.vp)))" 600

# Independent of the order of records.
awk '{ print NR * 7919 % 601, $0 }' s.jsonl | sort -n | cut -d ' ' -f 2- >t.jsonl
run "in another order" 0 vec-split -q --out 80:train4.vp 20:test4.vp t.jsonl
ids test4.vp | sort >i4
sort i2 >i5
same "the same records go there" i4 i5

# Folds.
run "folds to a pattern" 0 vec-split -q --folds 5 -o 'f%d.vp' --rest 'n%d.vp' --report folds.tsv s.vp
is "hold each record once" "$(for k in 1 2 3 4 5; do ids f$k.vp; done | sort -u | wc -l)" 600
is "and the rest" "$(($(count f3.vp) + $(count n3.vp)))" 600
run "one fold" 0 vec-split -q --folds 5 --fold 3 --out one.vp --rest others.vp s.vp
same "is that of the pattern" one.vp f3.vp
same "and so is the rest" others.vp n3.vp
ids f3.vp | sort >i1
awk -F '\t' '$2 == 3 { print $1 }' folds.tsv | sort >i2
same "the report says the same" i1 i2
run "folds to nowhere" 2 vec-split --folds 3 s.vp
run "a pattern without %d" 2 vec-split --folds 3 -o x.vp s.vp
run "a fold too many" 2 vec-split --folds 3 --fold 4 -o x.vp s.vp

# Selections.
cut -f 1 folds.tsv | sed -n '2,11p' >some.ids
run "--ids" 0 vec-split -q --ids some.ids -o some.vp --rest rest.vp s.vp
is "takes these" "$(count some.vp) $(count rest.vp)" "10 590"
run "--not-ids" 0 vec-split -q --not-ids some.ids -o not.vp s.vp
same "takes the others" not.vp rest.vp
echo nobody >>some.ids
run "an id that is not there" 1 vec-split --ids some.ids -o no.vp s.vp
err_has "is named" "first 'nobody'"
run "--label" 0 vec-split -q --label c --label d -f jsonl s.vp
is "takes all of these" "$(wc -l <out)" "$(grep -c '"label":"[cd]"' s.jsonl)"
for k in 1 2 3; do vec-split -q --shard $k/3 -o shard$k.vp s.vp; done
is "shards hold each record once" "$(cat shard1.vp shard2.vp shard3.vp | ids - | sort -u | wc -l)" 600
is "and take every third" "$(ids shard2.vp | head -n 2 | tr '\n' ' ')" "s1/r1 s4/r4 "
run "shard 0" 2 vec-split --shard 0/3 s.vp
run "shard 4 of 3" 2 vec-split --shard 4/3 s.vp

# Groups of other kinds go out with the records.
run "a group from the id" 0 vec-split -q --group '^(s[0-9]+)/' --out 80:x1.vp 20:x2.vp s.vp
is "is kept together" "$(for f in x1 x2; do groups $f.vp; done | sort | uniq -d | wc -l)" 0
is "and is the new group" "$(groups x2.vp | head -n 1 | cut -c 1)" s
run "--group id" 0 vec-split --group id --out 80:x1.vp 20:x2.vp s.vp
is "parts groups" "$(for f in x1 x2; do groups $f.vp; done | sort | uniq -d | wc -l | grep -c '^0$')" 0
run "an expression that is none" 2 vec-split --group '(' s.vp
run "and one without a group" 2 vec-split --group abc s.vp

# Near copies.
awk 'BEGIN { for (i = 0; i < 90; i++) { a = int(i / 3) * 0.2
	printf "{\"id\":\"r%d\",\"vec\":{\"x\":[%.4f,%.4f],\"y\":[1]}}\n", i, cos(a) * (1 + i % 3), sin(a) * (1 + i % 3) } }' >near.jsonl
run "--near" 0 vec-split --near .9999 --part x --out 2:x1.vp 1:x2.vp near.jsonl
err_has "finds the copies" "of 90 records in 30 groups"
is "and keeps them together" "$(for f in x1 x2; do groups $f.vp; done | sort | uniq -d | wc -l)" 0
run "--near wants to know the part" 1 vec-split --near .9 near.jsonl
run "a part that is not there" 1 vec-split --near .9 --part z near.jsonl

# Failures leave no file; F1, F7.
head -c 3000 s.vp >cut.vp
run "a cut stream" 1 vec-split --out 80:fail1.vp 20:fail2.vp cut.vp
err_has "is said to be cut" "truncated"
cat s.jsonl s.jsonl >twice.jsonl
run "an id twice" 1 vec-split --out 80:fail1.vp 20:fail2.vp twice.jsonl
err_has "is named" "id 's0/r0' occurs twice"
mkdir dir
run "a file that cannot be written" 1 vec-split --out 80:fail1.vp 20:dir/none/fail2.vp s.vp
is "leaves no other" "$(ls fail*.vp 2>/dev/null)" ""
run "no records" 0 vec-split -q --label nothing -o none.vp s.vp
run "are a stream of none" 0 vec-split -q --out 1:e1.vp 1:e2.vp none.vp
is "in every file" "$(count e1.vp) $(count e2.vp)" "0 0"
run "shares and folds" 2 vec-split --out 80:a.vp 20:b.vp --folds 3 s.vp
TMPDIR=/no/such run "all in memory needs no folder" 0 vec-split -q --out 80:m1.vp 20:m2.vp s.vp
run "all in a temporary file" 0 vec-split -q --memory 0 --out 80:m3.vp 20:m4.vp s.vp
same "is the same" m1.vp m3.vp
