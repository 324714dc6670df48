# shellcheck shell=sh
# evaluate: who counts, what is said, and what has no value.
cat >p.jsonl <<'X'
{"id":"a","label":"x","p":0.7,"truth":"x","probs":{"x":0.7,"y":0.3}}
{"id":"b","label":"y","p":0.6,"truth":"x","probs":{"x":0.4,"y":0.6}}
{"id":"c","label":"x","p":0.8,"truth":"x","probs":{"x":0.8,"y":0.2},"train":true}
{"id":"d","label":"y","p":0.9,"truth":"y","probs":{"x":0.1,"y":0.9}}
X
run "truth from the lines" 0 evaluate p.jsonl
out_has "scores the others" "3 records, 2 classes"
err_has "and leaves training records out" "1 of 4 were in training"
out_has "accuracy" "accuracy                     0.6667"
run "--resubstitution" 0 evaluate --resubstitution --summary p.jsonl
out_has "keeps them" "accuracy                     0.7500"
run "standard input" 0 sh -c 'evaluate -q <p.jsonl'
is "-q is quiet" "$(wc -c <err)" 0

run "JSON" 0 evaluate -q -f json --bootstrap 0 p.jsonl
is "is one line" "$(wc -l <out)" 1
out_has "with figures" '"accuracy":0.6666666666666666,"macro_f1":0.6666666666666666'
out_has "and classes" '{"label":"x","precision":1,"recall":0.5,"f1":0.6666666666666666,"support":2,"predicted":1}'
out_has "and confusions" '{"truth":"x","label":"y","n":1}'
run "only some figures" 0 evaluate -q -f json --bootstrap 0 --summary --scores auc,accuracy p.jsonl
out_is "are these" '{"task":"class","records":3,"errors":0,"in_training":1,"without_truth":0,"bootstrap":0,"accuracy":0.6666666666666666,"auc":1}'
run "a figure of another task" 2 evaluate --scores r2 p.jsonl

# Sets, intervals, and what the model declined to say.
cat >sets.jsonl <<'X'
{"id":"a","label":"x","p":0.7,"truth":"x","probs":{"x":0.7,"y":0.3},"set":["x","y"]}
{"id":"b","label":"y","p":0.6,"truth":"x","probs":{"x":0.4,"y":0.6},"set":["y"]}
{"id":"c","label":null,"truth":"x","rejected":true}
{"id":"d","label":"y","p":0.9,"truth":"y","probs":{"x":0.1,"y":0.9},"set":["y"]}
X
run "sets of labels" 0 evaluate sets.jsonl
out_has "coverage" "coverage of the sets         0.6667     0.0000 ..      1.0000"
out_has "size" "labels in a set              1.3333"
out_has "share accepted" "3 of 4 accepted: 0.7500"
is "a rejected record is no error" "$(wc -c <err)" 0
run "sets as JSON" 0 evaluate -f json --scores coverage,set_size --summary --bootstrap 0 sets.jsonl
out_has "has them" '"rejected":1,"accepted":0.75,"bootstrap":0,"coverage":0.6666666666666666,"set_size":1.3333333333333333}'
run "coverage without sets" 3 evaluate -q --scores coverage p.jsonl
out_has "is undefined" "undefined"
run "no sets" 0 evaluate -q p.jsonl
is "are not spoken of" "$(grep -c 'coverage\|accepted' out)" 0
cat >intervals.jsonl <<'X'
{"id":"a","value":1,"truth":2,"interval":[0,2]}
{"id":"b","value":2,"truth":5,"interval":[0,3]}
X
run "intervals" 0 evaluate intervals.jsonl
out_has "coverage" "coverage of intervals        0.5000"
out_has "width" "width of an interval            2.5"
grep rejected sets.jsonl >rejected.jsonl
run "all rejected" 1 evaluate rejected.jsonl
err_has "leaves nothing" "no records to score"

# Calibration: the error beside what chance alone would make of it.
awk 'BEGIN { for (i = 0; i < 500; i++) {
	p = 0.5 + (i * 7919 % 1000) / 2001; right = i * 104729 % 1009 / 1009 < p
	printf "{\"id\":\"r%d\",\"label\":\"x\",\"p\":%.4f,\"truth\":\"%s\"}\n", i, p, right ? "x" : "y" } }' >calm.jsonl
run "calibrated" 0 evaluate --summary --bootstrap 0 --scores ece_mass,ece_limit calm.jsonl
awk '/bins of equal mass/ { e = $NF } /limit/ { l = $NF } END { print (e > 0 && e <= l) }' out >below
is "is below the limit" "$(cat below)" 1
sed 's/"p":0/"p":1e-3,"q":0/' calm.jsonl >wild.jsonl
run "not calibrated" 0 evaluate --summary --bootstrap 0 --scores ece_mass,ece_limit wild.jsonl
awk '/bins of equal mass/ { e = $NF } /limit/ { l = $NF } END { print (e > l) }' out >above
is "is above it" "$(cat above)" 1

# Truth from -l and from a stream.
printf 'id\tlabel\na\ty\nb\ty\nd\ty\nzz\ty\n' >l.tsv
run "truth from a file" 0 evaluate -q --summary --bootstrap 0 --scores accuracy --header -l l.tsv p.jsonl
out_has "replaces that of the lines" "0.6667"
printf 'a\ty\n' >one.tsv
run "records without a truth" 3 evaluate -q --summary --scores accuracy -l one.tsv p.jsonl
err_has "are counted" "2 of 4 have no truth, left out"
printf 'a\ty\na\ty\n' >twice.tsv
run "an id twice in the labels" 1 evaluate -l twice.tsv p.jsonl
err_has "has its line" "'twice.tsv': line 2: id 'a' came before"
printf '{"id":"%s","label":"%s","group":"%s","vec":{"v":[1]}}\n' a x g b y g c x h d y h | fuse -q -f vp >truth.vp
run "truth from a stream" 0 evaluate -q --summary p.jsonl truth.vp
out_has "with its groups" "3 records, 2 classes, 2 groups"
run "and predictions from standard input" 0 sh -c 'evaluate -q --summary truth.vp <p.jsonl'
out_has "the same" "3 records, 2 classes, 2 groups"
sed 2d p.jsonl >fewer.jsonl
run "N3: fewer predictions than truths" 3 evaluate -q --summary fewer.jsonl truth.vp
err_has "are counted" "1 records of the truth have no prediction"

# --ids: all of them must be there.
printf 'a\nd\n' >some.ids
run "--ids" 0 evaluate -q --summary --ids some.ids p.jsonl
out_has "scores these" "2 records"
echo nobody >>some.ids
run "a missing prediction" 1 evaluate --ids some.ids p.jsonl
err_has "is named" "record 'nobody' has no prediction"

# N3: what has no value is a word, and 3.
run "one class only" 3 sh -c 'grep -v "\"d\"" p.jsonl | evaluate --resubstitution'
out_has "has no AUC" "AUC                       undefined"
sed 's/,"probs.*/}/' p.jsonl >short.jsonl
run "no probabilities" 3 evaluate -q -f json short.jsonl
out_has "no log-loss" '"log_loss":null,"brier":null'
is "never NaN" "$(grep -ci nan out)" 0
run "asked for what there is" 0 evaluate -q --scores accuracy,macro_f1 short.jsonl
printf '{"id":"%s","value":%s,"truth":2}\n' a 1 b 2 >const.jsonl
run "a constant truth" 3 evaluate const.jsonl
out_has "has no R2" "R2                        undefined"

# Records in error are counted, and the others scored.
{ cat p.jsonl; echo '{"id":"e","label":null,"errors":{"image":"cut"}}'; } >e.jsonl
run "a record in error" 3 evaluate -q --summary e.jsonl
err_has "is counted" "1 of 5 carry errors"
out_has "the others are scored" "3 records"
run "--max-errors" 0 evaluate -q --summary --max-errors 20% e.jsonl
printf '' >empty
run "F7: no records" 1 evaluate empty
err_has "are nothing to score" "no records"
sed 's/}$/,"train":true}/; s/,"train":true,"train":true/,"train":true/' p.jsonl >all.jsonl
run "all in training" 1 evaluate all.jsonl
err_has "says why" "4 of 4 were in training"
head -c 150 p.jsonl >cut.jsonl # in the third line
run "F8: a cut line" 1 evaluate cut.jsonl
err_has "has its place" "'cut.jsonl': line 3: column"
run "G11: a folder" 1 evaluate .
run "a file that is not there" 1 evaluate none.jsonl
run "G1: a full disk" 1 sh -c 'evaluate -q p.jsonl >/dev/full'
err_has "is named" "No space left"
echo old >old
run "a failure" 1 evaluate -o old cut.jsonl
is "leaves the old file" "$(cat old)" old

# Paired comparison.
guesses() { # guesses N: wrong for some, in the order of the ids or against it
	awk -v n="$1" 'BEGIN { for (i = 0; i < 200; i++) {
		k = n > 3 ? i : 199 - i
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"truth\":\"%s\"}\n", k, (k % n ? "x" : "y"), (k % 5 ? "x" : "y") } }'
}
right() { awk -F '"' '{ n += $8 == $12 } END { printf "%.4f", n / NR }' "$1"; }
guesses 7 >m.jsonl
guesses 3 >n.jsonl
run "--vs" 0 evaluate --scores accuracy --summary --vs n.jsonl m.jsonl
out_has "names both" "A: m.jsonl"
is "gives both and the difference" \
	"$(awk '$1 == "accuracy" { print $2, $3, $4 }' out)" \
	"$(right m.jsonl) $(right n.jsonl) $(awk "BEGIN { printf \"%.4f\", $(right m.jsonl) - $(right n.jsonl) }")"
out_has "and an exact p" "McNemar's exact p ="
cp out mn
run "--vs, the other way" 0 evaluate --scores accuracy --summary --vs m.jsonl n.jsonl
is "has the other sign" "$(awk '$1 == "accuracy" { print $4 }' out)" \
	"-$(awk '$1 == "accuracy" { print $4 }' mn)"
head -n 199 n.jsonl >n199.jsonl
run "records that one lacks" 1 evaluate --vs n199.jsonl m.jsonl
err_has "are named" "record 'r0' is missing in the second file"
echo '{"id":"a","vec":{"probs":[0.3,0.7]}}' | vec-cat >p.vp
run "predictions as vectors" 1 sh -c 'evaluate p.vp </dev/null'
err_has "are taken for the truth" "no predictions: 'p.vp' is vectors, and those are the truth"
