# predict --cover: sets and intervals that hold the truth as often as was asked
# for, also in records that lack a part.
# shellcheck shell=sh
# Three classes by where x + y stands, with noise; numbers the same; labels two.
awk 'BEGIN { srand(3); for (i = 0; i < 900; i++) {
	x = rand(); y = rand(); z = x + y + (rand() + rand() + rand() - 1.5) / 2
	printf "{\"id\":\"r%d\",\"vec\":{", i
	if (i % 8 != 3) printf "\"v\":[%.4f,%.4f],", x, rand(); else printf "\"v\":null,"
	if (i % 8 != 6) printf "\"w\":[%.4f]}}\n", y; else printf "\"w\":null}}\n"
	printf("r%d\t%s\n", i, (z < 0.8 ? "low" : z < 1.2 ? "mid" : "high")) >"c.tsv"
	printf "r%d\t%.4f\n", i, 10 * z >"n.tsv"
	printf("r%d%s%s\n", i, (x + rand() > 0.9 ? "\tv" : ""), (y + rand() > 0.9 ? "\tw" : "")) >"m.tsv" } }' >all.jsonl
head -n 500 all.jsonl | vec-cat >train.vp
tail -n 400 all.jsonl | vec-cat >test.vp
train -q --cv 5 --lambda 0.001 -l c.tsv -o c.model train.vp
train -q --cv 5 --lambda 0.001 --task multilabel -l m.tsv -o m.model train.vp
train -q --cv 5 --lambda 0.001 --task regress -l n.tsv -o n.model train.vp

# Of 400, so many: five standard deviations of counts in a set of that size and
# of what the training's 500 leave open.
within() { awk -v n="$1" -v p="$2" 'BEGIN { d = 5 * sqrt(p * (1 - p) * (1 / 400 + 1 / 500)) * 400
	print (n > 400 * p - d && n < 400 * p + d + 4) ? "within" : n }'; }
truth() { tail -n 400 "$1"; }
for cover in 0.5 0.8 0.95; do
	run "$cover of classes" 0 predict -q --cover $cover -f tsv -m c.model test.vp
	tail -n +2 out | cut -f 1,2,6 >sets
	n=$(truth c.tsv | paste sets - | awk -F '\t' '{ if (index("," $3 ",", "," $5 ",")) n++ } END { print n + 0 }')
	# The said one is always in: below what it is right, there is no set.
	[ $cover = 0.5 ] || is "so many have the truth" "$(within "$n" $cover)" within
	is "what is said is in" "$(awk -F '\t' '!index("," $3 ",", "," $2 ",")' sets)" ""
	run "$cover of labels" 0 predict -q --cover $cover -f tsv -m m.model test.vp
	tail -n +2 out | cut -f 6 >sets
	n=$(truth m.tsv | paste -d '|' sets - | awk -F '|' '{ split($2, t, "\t"); all = 1
		for (k = 2; k in t; k++) if (!index("," $1 ",", "," t[k] ",")) all = 0
		if (2 in t) { m++; n += all } } END { printf "%d", n * 400 / m }')
	[ $cover = 0.5 ] || is "so many have all that are true" "$(within "$n" $cover)" within
	run "$cover of numbers" 0 predict -q --cover $cover -f tsv -m n.model test.vp
	tail -n +2 out | cut -f 2,6,7 >sets
	n=$(truth n.tsv | paste sets - | awk '$2 <= $5 && $5 <= $3 { n++ } END { print n + 0 }')
	is "so many have the truth" "$(within "$n" $cover)" within
	is "the value is in the middle" "$(awk '{ d = $1 - ($2 + $3) / 2; if (d * d > 1e-8) bad++ } END { print bad + 0 }' sets)" 0
done
run "lines" 0 predict -q --cover 0.9 -m c.model test.vp
is "have a set each" "$(grep -c '"set":\["[a-z]' out)" 400
cp out lines
run "with three threads" 0 predict -q --cover 0.9 -j 3 -m c.model test.vp
same "the same" lines out
run "intervals" 0 predict -q --cover 0.9 -m n.model test.vp
is "have two bounds" "$(grep -c '"interval":\[-*[0-9.]*,[0-9.]*\]' out)" 400
run "that are evaluated" 0 sh -c 'predict -q --cover 0.95 -m c.model test.vp | evaluate -l c.tsv'
# shellcheck disable=SC2016 # the inner shell's
run "wider for more" 0 sh -c 'for c in 0.6 0.9 0.99; do predict -q --cover $c -f tsv -m n.model test.vp | tail -n +2 | cut -f 7; done'
is "each" "$(awk '{ x[NR] = $1 } END { for (i = 1; i <= 400; i++) if (x[i] > x[i + 400] || x[i + 400] > x[i + 800]) bad++; print bad + 0 }' out)" 0
run "more than there is to go by" 0 sh -c 'head -n 60 all.jsonl | vec-cat >small.vp
	train -q --cv 3 --lambda 0.01 --task regress -l n.tsv -o s.model small.vp && predict -q --cover 0.999 -m s.model test.vp'
is "is everything" "$(grep -c '"interval":\[null,null\]' out)" 400
run "vectors of sets" 0 sh -c 'predict -q --cover 0.9 -f vp -m c.model test.vp | vec-cat -f jsonl'
is "are ones and zeros" "$(grep -c '"set":\[[01],[01],[01]\]' out)" 400
run "and of intervals" 0 sh -c 'predict -q --cover 0.9 -f vp -m n.model test.vp | vec-cat -f jsonl'
is "are two numbers" "$(grep -c '"interval":\[[-0-9.e]*,[-0-9.e]*\]' out)" 400
