# Noise that moves from record to record: a gate that sees which part is
# drowned beats a sum with fixed weights, by a paired test.
# shellcheck shell=sh
make_drowned() { awk -v kind=drowned -v n="$1" -v from="$2" -v seed="$2" -f "$ROOT/tests/synthetic.awk" | vec-cat; }
make_drowned 800 0 >train.vp
make_drowned 1000 800 >test.vp
for method in concat gated; do
	run "$method learns" 0 train -q --fusion $method -o $method.model train.vp
	predict -q -m $method.model test.vp >$method.jsonl
done
run "paired" 0 evaluate -q -f json --scores accuracy --vs concat.jsonl gated.jsonl
gain=$(gain accuracy)
p=$(gain_p accuracy)
if awk "BEGIN { exit !($gain > 0 && $p < 0.05) }"; then
	ok "the gate is better by $gain, p = $p"
else
	no "the gate is better" "by '$gain', p = '$p'"
fi
