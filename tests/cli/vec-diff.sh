# vec-diff: values, masks, columns and ids of two streams.
# shellcheck shell=sh
cat >a.jsonl <<'EOF'
{"id":"p","label":"x","vec":{"t":[3,4],"w":{"dim":99,"idx":[1,5],"val":[3,4]}}}
{"id":"q","label":"x","vec":{"t":[1,0],"w":{"dim":99,"idx":[2],"val":[1]}}}
{"id":"r","label":"x","vec":{"t":[0,0],"w":null}}
EOF
cat >b.jsonl <<'EOF'
{"id":"q","label":"x","vec":{"t":[1,0],"w":{"dim":99,"idx":[2],"val":[1]}}}
{"id":"p","label":"y","group":"g","vec":{"t":[4,3],"w":{"dim":99,"idx":[1,7],"val":[3,4]}}}
{"id":"s","label":"x","vec":{"t":[1,1],"w":null}}
EOF
vec-cat -o a.vp a.jsonl
vec-cat -o b.vp b.jsonl

run "equal" 0 vec-diff a.vp a.jsonl
run "equal through a pipe" 0 sh -c 'vec-cat a.vp | vec-diff - a.vp'
run "different" 3 vec-diff a.vp b.vp
# (3,4) and (4,3): 24/25; (3,4) and (3,0,4) on three indexes: 9/25.
out_has "dense" "part 't': 2 compared, 1 differ; cosine mean 0.98, least 0.96; largest difference 1"
out_has "sparse" "part 'w': 2 compared, 1 differ; cosine mean 0.68, least 0.36; largest difference 4"
out_has "order" "3 records in 'a.vp', 3 in 'b.vp', 2 in both, in another order"
out_has "only in the first" "1 only in 'a.vp': r"
out_has "only in the second" "1 only in 'b.vp': s"
out_has "labels" "label differs in 1: p"
out_has "groups" "group differs in 1: p"
out_has "the worst" "cosine 0.36, difference 4: 'w' of p"
is "the worst comes first" "$(grep -n "'w' of p" out | cut -d: -f1)" "$(($(grep -n "'t' of p" out | cut -d: -f1) - 1))"
run "quiet" 3 vec-diff -q a.vp b.vp
is "says nothing" "$(cat out)" ""

# For programs: the same figures.
run "json" 3 vec-diff -f json -k 1 a.vp b.vp
out_has "json cosine" '"name":"w","compared":2,"differ":1,"missing_in_one":0,"other_rows":0'
out_has "json worst figures" '"least_cosine":0.36,"largest_difference":4'
out_has "json ids" '"only_in_b":{"count":1,"first":["s"]}'
out_has "json worst" '"worst":[{"id":"p","part":"w","cosine":0.36,"difference":4}]'
if command -v jq >/dev/null; then
	run "json is json" 0 jq -e '.differs == true and .records == [3,3]' out
fi

# Thresholds.
sed 's/"t":\[3,4\]/"t":[3,4.25]/' a.jsonl >near.jsonl
run "over no threshold" 3 vec-diff a.vp near.jsonl
run "within the threshold" 0 vec-diff -t 0.25 a.vp near.jsonl
run "just over it" 3 vec-diff -t 0.24999 a.vp near.jsonl
run "within the angle" 0 vec-diff --cosine 0.01 a.vp near.jsonl
run "over the angle" 3 vec-diff --cosine 1e-9 a.vp near.jsonl
run "both must hold" 3 vec-diff --cosine 0.01 -t 0.1 a.vp near.jsonl

# What counts beside values.
sed 's/"t":\[1,0\]/"t":null/' a.jsonl >mask.jsonl
run "a mask" 3 vec-diff -t 9 a.vp mask.jsonl
out_has "is told" "1 missing in one of them"
run "of another part does not count" 0 vec-diff --part w a.vp mask.jsonl
sed '1s/"label":"x"/"label":"x","weight":2,"target":1,"flags":["cut"]/' a.jsonl >columns.jsonl
run "other columns" 3 vec-diff a.vp columns.jsonl
is "each is told" "$(grep -c 'differs in 1: p' out)" 3
run "parts" 3 sh -c 'vec-cat --part t a.vp | vec-diff - a.vp'
out_has "only in one" "part 'w': not compared: only in 'a.vp'"
sed 's/"t":\[\([0-9.]*\),/"t":[7,\1,/' a.jsonl >dim.jsonl
run "dims" 3 vec-diff a.vp dim.jsonl
out_has "are told" "part 't': not compared: dim 2 and 3"
cat >seq.jsonl <<'EOF'
{"id":"p","vec":{"f":{"dim":2,"rows":[[1,0],[0,1]],"time":[[0,1],[1,2]]}}}
EOF
run "sequences" 0 vec-diff seq.jsonl seq.jsonl
sed 's/,\[0,1\]\],"time":\[\[0,1\],\[1,2\]\]/],"time":[[0,1]]/' seq.jsonl >short.jsonl
run "of other length" 3 vec-diff seq.jsonl short.jsonl
out_has "length is told" "1 have other rows"

# Trouble.
run "no such part" 1 vec-diff --part x a.vp b.vp
cat a.vp a.vp >twice.vp
run "an id twice in the first" 1 vec-diff twice.vp a.vp
err_has "is named" "'twice.vp': id 'p' twice"
run "an id twice in the second" 1 vec-diff a.vp twice.vp
err_has "is named too" "'twice.vp': id 'p' twice"
head -c -64 a.vp >cut.vp
run "a cut stream" 1 vec-diff a.vp cut.vp
run "one operand" 2 vec-diff a.vp
run "both standard input" 2 vec-diff - -
run "bad threshold" 2 vec-diff -t -1 a.vp b.vp
printf '{"id":"p","vec":{"t":[3,4]}}\n{"vec":1}\n' >bad.jsonl
run "a rejected line" 3 vec-diff bad.jsonl bad.jsonl
err_has "is told where" "bad.jsonl"
