# make demo's script runs to its end, and the join beats the titles alone.
# shellcheck shell=sh
run "demo runs" 0 sh "$ROOT/examples/clipart/demo.sh" work
out_has "demo scores the join" "both.jsonl"
run "text scored" 0 evaluate -q -f json --bootstrap 0 -l work/labels.tsv work/text.jsonl
text=$(sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p' out)
run "both scored" 0 evaluate -q -f json --bootstrap 0 -l work/labels.tsv work/both.jsonl
both=$(sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p' out)
if awk "BEGIN { exit !($both > $text) }"; then
	ok "both ($both) are better than titles alone ($text)"
else
	no "both are better than titles alone" "$both, $text"
fi
