# train and predict on sequences: tokens, patches, frames.  A linear model reads
# the mean of a record's rows.
# shellcheck shell=sh

# records KIND: 90 records in three classes, a part of 3 numbers: of rows whose
# mean tells the class (rows), of one row (one), or that row as a vector (dense).
# Every ninth has no rows, every tenth no part (dense: neither).
records() {
	awk -v kind="$1" 'BEGIN { srand(5); for (i = 0; i < 90; i++) {
		n = kind == "rows" ? 1 + i % 4 : 1
		text = ""
		for (r = 0; r < n; r++) {
			x = ""
			for (k = 0; k < 3; k++)
				x = x (k ? "," : "") int(1e4 * ((i % 3 == k) + 0.6 * rand())) / 1e4
			text = text (r ? "," : "") "[" x "]"
		}
		if (i % 10 == 4) v = "null"
		else if (i % 9 == 5) v = kind == "dense" ? "null" : "{\"dim\":3,\"rows\":[]}"
		else v = kind == "dense" ? text : "{\"dim\":3,\"rows\":[" text "]}"
		printf "{\"id\":\"r%d\",\"label\":\"c%d\",\"vec\":{\"q\":%s,\"d\":[%.3f,1]}}\n", i, i % 3, v, rand() } }'
}
for kind in rows one dense; do
	records $kind >$kind.jsonl
	vec-cat $kind.jsonl >$kind.vp
	run "train on $kind" 0 train -q -o $kind.model $kind.vp
	predict -q -m $kind.model $kind.vp >$kind.said
	grep -o '"id":"[^"]*"\|"label":"[^"]*"' $kind.said | paste - - >$kind.labels
done
right=$(tr -d '"' <rows.labels | sed 's/id:r//; s/label:c//' | awk '{ n += $1 % 3 == $2 } END { print n }')
if [ "$right" -ge 70 ]; then ok "rows tell the class"; else no "rows tell the class" "$right of 90"; fi
is "all are predicted" "$(wc -l <rows.labels)" 90
same "one row is as good as a vector" one.labels dense.labels

run "sequences in another order" 0 sh -c 'sort -R rows.jsonl | vec-cat >shuffled.vp && train -q -o b.model shuffled.vp'
same "the same model" rows.model b.model
for j in 1 3; do
	run "$j threads" 0 train -q -j $j -o b.model rows.vp
	same "the same with $j threads" rows.model b.model
done
run "a dense part of that name is refused" 1 predict -m rows.model dense.vp
