#!/bin/sh
# Speed of embed-text's built-in encoder on English paragraphs of about 500
# bytes, one thread, whole process, output thrown away; and scikit-learn's
# HashingVectorizer where $PEERS (a Python) has it.  Runs are interleaved, the
# medians of five are printed.  Usage: bench_text.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"
text=$dir/paragraphs.txt
[ -s "$text" ] || python3 "$here/bench_text.py" texts "$text"
size=$(wc -c <"$text")

: >"$dir/text.times"
for _ in 1 2 3 4 5; do
	for kind in "--dim=1024" "--sparse"; do
		t=$(python3 "$here/seconds.py" embed-text -q -j 1 --lines --id-from line "$kind" "$text")
		echo "embed-text $kind $(echo "$size $t" | awk '{ print $1 / $2 / 1000000 }')" >>"$dir/text.times"
	done
	[ -n "${PEERS:-}" ] || continue
	for dim in 1024 1048576; do
		echo "scikit-learn $dim $("$PEERS" "$here/bench_text.py" peer "$text" $dim)" >>"$dir/text.times"
	done
done
sort "$dir/text.times" | awk '
	{ key = $1 " " $2; v[key, ++n[key]] = $3 }
	END {
		for (key in n) {
			k = n[key]
			for (i = 1; i <= k; i++)	# the median, by counting
				for (j = below = same = 0; j++ < k;) {
					below += v[key, j] < v[key, i]
					same += v[key, j] == v[key, i]
					if (j == k && 2 * below < k && 2 * (below + same) >= k)
						median = v[key, i]
				}
			printf "%-22s %7.2f MB/s\n", key, median
		}
	}' | sort
