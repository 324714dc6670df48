# A part that is noise costs at most half a point against the part that knows,
# in the mean of three seeds.
# shellcheck shell=sh
make_useless() { awk -v kind=useless -v n="$1" -v from="$2" -v seed="$3" -f "$ROOT/tests/synthetic.awk" | vec-cat; }
points() { # points MODEL STREAM: accuracy in points
	predict -q -m "$1" "$2" | evaluate -q -f json --bootstrap 0 --scores accuracy |
		sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p' | awk '{ printf "%.2f\n", 100 * $1 }'
}
for seed in 1 2 3; do
	make_useless 500 0 $seed >train$seed.vp
	make_useless 2000 500 9$seed >test$seed.vp
	vec-cat --part a train$seed.vp | train -q -o x.model
	vec-cat --part a test$seed.vp >test-a.vp
	points x.model test-a.vp >>alone
done
for method in concat late mlp gated lowrank ensemble auto; do
	rm -f fused
	for seed in 1 2 3; do
		case $method in auto | ensemble) budget="--budget 6" ;; *) budget= ;; esac
		# shellcheck disable=SC2086 # two words or none
		train -q --fusion $method $budget -o x.model train$seed.vp
		points x.model test$seed.vp >>fused
	done
	cost=$(paste alone fused | awk '{ s += $1 - $2 } END { printf "%.2f", s / NR }')
	most=0.5
	if awk "BEGIN { exit !($cost <= $most) }"; then
		ok "$method: noise costs $cost points"
	else
		no "$method" "noise costs $cost points: alone $(tr '\n' ' ' <alone), with it $(tr '\n' ' ' <fused)"
	fi
done
