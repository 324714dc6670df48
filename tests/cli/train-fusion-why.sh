# predict --why: base and shares sum to the log-odds of what is said; a part
# that is absent, or says the same of every record, has no share.
# shellcheck shell=sh
awk -v kind=drowned -v n=300 -f "$ROOT/tests/synthetic.awk" |
	sed 's/}}$/,"c":[2,3]}}/' >all.jsonl
head -n 200 all.jsonl | vec-cat >train.vp
tail -n 100 all.jsonl >test.jsonl
# Every third record lacks a, every third b.
awk 'NR % 3 == 1 { sub(/"a":\[[^]]*\]/, "\"a\":null") }
	NR % 3 == 2 { sub(/"b":\[[^]]*\]/, "\"b\":null") } { print }' test.jsonl >lacking.jsonl

# sums: lines, how many sums are off, how many shares of c or of absent parts
# are not zero.
sums() {
	awk '{
		p = $0; sub(/.*"p":/, "", p); p += 0
		w = $0; sub(/.*"why":\{/, "", w); sub(/\}.*/, "", w)
		n = split(w, pair, ","); s = 0
		for (i = 1; i <= n; i++) {
			split(pair[i], kv, ":")
			s += kv[2]
			if (kv[1] == "\"c\"" && kv[2] + 0 != 0) odd++
			if ($0 ~ ("\"missing\":[^]]*" kv[1]) && kv[2] + 0 != 0) odd++
		}
		# p has as many digits as a float: its log-odds are as exact as 1 - p.
		d = s - log(p / (1 - p)); if (d < 0) d = -d
		if (n < 2 || d > 1e-5 + 1e-7 / (1 - p)) { off++; if (off == 1) worst = $0 }
	} END { print NR, off + 0, odd + 0; if (off) print worst }' "$1"
}
for method in concat late gated lowrank ensemble; do
	case $method in ensemble) budget="--budget 4" ;; *) budget= ;; esac
	# shellcheck disable=SC2086 # two words or none
	run "$method learns" 0 train -q --fusion $method $budget -o x.model train.vp
	run "$method says why" 0 predict -q --why -m x.model test.jsonl
	is "$method: shares sum to the log-odds, and a constant part has none" "$(sums out)" "100 0 0"
	run "$method says why of records that lack parts" 0 predict -q --why -m x.model lacking.jsonl
	is "$method: so they do there, and an absent part has none" "$(sums out)" "100 0 0"
	predict -q -m x.model test.jsonl | sed 's/"probs".*//' >plain
	predict -q --why -m x.model test.jsonl | sed 's/"why".*//; s/"probs".*//' >why
	same "$method: the predictions are the same" plain why
done
for j in 1 2; do
	predict -q --why -k 1 -j $j -m x.model test.jsonl >threads$j
done
same "the same with two threads" threads1 threads2

# Numbers: they sum to the value.
awk -v kind=numbers -v n=300 -f "$ROOT/tests/synthetic.awk" >numbers.jsonl
head -n 200 numbers.jsonl | vec-cat >train-n.vp
for method in concat gated; do
	run "$method learns numbers" 0 train -q --task regress --fusion $method -o n.model train-n.vp
	run "$method says why" 0 sh -c "tail -n 100 numbers.jsonl | predict -q --why -m n.model"
	is "$method: base and shares sum to the value" "$(awk '{
		v = $0; sub(/.*"value":/, "", v); v += 0
		w = $0; sub(/.*"why":\{/, "", w); sub(/\}.*/, "", w)
		n = split(w, pair, ","); s = 0
		for (i = 1; i <= n; i++) { split(pair[i], kv, ":"); s += kv[2] }
		d = s - v; if (d < 0) d = -d
		if (n != 3 || d > 1e-5 + 2e-6 * (v < 0 ? -v : v)) off++
	} END { print NR, off + 0 }' out)" "100 0"
done
