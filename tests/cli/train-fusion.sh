# train --fusion: methods, budgets, models for missing parts, what is refused.
# shellcheck shell=sh

# records N HAS: two parts that each know half of the truth; class is told by
# both together where HAS is 3, by bit 1 (a) or bit 2 (b) alone.
records() {
	awk -v n="$1" -v has="$2" 'BEGIN { for (i = 0; i < n; i++) {
		u = (i * 7919 % 101) / 101; v = (i * 104729 % 97) / 97
		w = (i * 15485863 % 89) / 89
		y = u + v > 1 ? "high" : "low"
		a = has % 2 ? sprintf("\"a\":[%.4f,%.4f,1]", u, w) : ""
		b = has >= 2 ? sprintf("\"b\":[%.4f,%.4f]", v, 1 - w) : ""
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"vec\":{%s%s%s}}\n", i, y, a, has == 3 ? "," : "", b } }'
}
records 120 3 >both.jsonl
records 120 1 >a.jsonl
records 120 2 >b.jsonl

for m in concat late mlp gated lowrank tensor bilinear attention; do
	net=
	case $m in concat | late) ;; *) net="--epochs 2 --hidden 8" ;; esac
	# shellcheck disable=SC2086
	run "$m" 0 train $net --fusion $m -o $m.model both.jsonl
	err_has "$m: says how well" "cross-validation, 5 folds: accuracy"
	run "$m predicts" 0 predict -m $m.model both.jsonl
	is "$m: every record" "$(grep -c '"label"' out)" 120
	run "$m predicts from one part" 0 predict -m $m.model a.jsonl
	is "$m: no number is lost" "$(grep -c 'null,"p"\|nan' out)" 0
	# shellcheck disable=SC2086
	run "$m without folds" 0 train -q $net --cv off --fusion $m -o off.model both.jsonl
	run "$m predicts without folds" 0 predict -q -m off.model b.jsonl
done

# The model for one part is there unless it is not wanted.
run "no further models" 0 train -q --backoff off -o one.model both.jsonl
vec-info -v one.model >one.txt
is "one set" "$(grep -c 'set\.[0-9]*\.mix' one.txt)" 1
vec-info -v concat.model >all.txt
is "each part too" "$(grep -c 'set\.[0-9]*\.mix' all.txt)" 4
right() { predict -q -m "$1" "$2" | evaluate -f json --resubstitution --bootstrap 0 | sed 's/.*"accuracy":\([0-9.]*\).*/\1/'; }
run "model of a alone" 0 train -q -o alone.model a.jsonl
is "as good as the model of that part" "$(awk "BEGIN { print ($(right concat.model a.jsonl) >= $(right alone.model a.jsonl) - 0.03) }")" 1

# auto says what it did; its number of trials repeats a time budget.
run "auto" 0 train --epochs 2 --hidden 8 --budget 2 --fusion auto -o auto.model both.jsonl
err_has "concat too" "tried concat: accuracy"
err_has "what it tried" "tried late: accuracy"
err_has "the ensemble" "tried ensemble: accuracy"
is "two methods beside concat" "$(grep -c "tried [^ce]" err)" 2
is "and a choice" "$(grep -c 'kept concat\|chose ' err)" 1
n=$(train --help | tr '\n' ' ' | sed 's/.*methods that auto and ensemble *try (\([0-9]*\)).*/\1/')
run "as many as it wants" 0 train --epochs 2 --hidden 8 --fusion auto -o most.model both.jsonl
is "are what --help says" "$(grep -c "tried [^ce]" err)" "$n"
run "again" 0 train -q -j 2 --epochs 2 --hidden 8 --budget 2 --fusion auto -o again.model both.jsonl
same "the same" auto.model again.model
run "by time" 0 train -q --epochs 2 --hidden 8 --budget 1s --fusion auto -o time.model both.jsonl
n=$(vec-info -f json time.model 2>/dev/null | sed 's/.*"budget":\([0-9]*\).*/\1/')
case $n in
[1-9]) run "by that number" 0 train -q --epochs 2 --hidden 8 --budget "$n" --fusion auto -o again.model both.jsonl
	same "repeats it" time.model again.model ;;
*) skip "by that number" "vec-info says no budget" ;;
esac

run "logit adjustment" 0 train -q --logit-adjust 1 -o tau.model both.jsonl
run "imputation" 0 train -q --impute ridge -o impute.model both.jsonl
run "focal" 0 train -q --epochs 2 --fusion mlp --focal 2 -o focal.model both.jsonl

# Refused, with the range.
while read -r option value words; do
	run "--$option $value" 2 train --fusion auto --"$option" "$value" -o x.model both.jsonl
	err_has "--$option $value: says what may be" "$words"
done <<'P'
fusion best concat
budget 0 1
budget 0s 1
budget x 1
hidden 0 1
hidden 5000 4096
rank 0 1
epochs 0 1
lr 0 1e-07
lr 11 10
weight-decay -1 0
dropout 1 0.95
part-dropout 1.5 1
batch 0 1
focal -1 0
logit-adjust 11 10
backoff maybe on
impute zero none
P
run "a net's option without nets" 2 train --hidden 8 -o x.model both.jsonl
err_has "says so" "are for nets"
run "a budget without a choice" 2 train --budget 3 -o x.model both.jsonl
err_has "says so" "ensemble and auto"
run "auto without folds" 2 train --cv off --fusion auto -o x.model both.jsonl
err_has "says so" "cross-validation"

# What is done never falls back, whatever is tried in turn.
awk -v kind=useless -v n=4000 -f "$ROOT/tests/synthetic.awk" >useless.jsonl
run "progress" 0 train --progress json --fusion auto -o progress.model useless.jsonl
grep -o '"done":[0-9]*' err | cut -d : -f 2 >steps
if [ -s steps ] && sort -c -n steps; then ok "rises"; else no "rises" "$(cat err)"; fi
