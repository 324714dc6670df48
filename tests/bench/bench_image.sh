#!/bin/sh
# Files to vectors: extract-img against Pillow and scikit-image, the same
# families, on every tenth picture of the clip-art benchmark; processor time,
# runs in turn, medians of three.  The peer runs where $PEERS (a Python) has
# both packages.  Usage: bench_image.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"
if [ ! -d /usr/share/openclipart/png ]; then
	echo "bench_image: left out: needs Debian's package openclipart-png" >&2
	exit 0
fi
[ -s "$dir/index.jsonl" ] || python3 "$here/clipart_index.py" >"$dir/index.jsonl"
awk 'NR % 10 == 1' "$dir/index.jsonl" >"$dir/part.jsonl"

: >"$dir/image.times"
for _ in 1 2 3; do
	t=$(python3 "$here/seconds.py" extract-img -q -j 1 --file file --id id \
		-o "$dir/part.vp" "$dir/part.jsonl")
	echo "extract-img $t" >>"$dir/image.times"
	[ -n "${PEERS:-}" ] || continue
	t=$(python3 "$here/seconds.py" "$PEERS" -W ignore \
		"$here/bench_image.py" "$dir/part.jsonl" 1 1)
	echo "Pillow+scikit-image $t" >>"$dir/image.times"
done
sort -k1,1 -k2,2n "$dir/image.times" |
	awk '{ v[$1, ++n[$1]] = $2 } END { for (k in n) printf "%-20s %6.2f s\n", k, v[k, int((n[k] + 1) / 2)] }'
