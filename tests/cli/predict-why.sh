# predict --why, --why=near:K, --reject: who decided, and what was not decided.
# shellcheck shell=sh
# Whether v and w are high; the label is high when their sum is.  Some records
# lack a part.
awk 'BEGIN { srand(7); for (i = 0; i < 160; i++) {
	x = rand(); y = rand()
	printf "{\"id\":\"r%03d\",\"label\":\"%s\",\"vec\":{", i, x + y < 1 ? "low" : "high"
	if (i % 8 != 3) printf "\"v\":[%.4f,%.4f],", x, rand(); else printf "\"v\":null,"
	if (i % 8 != 6) printf "\"w\":[%.4f],", y; else printf "\"w\":null,"
	printf "\"same\":[1,2]}}\n" } }' >all.jsonl
head -n 120 all.jsonl | vec-cat >train.vp
tail -n 40 all.jsonl | vec-cat >test.vp
train -q --cv off --backoff off -o x.model train.vp

run "shares" 0 predict -q --why -m x.model test.vp
is "of every part" "$(grep -c '"why":{"base":[^,]*,"v":[^,]*,"w":[^,]*,"same":[^,}]*}' out)" 40
# ask FILE: id, said, p, base, v, w, same.
ask() {
	sed 's/.*"id":"\([^"]*\)","label":"\([^"]*\)","p":\([^,]*\),.*"base":\([^,]*\),"v":\([^,]*\),"w":\([^,]*\),"same":\([^}]*\)}}/\1 \2 \3 \4 \5 \6 \7/' "$1"
}
ask out >why
cp out lines
is "they sum to the log-odds" "$(awk '{ d = $4 + $5 + $6 + $7 - log($3 / (1 - $3)); if (d < 0) d = -d
	if (d > 1e-5 + 1e-7 / ($3 * (1 - $3))) bad++ } END { print NR, bad + 0 }' why)" "40 0"
is "a constant part has none" "$(awk '$7 != "0"' why)" ""
is "a missing part has none" "$(grep '"missing":\["v"\]' lines | ask /dev/stdin | awk '$5 != "0"' | wc -l | tr -d ' ')" 0
is "the others have some" "$(awk '$5 != 0' why | wc -l | tr -d ' ')" 35
# Of a linear model, the share is what the model says without the part.
for part in v w; do
	case $part in v) other=w col=6 ;; w) other=v col=5 ;; esac
	vec-cat -f jsonl test.vp | sed "s/\"$part\":\[[^]]*\],//;s/\"$part\":null,//" >without.jsonl
	predict -q --why -m x.model without.jsonl >without
	out_has "what is asked" '"why"'
	is "without $part, $part has none" "$(grep -c "\"$part\":0[,}]" without)" 40
	ask without >bare
	is "$other has what it had" "$(paste why bare | awk -v col="$col" '
		{ a = $col * ($2 == $9 ? 1 : -1); d = a - $(col + 7); if (d < 0) d = -d; if (d > 1e-4) bad++ }
		END { print NR, bad + 0 }')" "40 0"
done
for j in 1 2 4; do
	predict -q --why -j $j -m x.model test.vp >out
	same "the same with $j threads" lines out
done
VECPIPE_ISA=portable predict -q --why -m x.model test.vp >out
same "the same with portable kernels" lines out
for n in 1 7; do
	vec-cat -f jsonl test.vp | head -n $n | predict -q --why -m x.model >out
	head -n $n lines >some
	same "the same of $n records" some out
done
run "shares in a table" 0 predict -q --why -f tsv -m x.model test.vp
is "are columns" "$(head -n 1 out)" "$(printf 'id\tprediction\tp\ttruth\terror\twhy.base\twhy.v\twhy.w\twhy.same')"
is "with the same numbers" "$(tail -n +2 out | awk -F '\t' '{ print $1, $2, $3, $6, $7, $8, $9 }')" "$(cat why)"
run "shares as vectors" 0 sh -c 'predict -q --why -f vp -m x.model test.vp | vec-cat -f jsonl'
out_has "have a part" '"why":['
run "of labels" 0 sh -c 'printf "r000\tx\ty\nr001\tx\nr002\ty\nr003\ty\nr004\tx\nr005\tx\nr007\ty\nr008\tx\n" >m.tsv
	train -q --cv off -l m.tsv -o m.model train.vp && predict -q --why --threshold 0 -m m.model test.vp'
is "each has its own" "$(grep -c '"why":{"x":{"base":[^}]*},"y":{"base":[^}]*}}' out)" 40
run "labels have no vector" 1 predict -q --why -f vp -m m.model test.vp
err_has "is said" "the shares of several labels"
run "of a number" 0 sh -c 'sed "s/.*\"id\":\"\([^\"]*\)\".*\"w\":\[\([0-9.]*\).*/\1\t\2/;/{/d" all.jsonl >n.tsv
	train -q --cv off --task regress -l n.tsv -o n.model train.vp && predict -q --why -m n.model test.vp'
is "they sum to the value" "$(sed 's/.*"value":\([^,]*\),.*"base":\([^,]*\),"v":\([^,]*\),"w":\([^,]*\),"same":\([^}]*\)}}/\1 \2 \3 \4 \5/' out |
	awk '{ d = $2 + $3 + $4 + $5 - $1; if (d < 0) d = -d; if (d > 1e-5) bad++ } END { print NR, bad + 0 }')" "40 0"

# The nearest.
run "neighbours" 0 predict -q --why=near:3 --neighbours train.vp -m x.model test.vp
is "three for each" "$(grep -c '"near":\[{"id":"r[01][0-9]*","cosine":[^}]*},{[^}]*},{[^}]*}\]' out)" 40
cp out near
predict -q --why=near:3 -j 3 --neighbours train.vp -m x.model test.vp >out
same "the same with 3 threads" near out
run "of the training itself" 0 predict -q --why=near:2 --neighbours train.vp -m x.model train.vp
is "nobody is his own" "$(sed 's/.*"id":"\([^"]*\)","label.*"near":\[{"id":"\([^"]*\)".*{"id":"\([^"]*\)".*/\1 \2 \3/' out |
	awk '$1 == $2 || $1 == $3 || $2 == $3' | wc -l | tr -d ' ')" 0
run "in a table" 0 predict -q --why --why=near:2 -f tsv --neighbours train.vp -m x.model test.vp
is "two columns" "$(awk -F '\t' 'NR > 1 && (split($10, a, ",") != 2 || split($11, b, ",") != 2 || b[1] < b[2])' out)" ""
run "both" 0 predict -q --why --why=near:1 --neighbours train.vp -m x.model test.vp
is "are there" "$(grep -c '"why":{.*"near":\[' out)" 40
vec-head -n 0 train.vp >none.vp
run "no neighbours" 0 predict -q --why=near:2 --neighbours none.vp -m x.model test.vp
is "none are near" "$(grep -c '"near":\[\]' out)" 40
run "other records" 1 sh -c "echo '{\"id\":\"a\",\"vec\":{\"u\":[1]}}' >u.jsonl; predict --why=near:2 --neighbours u.jsonl -m x.model test.vp"
err_has "are named" "'u.jsonl': the model does not know part 'u'"
run "cut ones" 1 sh -c 'head -c 2000 train.vp >cut.vp; predict --why=near:2 --neighbours cut.vp -m x.model test.vp'
err_has "too" "truncated"

# What is not said.
run "rejected" 0 predict -q --reject 0.9 -m x.model test.vp
cp out lines
is "those that are unlikely" "$(awk -F '"p":' '{ split($2, a, ","); r = /"label":null,"rejected":true/
	if (r != (a[1] < 0.9)) bad++; n += r } END { print (n > 3 && n < 40), bad + 0 }' lines)" "1 0"
run "nobody" 0 predict -q --reject 0 -m x.model test.vp
is "is rejected" "$(grep -c rejected out)" 0
run "all" 0 sh -c 'predict -q --reject 1 -m x.model test.vp | grep -c "rejected.*true"'
run "rejected in a table" 0 predict -q --reject 0.9 -f tsv -m x.model test.vp
is "a column" "$(awk -F '\t' 'NR > 1 && ($6 == "true") != ($2 == "")' out)" ""
run "evaluated" 0 sh -c 'predict -q --reject 0.9 -m x.model test.vp | evaluate'
run "of a number" 1 predict --reject 0.9 -m n.model test.vp
err_has "is refused" "rejection is of classes"

# What makes no sense.
run "near without neighbours" 2 predict --why=near:3 -m x.model test.vp
run "neighbours without near" 2 predict --neighbours train.vp -m x.model test.vp
for bad in near: near:0 near:1001 near:2.5 far:3 ''; do
	run "--why=$bad" 2 predict "--why=$bad" --neighbours train.vp -m x.model test.vp
done
run "two standard inputs" 2 sh -c 'predict --why=near:3 --neighbours - -m x.model <test.vp'
run "rejected vectors" 2 predict -f vp --reject 0.5 -m x.model test.vp
run "near vectors" 2 predict -f vp --why=near:1 --neighbours train.vp -m x.model test.vp
run "--cover 0.4" 2 predict --cover 0.4 -m x.model test.vp
run "--reject 1.1" 2 predict --reject 1.1 -m x.model test.vp
run "zero-shot" 2 predict --why --zero-shot labels.txt -m x.model test.vp
run "cover without cross-validation" 1 predict --cover 0.9 -m x.model test.vp
err_has "is said" "trained without cross-validation"

# With models for records that lack parts, what a part is worth depends on the
# others; the sums hold all the same.
run "further models" 0 train -q --cv 3 --lambda 0.01 -o b.model train.vp
run "shares of them" 0 predict -q --why -m b.model test.vp
ask out >why
is "sum to the log-odds" "$(awk '{ d = $4 + $5 + $6 + $7 - log($3 / (1 - $3)); if (d < 0) d = -d
	if (d > 1e-5 + 1e-7 / ($3 * (1 - $3))) bad++ } END { print NR, bad + 0 }' why)" "40 0"
is "a constant part has none" "$(awk '$7 != "0"' why)" ""
is "a missing part has none" "$(grep '"missing":\["v"\]' out | ask /dev/stdin | awk '$5 != "0"' | wc -l | tr -d ' ')" 0

# Whichever allocation fails, it ends with 1 and a sentence (every-tool-memory).
if nm "$BUILD/vecpipe" 2>/dev/null | grep -q __asan_init; then
	skip "predict without memory" "a sanitizer brings its own malloc"
else
	head -n 24 all.jsonl >few.jsonl
	train -q --cv 2 --lambda 0.1 --impute ridge --fusion gated --hidden 2 --epochs 2 -o few.model few.jsonl
	for args in "predict --why --why=near:2 --neighbours few.jsonl --cover 0.7 --reject 0.5 -j 1" \
		"predict -f vp --why --cover 0.7 -j 1" "fuse"; do
		rm -f final
		# shellcheck disable=SC2086 # several words
		said=$(timeout 120 "$BUILD/tests/helper" oom "$BUILD/tests/malloc_fail.so" final $args -q -m few.model -o final few.jsonl)
		is "$args without memory" "${said#* }" allocations
	done
fi
vec-cat -f jsonl train.vp >twice.jsonl
vec-cat -f jsonl train.vp | head -n 1 >>twice.jsonl
run "a neighbour that comes twice" 1 predict --why=near:2 --neighbours twice.jsonl -m x.model test.vp
err_has "is named" "came before"
