#!/bin/sh
# train with its whole cross-validation on sparse titles and pictures of the
# clip-art benchmark, one thread, against scikit-learn on the same grid, where
# $PEERS (a Python) has it.  Usage: bench_train.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"
cd "$dir"
if [ -z "${PEERS:-}" ] || [ ! -d /usr/share/openclipart/png ]; then
	echo "bench_train: left out: needs PEERS (a Python with scikit-learn) and Debian's package openclipart-png" >&2
	exit 0
fi
[ -s index.jsonl ] || python3 "$here/clipart_index.py" >index.jsonl
grep -v '"fold": 0}$' index.jsonl >rest.jsonl
meta="--id id --label label --group group"
# shellcheck disable=SC2086 # several words
{
	embed-text -q --sparse --text title $meta -o rest-text.vp rest.jsonl
	extract-img -q --file file $meta -o rest-image.vp rest.jsonl
}
fuse -q rest-text.vp rest-image.vp -o rest.vp
"$PEERS" -W ignore "$here/bench_train.py" rest.vp 4
