# Bad input of train, for several ways to fuse: a clear error, or a stated
# behaviour; never NaN in a model or a prediction.
# shellcheck shell=sh
awk -v kind=pairs -v n=60 -f "$ROOT/tests/synthetic.awk" >good.jsonl
awk '{ sub(/"label":"[xyz]"/, "\"label\":\"x\"") } { print }' good.jsonl >equal.jsonl
awk '{ print } END { sub(/"label":"[xyz]"/, "\"label\":\"rare\""); sub(/pairs/, "last"); print }' good.jsonl >once.jsonl
awk '{ sub(/"label":"[xyz]"/, "\"label\":\"c" NR "\"") } { print }' good.jsonl >each.jsonl
awk '{ sub(/"a":\[[^]]*\]/, "\"a\":[1,2,3,4]") } { print }' good.jsonl >constant.jsonl
awk '{ sub(/"a":\[[^]]*\]/, "\"a\":[1,2,3,4]"); sub(/"b":\[[^]]*\]/, "\"b\":[0,0,0,0]") } { print }' good.jsonl >still.jsonl
awk '{ sub(/"a":\[[^]]*\]/, "\"a\":null") } { print }' good.jsonl >none.jsonl
awk '/"x"/ && !x++ { print } /"y"/ && !y++ { print }' good.jsonl >two.jsonl
awk '{ if (NR > 1) sub(/"a":\[[^]]*\]/, "\"a\":null") } { print }' good.jsonl >gone.jsonl
awk '{ sub(/"a":\[/, "\"a\":[1e38,") } { print }' good.jsonl >huge.jsonl
awk 'NR % 3 { sub(/"a":\[[^,]*,/, "\"a\":[NaN,") } { print }' good.jsonl | awk '
	NR == 1 { first = $0; next } NR == 3 { print; print first; next } { print }' >nan.jsonl
awk 'NR % 2 { sub(/"a":\[[^]]*\]/, "\"a\":null") } !(NR % 2) { sub(/"b":\[[^]]*\]/, "\"b\":null") } { print }' good.jsonl >never.jsonl
awk '{ sub(/"label":"[xyz]"/, "\"target\":4") } { print }' good.jsonl >same-number.jsonl
awk '{ sub(/"label":"[xyz]"/, "\"target\":" (NR % 2 ? "1e30" : "-1e30")) } { print }' good.jsonl >far-numbers.jsonl
sed 's/.*"id":"\([^"]*\)","label":"\(.\)".*/\1\t\2/' good.jsonl >good.tsv
awk -F '\t' '{ printf "%s", $1
	for (i = 0; i < 90; i++) if ((i * 7 + NR * 13) % 11 < 3) printf "\tl%d", i
	print "" }' good.tsv >many.tsv
awk -F '\t' '{ print $1 "\tall" }' good.tsv >always.tsv
echo 'nobody	x' >stray.tsv
head -n 40 good.tsv >>stray.tsv
sed 's/^/no-/' good.tsv >strays.tsv

# sound NAME MODEL STREAM: the model is finite, and so is what it says of each
# record, in its order.
sound() {
	if ! vec-info -q --check "$2" >said 2>&1; then
		no "$1" "$(cat said)"
		return
	fi
	predict -q --max-errors 100% -m "$2" "$3" >said 2>why || {
		no "$1" "$(cat why)"
		return
	}
	if grep -qi '[:,[]-\{0,1\}\(nan\|inf\)' said; then
		no "$1" "$(grep -i 'nan\|inf' said | head -n 3)"
	elif [ "$(wc -l <said)" != "$(wc -l <"$3")" ]; then
		no "$1" "$(wc -l <said) lines for $(wc -l <"$3") records"
	else
		ok "$1"
	fi
}
# learns NAME STATUS STREAM OPTION...: train ends with this status; with 1 it
# says why and leaves no model, else the model is sound.
for method in concat late mlp gated lowrank ensemble auto; do
	case $method in ensemble | auto) budget="--budget 3" ;; *) budget= ;; esac
	learns() {
		name="$method: $1" want=$2 stream=$3
		shift 3
		rm -f x.model
		# shellcheck disable=SC2086 # $budget is two words or none
		run "$name" "$want" train --fusion $method $budget "$@" -o x.model "$stream"
		if [ "$want" = 1 ]; then
			if [ -e x.model ]; then no "$name: no model"; else ok "$name: no model"; fi
			is "$name: a sentence" "$(grep -c '^train: .' err | awk '{ print ($1 > 0) }')" 1
		elif [ -e x.model ]; then
			sound "$name: all numbers are finite" x.model "$stream"
		fi
	}
	learns "all labels equal" 1 equal.jsonl
	err_has "$method: says so" "only one class, 'x'"
	learns "a class with one record" 0 once.jsonl
	learns "a class for each record" 0 each.jsonl
	learns "more labels than records" 0 good.jsonl -l many.tsv
	learns "a label that all have" 0 good.jsonl -l always.tsv --task multilabel
	learns "an id that is not there, and ids without label" 0 good.jsonl -l stray.tsv
	err_has "$method: says the latter" "20 of 60 records left out: no label"
	learns "only ids that are not there" 1 good.jsonl -l strays.tsv
	learns "a constant part" 0 constant.jsonl
	err_has "$method: says which" "part 'a' is the same in every record that has it"
	case $method in
	mlp | gated | lowrank) learns "nothing but constants" 1 still.jsonl ;;
	*) learns "nothing but constants" 0 still.jsonl ;;
	esac
	learns "a part that none has" 0 none.jsonl
	err_has "$method: says it" "part 'a' is missing in every record"
	learns "a part that only one record has" 0 gone.jsonl
	learns "never both parts" 0 never.jsonl
	learns "numbers near the largest" 0 huge.jsonl
	learns "NaN in a column" 3 nan.jsonl
	learns "equal targets" 1 same-number.jsonl --task regress
	learns "targets far from 0" 0 far-numbers.jsonl --task regress
	# Each is alone in its fold, where all columns are constant: nets say no,
	# and are left out where there are other candidates.
	case $method in
	mlp | gated | lowrank) learns "two records" 1 two.jsonl ;;
	*) learns "two records" 0 two.jsonl ;;
	esac
done

run "a budget of nothing" 2 train --fusion auto --budget 0 -o no.model good.jsonl
run "no seconds" 2 train --fusion auto --budget 0s -o no.model good.jsonl
if [ -e no.model ]; then no "no model"; else ok "no model"; fi
run "a budget of one method" 0 train -q --fusion auto --budget 1 -o x.model good.jsonl

# Options that would do nothing.
run "weights of classes for labels" 1 train -l many.tsv --class-weight balanced -o no.model good.jsonl
err_has "are refused" "--class-weight is for one class of several: each label of these records has its threshold"
run "or for numbers" 1 train --class-weight sqrt -o no.model same-number.jsonl --task regress
err_has "too" "--class-weight is for one class of several: these are numbers"
run "adjusted logits of numbers" 1 train --task regress --logit-adjust 1 -o no.model far-numbers.jsonl
err_has "there are none" "--logit-adjust is for classes and labels: these are numbers"
run "the focal loss of numbers" 1 train --task regress --fusion gated --focal 2 -o no.model far-numbers.jsonl
err_has "there is none" "--focal is for classes and labels: these are numbers"
run "the rank of a net that has none" 2 train --fusion mlp --rank 4 -o no.model good.jsonl
err_has "is refused" "--rank is for lowrank, bilinear and attention, not for --fusion mlp"
train -q --cv off -o class.model good.jsonl
run "a threshold for one class" 1 predict -m class.model --threshold 0.9 good.jsonl
err_has "is refused" "--threshold is for records that may have several labels, not for one class of several (--reject)"
is "no model is left" "$(ls no.model 2>/dev/null)" ""
run "weights that leave no part" 1 train --weight a=0 --weight b=0 --fusion gated -o no.model good.jsonl
err_has "are refused" "--weight: no part is left"
for i in 0 1 2 3; do
	echo "{\"id\":\"v$i\",\"value\":1e160,\"truth\":-${i}e160}"
done >far.jsonl
run "figures that doubles cannot hold" 3 evaluate -f json --bootstrap 0 far.jsonl
out_has "are undefined" '"rmse":null'
