# suspect: wrong labels come first, whatever the order of records and threads.
# shellcheck shell=sh

# records N: three classes, of which part a tells one from the rest and part b
# another; one in twenty has a wrong label, and its id is in wrong.ids.
records() {
	awk -v n="$1" 'BEGIN { split("ash beech cedar", name); for (i = 0; i < n; i++) {
		y = int(i * 7919 % 101 / 101 * 3); given = y
		if (i * 31 % 20 == 7) { given = (y + 1 + i % 2) % 3; printf "r%d\n", i >"wrong.ids" }
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"vec\":{", i, name[given + 1]
		a = (y == 0) * 2 + i * 104729 % 103 / 103; b = (y == 1) * 2 + i * 15485863 % 107 / 107
		if (i % 9 == 4) printf "\"a\":null,"; else printf "\"a\":[%.4f,%.4f],", a, i % 13
		printf "\"b\":[%.4f,%.4f]}}\n", b, i % 17 } }'
}
records 400 >all.jsonl
vec-cat -o all.vp all.jsonl
wrong=$(wc -l <wrong.ids)
# found K: how many of the wrong labels are among the first K lines of ./out.
found() { head -n "$1" out | sed 's/{"id":"\([^"]*\)".*/\1/' | grep -cxFf wrong.ids; }
enough() { awk "BEGIN { print ($1 >= $2 * $wrong) }"; }

run "classes" 0 suspect -q all.vp
is "a line for each record" "$(wc -l <out)" 400
is "one in twenty is wrong" "$wrong" 20
is "most of them are among the first 5 %" "$(enough "$(found 20)" 0.7)" 1
is "nearly all among the first 8 %" "$(enough "$(found 32)" 0.9)" 1
is "doubt falls" "$(sed 's/.*"doubt":\([-0-9.e]*\)}/\1/' out | sort -g -r -c && echo falls)" falls
out_has "a line has the given label" '"label":"'
out_has "what parts say" '"by":{"a":"'
is "not of parts that are missing" "$(grep '"id":"r4"' out | grep -c '"a":')" 0
is "no NaN" "$(grep -ci nan out)" 0
cp out plain
sort -R all.jsonl >shuffled.jsonl
run "in another order" 0 suspect -q -o other shuffled.jsonl
same "the same" plain other
for j in 1 2 4; do
	suspect -q -j $j -o other all.vp
	same "the same with $j threads" plain other
done
VECPIPE_ISA=portable suspect -q -o other all.vp
same "the same with portable kernels" plain other
run "-k" 0 suspect -q -k 7 -o other all.vp
head -n 7 plain >first
same "is the first lines" first other
run "a table" 0 suspect -q -f tsv -k 7 all.vp
is "has a line of names" "$(head -n 1 out)" "id	label	p	says	says_p	doubt	by.a	by.b"
is "and the same records" "$(sed 1d out | cut -f 1 | tr '\n' ' ')" \
	"$(sed 's/{"id":"\([^"]*\)".*/\1/' first | tr '\n' ' ')"

# Labels from a file.
sed 's/.*"id":"\([^"]*\)".*"label":"\([^"]*\)".*/\1\t\2/' all.jsonl >labels.tsv
vec-cat --drop label -o bare.vp all.vp
run "labels from a file" 0 suspect -q -l labels.tsv -o other bare.vp
same "are the same" plain other
run "no labels" 1 suspect -q bare.vp

# A class of which the model is never sure: rare and often are told apart by
# chance alone.
awk 'BEGIN { for (i = 0; i < 400; i++) {
	y = i * 7919 % 101 / 101; c = y < 0.5 ? "sure" : i * 31 % 5 < 3 ? "often" : "rare"
	printf "{\"id\":\"r%d\",\"label\":\"%s\",\"vec\":{\"a\":[%.4f,%.4f]}}\n", i, c, (y < 0.5) * 2 + i * 104729 % 103 / 103, i * 15485863 % 107 } }' >unsure.jsonl
run "a class of low probabilities" 0 suspect -q -k 20 unsure.jsonl
is "is not doubted for that" "$(head -n 1 out | sed 's/.*"doubt"://; s/}//' | awk '{ print ($1 < 0.5) }')" 1
out_has "though its probabilities are" '"label":"rare","p":0.3'

# Several labels: one that is given wrongly, or not given wrongly.
awk -F '"' 'BEGIN { while ((getline line <"wrong.ids") > 0) wrong[line] = 1 }
	{ i = substr($4, 2); y = i * 7919 % 101 / 101 < 0.5; z = i * 104729 % 103 / 103 < 0.4; g = ($4 in wrong) ? !y : y
	printf "{\"id\":\"%s\",\"labels\":[%s],\"vec\":{\"a\":[%.3f],\"b\":[%.3f]}}\n", $4, (g ? "\"x\"" : "") (g && z ? "," : "") (z ? "\"z\"" : ""),
		y * 2 + i * 15485863 % 107 / 107, z * 2 + i * 31 % 41 / 41 }' all.jsonl >multi.jsonl
run "labels" 0 suspect -q --task multilabel multi.jsonl
is "the wrong ones come first" "$(enough "$(found 32)" 0.9)" 1
out_has "with what is doubted" '"label":"x","given":true,"p":0.'
out_has "also where it is not given" '"label":"x","given":false,"p":0.'
run "labels as a table" 0 suspect -q --task multilabel -f tsv -k 3 multi.jsonl
out_has "with their names" "id	label	given	p	says	says_p	doubt	by.a	by.b"

# Numbers.
awk -F '"' 'BEGIN { while ((getline line <"wrong.ids") > 0) wrong[line] = 1 }
	{ i = substr($4, 2); x = i * 7919 % 101; printf "{\"id\":\"%s\",\"target\":%.3f,\"vec\":{\"a\":[%d,%d]}}\n", $4,
		x + i * 31 % 11 + (($4 in wrong) ? 60 * (i % 2 ? 1 : -1) : 0), x, i % 13 }' all.jsonl >numbers.jsonl
run "numbers" 0 suspect -q --task regress numbers.jsonl
is "the wrong ones come first" "$(enough "$(found 20)" 0.9)" 1
out_has "with what is given and said" '"value":'
run "numbers as a table" 0 suspect -q --task regress -f tsv -k 3 numbers.jsonl
out_has "with their names" "id	value	says	doubt	by.a"

# Other methods.
run "late" 0 suspect -q --fusion late -k 32 all.vp
is "finds them too" "$(enough "$(found 32)" 0.8)" 1

# Records in error, and what is refused.
(cat all.jsonl && echo '{"id":"e","label":"ash","vec":{"a":null,"b":null},"errors":{"a":"cut"}}') >errors.jsonl
run "a record in error" 3 suspect errors.jsonl
err_has "is left out" "1 of 401 records left out: no part is there"
is "of the lines too" "$(wc -l <out)" 400
run "that is allowed" 0 suspect -q --max-errors 1 errors.jsonl
run "one class" 1 sh -c 'grep ash all.jsonl | suspect'
err_has "is named" "only one class, 'ash'"
run "an id twice" 1 suspect all.vp all.vp
err_has "is named" "id 'r0' came before"
run "header without labels" 2 suspect --header all.vp
run "no folds" 2 suspect --cv off all.vp
run "a weight of nothing" 1 suspect --weight q=1 all.vp
err_has "is named" "there is no part 'q'"
head -c 3000 all.vp >cut.vp
run "a cut stream" 1 suspect cut.vp
err_has "is said" "truncated"
