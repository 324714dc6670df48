# make demo's script runs to its end, the join beats the titles alone, and
# pretrained networks, where there are any, beat both.
# shellcheck shell=sh
models=${MODELS:-$ROOT/models}
accuracy() { # of a file of predictions
	evaluate -q -f json --bootstrap 0 -l work/labels.tsv "work/$1.jsonl" | sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p'
}
more() { # more NAME A B: A is the larger
	if awk "BEGIN { exit !($2 > $3) }"; then ok "$1 ($2 > $3)"; else no "$1" "$2, $3"; fi
}
run "demo runs" 0 sh "$ROOT/examples/clipart/demo.sh" work
out_has "demo scores the join" "both.jsonl"
more "both are better than titles alone" "$(accuracy both)" "$(accuracy text)"
if [ -d "$models/minilm" ] && [ -d "$models/efficientnet-lite0" ]; then
	more "networks are better than both" "$(accuracy nets)" "$(accuracy both)"
else
	out_has "demo says that it goes without networks" "make models"
	skip "demo with networks" "no pretrained encoders in $models"
fi
