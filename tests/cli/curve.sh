# examples/curve runs to its end; more records and more modalities help.
# shellcheck shell=sh
run "the learning curve" 0 make -s -C "$ROOT/examples/curve" O="$PWD/o" BIN="$BUILD" SEEDS=1 SHARES="10 75"
at() { awk -v row="$1" -v col="$2" '$1 == row && $2 == "%" { print $col }' out; }
more() { # more NAME A B: A is the larger
	if awk "BEGIN { exit !($2 > $3) }"; then ok "$1 ($2 > $3)"; else no "$1" "'$2', '$3'"; fi
}
more "more titles" "$(at 75 3)" "$(at 10 3)"
more "more of both" "$(at 75 5)" "$(at 10 5)"
more "both and not titles alone" "$(at 75 5)" "$(at 75 3)"
run "nothing to do again" 0 make -q -C "$ROOT/examples/curve" O="$PWD/o" BIN="$BUILD" SEEDS=1 SHARES="10 75" "$PWD/o/curve.txt"
awk -v kind=pairs -v n=200 -f "$ROOT/tests/synthetic.awk" >pairs.jsonl
sed 's/.*"id":"\([^"]*\)","label":"\(.\)".*/\1\t\2/' pairs.jsonl >pairs.tsv
vec-cat --drop label pairs.jsonl >pairs.vp
run "other records" 0 make -s -C "$ROOT/examples/curve" O="$PWD/p" BIN="$BUILD" SEEDS=1 SHARES="20 75" \
	ALL="$PWD/pairs.vp" PARTS="a b" LABELS="$PWD/pairs.tsv"
more "both and not one alone" "$(at 75 5)" "$(at 75 3)"
more "whichever it is" "$(at 75 5)" "$(at 75 4)"
