# predict: a line for each record, whatever happens; parts must agree.
# shellcheck shell=sh
awk 'BEGIN { for (i = 0; i < 60; i++) {
	x = (i * 7919 % 100) / 100
	printf "{\"id\":\"r%d\",\"label\":\"%s\",", i, x < 0.5 ? "low" : "high"
	printf "\"vec\":{\"v\":[%.4f,1],\"w\":{\"dim\":9,\"idx\":[%d],\"val\":[1]}}}\n", x, i % 9 } }' >all.jsonl
head -n 40 all.jsonl | vec-cat >train.vp
tail -n 30 all.jsonl | vec-cat >test.vp
train -q -o x.model train.vp

run "predictions" 0 predict -m x.model test.vp
err_has "says what it has seen" "10 of 30 records were in training"
is "a line for each" "$(wc -l <out | tr -d ' ')" 30
is "in their order" "$(sed 's/{"id":"\([^"]*\).*/\1/' out | tr '\n' ' ')" \
	"$(tail -n 30 all.jsonl | sed 's/{"id":"\([^"]*\).*/\1/' | tr '\n' ' ')"
is "marks those of the training" "$(grep -c '"train":true' out)" 10
out_has "with the truth" '"truth":"low"'
cp out want
# fields FILE: label, p, and the probs of high and low, one line a record.
fields() {
	sed 's/.*"label":"\([^"]*\)","p":\([^,]*\),.*"high":\([^,]*\),"low":\([^}]*\)}}/\1 \2 \3 \4/' "$1"
}
is "p is the highest prob, and they sum to 1" "$(fields want | awk '{
	p = $1 == "high" ? $3 : $4; q = $1 == "high" ? $4 : $3
	if ($2 != p || p < q || p + q < 0.9999 || p + q > 1.0001) bad++
} END { print NR, bad + 0 }')" "30 0"
for j in 1 2 4; do
	run "$j threads" 0 predict -q -j $j -m x.model test.vp
	same "the same with $j threads" want out
done
for isa in portable avx2 avx512; do
	VECPIPE_ISA=$isa predict -q -m x.model test.vp >out 2>err
	case $?,$(cat err) in
	0,) same "the same with $isa" want out ;;
	*) skip "the same with $isa" "$(cat err)" ;;
	esac
done
vec-cat -f jsonl test.vp | predict -q -m x.model >out
same "the same from JSON Lines" want out
run "to a file" 0 predict -q -m x.model -o file test.vp
same "has the same" want file
run "one prob" 0 predict -q -k 1 -m x.model test.vp
is "is the highest" "$(sed 's/.*"label":"\([^"]*\)","p":\([^,]*\),.*"probs":{"\([^"]*\)":\([^}]*\)}}/\1 \2 \3 \4/' out |
	awk '{ if ($1 != $3 || $2 != $4) bad++ } END { print NR, bad + 0 }')" "30 0"
run "a table" 0 predict -q -f tsv -m x.model test.vp
is "has a header" "$(head -n 1 out | tr '\t' ' ')" "id prediction p truth error"
run "vectors" 0 sh -c 'predict -q -f vp -m x.model test.vp | vec-info'
out_has "of classes" "probs: dense, dim 2, 30 present"
out_has "flagged" "flagged trained: 10"

predict -q -m x.model train.vp >all40

# Records that lack parts, are in error, or are not finite.
cat >odd.jsonl <<'E'
{"id":"one","vec":{"v":[0.1,1],"w":null}}
{"id":"none","vec":{"v":null,"w":null}}
{"id":"half","vec":{"v":null,"w":{"dim":9,"idx":[2],"val":[1]}},"errors":{"v":"cut\tJPEG"}}
{"id":"bad","vec":{"v":null,"w":null},"errors":{"v":"cut JPEG"}}
{"id":"last","vec":{"v":[0.9,1],"w":{"dim":9,"idx":[],"val":[]}}}
E
run "odd records" 3 predict -m x.model odd.jsonl
is "a line for each of them" "$(wc -l <out | tr -d ' ')" 5
grep '"one"' out >line
if grep -q '"label":"low".*"missing":\["w"\]' line; then ok "one part"; else no "one part" "$(cat line)"; fi
grep '"none"' out >line
if grep -q '"p":.*"missing":\["v","w"\]' line; then ok "no part"; else no "no part" "$(cat line)"; fi
# Nothing is known of it but how frequent labels are; half a record more each.
low=$(grep -c '"truth":"low"' all40)
is "what is frequent" "$(sed 's/.*"low":\([0-9.]*\).*/\1/' line | awk -v n="$low" '{ d = $1 - (n + 0.5) / 41; print (d < 1e-6 && d > -1e-6) }')" 1
grep '"half"' out >line
if grep -q '"p":.*"missing":\["v"\]' line; then ok "an error beside a good part"; else no "an error beside a good part" "$(cat line)"; fi
is "which is said" "$(grep -c '"missing":\["v"\],"errors":{"v":"cut\\tJPEG"}' line)" 1
is "and counted" "$(grep -c '2 of 5 records carry errors' err)" 1
is "an error" "$(grep '"bad"' out)" '{"id":"bad","label":null,"error":"v: cut JPEG"}'
grep '"last"' out >line
if grep -q '"label":"high"' line; then ok "after it"; else no "after it" "$(cat line)"; fi
run "that are allowed" 0 predict -q --max-errors 50% -m x.model odd.jsonl
run "errors in a table" 3 predict -f tsv -m x.model odd.jsonl
out_has "have a column" "v: cut JPEG"
run "errors in vectors" 3 sh -c 'predict -q -f vp -m x.model odd.jsonl >p.vp'
run "are kept" 3 sh -c 'vec-cat -f jsonl p.vp'
out_has "with the part" '"errors":{"probs":"v: cut JPEG"}'
echo '{"id":"a","vec":{"w":{"dim":9,"idx":[2],"val":[1]}}}' >w.jsonl
run "a part that is not there" 0 predict -m x.model w.jsonl
err_has "is said once" "part 'v' of the model is not in the stream"

# Other parts.
run "another dim" 1 sh -c "echo '{\"id\":\"a\",\"vec\":{\"v\":[1,2,3]}}' | predict -m x.model"
err_has "is named" "dim"
is "before any output" "$(cat out)" ""
run "another part" 1 sh -c "echo '{\"id\":\"a\",\"vec\":{\"u\":[1,2]}}' | predict -m x.model"
err_has "is named" "does not know part 'u'"
run "no model" 2 predict test.vp
run "a stream for a model" 1 predict -m test.vp test.vp
is "no output" "$(cat out)" ""
head -c 3000 x.model >cut.model
run "a cut model" 1 predict -m cut.model test.vp
head -c 1000 test.vp >cut.vp
run "a cut stream" 1 predict -m x.model cut.vp
err_has "is said" "truncated"
run "a cut stream to a file" 1 predict -m x.model -o never cut.vp
if [ -e never ]; then no "leaves no file"; else ok "leaves no file"; fi
run "nothing" 0 sh -c 'vec-head -n 0 test.vp | predict -m x.model'
is "gives nothing" "$(cat out)" ""

# Labels and numbers.
printf 'r1\tx\ty\nr2\tx\nr3\nr4\ty\nr5\ty\nr6\tx\nr7\ty\tx\n' >multi.tsv
train -q --cv 2 -l multi.tsv -o multi.model train.vp
run "labels" 0 predict -q -m multi.model test.vp
is "several or none" "$(grep -c '"labels":\[' out)" 30
run "all of them" 0 predict -q --threshold 0 -m multi.model test.vp
is "from 0 on" "$(grep -c '"labels":\["x","y"\]' out)" 30
sed 's/.*"id":"\([^"]*\)".*"v":\[\([0-9.]*\),.*/\1\t\2/' all.jsonl >numbers.tsv
train -q --task regress -l numbers.tsv -o number.model train.vp
predict -q -m number.model test.vp |
	sed 's/{"id":"\([^"]*\)","value":\([^,}]*\).*/\1\t\2/' | sort >values
sort numbers.tsv | join -t "$(printf '\t')" - values >joined
is "values are near" "$(awk '{ d = $2 - $3; if (d * d > 0.0025) bad++ }
	END { print NR, bad + 0 }' joined)" "30 0"
