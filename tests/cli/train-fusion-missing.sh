# Trained on pairs, asked with one part only: not worse than the model that
# was trained on that part alone.  There are 18 comparisons; together they err
# one time in twenty (Bonferroni).
# shellcheck shell=sh
make_pairs() { awk -v kind=pairs -v n="$1" -v from="$2" -v seed="$2" -f "$ROOT/tests/synthetic.awk" | vec-cat; }
make_pairs 500 0 >train.vp
make_pairs 1000 500 >test.vp
for part in a b; do
	vec-cat --part $part test.vp >test-$part.vp
	vec-cat --part $part train.vp | train -q -o $part.model
	predict -q -m $part.model test-$part.vp >$part.jsonl
done
for method in concat late mlp gated lowrank tensor bilinear attention ensemble; do
	case $method in ensemble) budget="--budget 6" ;; *) budget= ;; esac
	# shellcheck disable=SC2086 # two words or none
	run "$method learns" 0 train -q --fusion $method $budget -o x.model train.vp
	for part in a b; do
		predict -q -m x.model test-$part.vp >one.jsonl
		is "$method says what is missing" "$(grep -c '"missing":\["[ab]"\]' one.jsonl)" 1000
		run "$method with $part alone" 0 evaluate -q -f json --scores accuracy --vs $part.jsonl one.jsonl
		gain=$(gain accuracy)
		p=$(gain_p accuracy)
		if awk "BEGIN { exit !($gain >= 0 || $p >= 0.05 / 18) }"; then
			ok "$method with $part alone is not worse ($gain, p = $p)"
		else
			no "$method with $part alone is worse" "by $gain, p = $p"
		fi
	done
	predict -q -m x.model test.vp | evaluate -q -f json --bootstrap 0 --scores accuracy >out
	is "$method with both is better" "$(sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p' out |
		awk '{ print ($1 > 0.8) }')" 1
done
