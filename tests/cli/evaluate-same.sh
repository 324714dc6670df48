# shellcheck shell=sh
# fuse, vec-split and evaluate write the same bytes for any number of threads,
# instruction set, locale and order of lines.
awk 'BEGIN {
	for (i = 0; i < 400; i++) {
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"vec\":{\"x\":[", i, (i % 3 ? "I" : "i")
		for (d = 0; d < 20; d++)
			printf "%s%.5f", (d ? "," : ""), sin(int(i / 4) * 12.9898 * (d + 1)) + i % 4 * 0.01
		printf "],\"y\":{\"dim\":50,\"idx\":[%d],\"val\":[%.3f]}}}\n", i % 50, 1 + i / 7
	}
}' >x.jsonl
awk 'BEGIN {
	for (i = 0; i < 300; i++) {
		p = (sin(i * 1.7) + 1) / 2
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"truth\":\"%s\",\"group\":\"g%d\",\"probs\":{\"x\":%.6f,\"y\":%.6f}}\n",
		    i, (p > 0.5 ? "x" : "y"), (sin(i * 1.7 + 0.9) > 0 ? "x" : "y"), i % 90, p, 1 - p
	}
}' >p.jsonl
fuse -q -o x.vp x.jsonl

# all NAME: run everything with the options $jobs; sums of all bytes in NAME.all
# shellcheck disable=SC2086 # $jobs is two words
all() {
	for to in sum concat; do
		fuse -q --to concat --norm l2 --missing indicator -o "$1.$to" x.vp
	done
	vec-split -q $jobs --near .99 --part x --out 3:"$1.a" 1:"$1.b" x.vp
	vec-split -q $jobs --near .99 --part y --folds 3 --report "$1.tsv" x.vp
	vec-cat --part x -o "$1.x" x.vp
	fuse -q --to concat --norm z --fit "$1.m" -o "$1.z" "$1.x"
	evaluate $jobs -o "$1.txt" p.jsonl
	evaluate $jobs -f json --vs p.jsonl -o "$1.json" p.jsonl
	for f in "$1".sum "$1".concat "$1".a "$1".b "$1".tsv "$1".m "$1".z "$1".txt "$1".json; do
		cksum <"$f"
	done >"$1.all"
}
jobs="-j 1"
all plain
for j in 2 4; do
	jobs="-j $j"
	all "j$j"
	same "$j threads" plain.all "j$j.all"
done
for isa in portable avx2 avx512; do
	if VECPIPE_ISA=$isa fuse -q -o isa.vp x.vp 2>/dev/null; then
		(export VECPIPE_ISA=$isa; all "$isa")
		same "$isa" plain.all "$isa.all"
	else
		skip "$isa" "this machine has it not"
	fi
done
for locale in tr_TR.UTF-8 de_DE.UTF-8; do
	(export LC_ALL=$locale; all "$locale")
	same "$locale" plain.all "$locale.all"
done
awk '{ print NR * 7919 % 307, $0 }' p.jsonl | sort -n | cut -d ' ' -f 2- >q.jsonl
run "another order of lines" 0 evaluate -o order.txt q.jsonl
same "is the same report" order.txt plain.txt
