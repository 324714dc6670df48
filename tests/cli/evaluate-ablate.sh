# evaluate --ablate and --noise: a model without its parts.
# shellcheck shell=sh

# records FROM TO: part a says little, part b says the class, part s a little
# by its words; every fourth record lacks b, every eleventh a.
records() {
	awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i < to; i++) {
		y = i * 7919 % 101 / 101 < 0.5
		a = y + 3 * ((i * 104729 % 103) / 103 - 0.5); b = y + 0.7 * ((i * 15485863 % 107) / 107 - 0.5)
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"group\":\"g%d\",\"vec\":{", i, y ? "yes" : "no", i / 2
		if (i % 11) printf "\"a\":[%.4f,%.4f],", a, i % 13; else printf "\"a\":null,"
		if (i % 4) printf "\"b\":[%.4f,%.4f,7],", b, i % 17; else printf "\"b\":null,"
		printf "\"s\":{\"dim\":40,\"idx\":[%d,%d],\"val\":[1,0.5]}}}\n", y + i * 31 % 7, 20 + i % 9 } }'
}
records 0 160 >train.jsonl
records 160 360 >test.jsonl
vec-cat -o test.vp test.jsonl
train -q --cv off -o x.model train.jsonl
field() { # field KEY: the first number of that name
	grep -o "\"$1\":[-0-9.e]*" | head -n 1 | cut -d : -f 2
}
object() { # object PARTS: what stands behind them in ./out
	sed "s/.*{\"parts\":\[$1\],//" out
}

run "--ablate" 0 evaluate --ablate --bootstrap 200 -m x.model test.vp
out_has "counts records and groups" "200 records, 2 classes, 100 groups"
is "has a row for each subset in each figure" "$(grep -c '^\(a+b+s\|a+b\|a+s\|b+s\|a\|b\|s\|none\)  ' out)" \
	"$((3 * (8 + $(grep -c '^of records' out))))"
out_has "and one for records that lack a part" "of records that have only"
cp out plain
for j in 1 2 4; do
	evaluate --ablate --bootstrap 200 -j $j -m x.model -o other test.vp
	same "the same with $j threads" plain other
done
sort -R test.jsonl >shuffled.jsonl
run "in another order" 0 evaluate --ablate --bootstrap 200 -m x.model -o other shuffled.jsonl
same "the same" plain other
VECPIPE_ISA=portable evaluate --ablate --bootstrap 200 -m x.model -o other test.vp
same "the same with portable kernels" plain other

# A part that is taken away is as one that the stream has not.
run "as JSON" 0 evaluate --ablate -f json --bootstrap 0 -m x.model test.vp
mv out all.json
for parts in a b s a,s b,s a,b a,b,s; do
	sed 's/,"patterns".*//' all.json >out
	list=$(echo "\"$parts\"" | sed 's/,/","/g')
	of=$(object "$list")
	vec-cat --part "$parts" test.vp >some.vp
	predict -q -m x.model some.vp | evaluate -q --summary --bootstrap 0 -f json >want
	for key in accuracy macro_f1; do
		is "$parts alone: $key" "$(echo "$of" | field $key)" "$(field $key <want)"
	done
done
# And a pattern is the records that have it.
awk -F '"' '/"a":null/ && !/"b":null/ { print $4 }' test.jsonl >lack-a.ids
predict -m x.model test.vp | evaluate -q --ids lack-a.ids --summary --bootstrap 0 -f json >want
sed 's/.*"patterns"//' all.json >out
is "records without a: accuracy" "$(object '"b","s"' | field accuracy)" "$(field accuracy <want)"
is "records without a: how many" "$(object '"b","s"' | field records)" "$(wc -l <lack-a.ids)"

run "training records" 0 evaluate --ablate --bootstrap 0 -m x.model train.jsonl test.vp
err_has "are left out" "160 of 360 were in training"
run "with them alone" 1 evaluate --ablate -m x.model train.jsonl
err_has "there is nothing" "no records to score"
run "--resubstitution" 0 evaluate --ablate --resubstitution --bootstrap 0 -m x.model train.jsonl
out_has "scores them" "160 records"
head -n 20 test.jsonl | sed 's/.*"id":"\([^"]*\)".*/\1/' >some.ids
run "--ids" 0 evaluate --ablate --ids some.ids --bootstrap 0 -m x.model test.vp
out_has "scores these" "20 records"
sed 's/$/\tno/' some.ids >some.tsv
run "other labels, of some" 3 evaluate --ablate -l some.tsv --scores accuracy --bootstrap 0 -m x.model test.vp
err_has "the others have none" "180 of 200 have no truth"
run "chosen figures" 0 evaluate --ablate --scores auc --bootstrap 0 -m x.model test.vp
is "are the only ones" "$(grep -c '^\(AUC\|accuracy\)' out)" 1
run "standard input" 0 sh -c 'evaluate --ablate --bootstrap 200 -m x.model <test.vp'
same "is read" plain out

run "--noise" 0 evaluate --noise --bootstrap 200 -m x.model test.vp
is "has six rows for each part in each figure" "$(grep -c 'noise' out)" 54
cp out plain
run "in another order" 0 evaluate --noise --bootstrap 200 -j 1 -m x.model -o other shuffled.jsonl
same "the same" plain other
VECPIPE_ISA=portable evaluate --noise --bootstrap 200 -m x.model -o other test.vp
same "the same with portable kernels" plain other
run "another seed" 0 evaluate --noise --bootstrap 200 -s 7 -m x.model -o other test.vp
if cmp -s plain other; then no "other noise"; else ok "other noise"; fi
run "noise as JSON" 0 evaluate --noise -f json --bootstrap 0 -m x.model test.vp
level() { sed "s/.*{\"part\":\"$1\",\"noise\":$2,//; s/}.*//" out | field accuracy; }
is "none changes nothing" "$(level b 0)" "$(field accuracy <all.json)"
more() { awk "BEGIN { print ($1 > $2) }"; }
is "much over what decides costs much" "$(more "$(level b 0) - $(level b 4)" 0.1)" 1
is "more than over what does not" "$(more "$(level a 4)" "$(level b 4)")" 1
is "more noise costs more" "$(more "$(level b 0.25)" "$(level b 4)")" 1
is "no NaN" "$(grep -ci nan out)" 0

# Labels and numbers.
awk '{ sub(/"label":"[a-z]*"/, NR % 3 ? "\"labels\":[\"x\",\"y\"]" : "\"labels\":[\"y\"]") } 1' train.jsonl >multi.jsonl
awk '{ sub(/"label":"[a-z]*"/, NR % 3 ? "\"labels\":[\"x\",\"y\"]" : "\"labels\":[\"x\"]") } 1' test.jsonl >multi-test.jsonl
train -q --cv off --task multilabel -o multi.model multi.jsonl
run "labels" 0 evaluate --ablate --bootstrap 20 -m multi.model multi-test.jsonl
out_has "have F1" "micro F1"
run "labels and noise" 0 evaluate --noise --bootstrap 20 -m multi.model multi-test.jsonl
for f in train test; do
	awk '{ x = $0; sub(/.*"id":"r/, "", x); sub(/".*/, "", x); sub(/"label":"[a-z]*"/, "\"target\":" x % 29) } 1' $f.jsonl >number-$f.jsonl
done
train -q --cv off --task regress -o number.model number-train.jsonl
run "numbers" 0 evaluate --ablate --bootstrap 20 -m number.model number-test.jsonl
out_has "have R2" "R2"
out_has "and errors" "mean absolute error"

# Refusals.
run "no model" 2 evaluate --ablate test.vp
err_has "is said" "-m FILE"
run "a model alone" 2 evaluate -m x.model test.vp
run "both questions" 2 evaluate --ablate --noise -m x.model test.vp
run "--vs" 2 evaluate --ablate --vs plain -m x.model test.vp
run "an id twice" 1 evaluate --ablate -m x.model test.vp test.vp
err_has "is named" "id 'r160' came before"
head -c 3000 test.vp >cut.vp
run "a cut stream" 1 evaluate --ablate -m x.model cut.vp
err_has "is said" "truncated"
run "predictions" 1 evaluate --ablate -m x.model plain
run "a part that the model does not know" 1 sh -c 'vec-cat --part a --name q=a test.vp | evaluate --ablate -m x.model'
err_has "is named" "'q'"
awk 'BEGIN { for (i = 0; i < 20; i++) { printf "{\"id\":\"%d\",\"label\":\"%s\",\"vec\":{", i, i % 2 ? "x" : "y"
	for (p = 0; p < 9; p++) printf "%s\"p%d\":[%d]", p ? "," : "", p, i * (p + 3) % 7; print "}}" } }' >nine.jsonl
train -q --cv off -o nine.model nine.jsonl
run "nine parts" 1 evaluate --ablate --resubstitution -m nine.model nine.jsonl
err_has "are too many" "9 parts have 2^9 subsets; no more than 8 can be ablated"
run "but noise may cover each" 0 evaluate --noise --resubstitution --bootstrap 0 -m nine.model nine.jsonl
run "eight of them" 0 sh -c 'vec-cat --part p0,p1,p2,p3,p4,p5,p6,p7 nine.jsonl | evaluate --ablate --resubstitution --bootstrap 0 -f json -m nine.model'
is "have 256 subsets" "$(grep -o '"parts":\[' out | wc -l)" 257
