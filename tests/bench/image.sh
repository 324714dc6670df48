#!/bin/sh
# Files to vectors: extract-img against Pillow and scikit-image, the same
# families, one thread and two, runs in turn.
#
#   image.sh INDEX.jsonl [STEP]
#
# INDEX.jsonl has the fields id and file (clipart.sh writes one); the peer
# takes every STEP-th picture (10), extract-img the same ones.  PYTHON names
# an interpreter with both packages.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
index=$1 step=${2:-10}
part=$(mktemp)
trap 'rm -f "$part"' EXIT
awk "NR % $step == 1 || $step == 1" "$index" >"$part"
for j in 1 2; do
	for _ in 1 2 3; do
		printf 'extract-img -j %s: ' "$j"
		start=$(date +%s.%N)
		extract-img -q -j "$j" --file file --id id "$part" >/dev/null
		echo "$start $(date +%s.%N)" | awk '{ printf "%.2f s\n", $2 - $1 }'
		printf 'peer, %s workers: ' "$j"
		"${PYTHON:-python3}" -W ignore "$here/bench_image.py" "$part" 1 "$j"
	done
done
