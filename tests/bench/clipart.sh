#!/bin/sh
# The benchmark of accuracy on all of openclipart-png: 3,121 pictures with
# titles, 15 classes, five folds by series; each fold is the test part once,
# and every choice is made inside the other four.  Prints accuracy and
# macro-F1, mean of five folds.  Where models/ has MiniLM and EfficientNet-Lite0
# ('make models'), also what a pretrained encoder of each brings.
# FUSION="concat auto" fuses in each of these ways; KEEP=1 takes the streams of
# an earlier run.
# Usage: clipart.sh WORKDIR [ROW ... | streams]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
models=${MODELS:-$here/../../models}
[ -d "$models" ] && models=$(cd "$models" && pwd)
mkdir -p "$1"
cd "$1"
shift
png=/usr/share/openclipart/png
if [ ! -d $png ]; then
	echo "bench-clipart: needs Debian's package openclipart-png" >&2
	exit 1
fi
[ -s index.jsonl ] || python3 "$here/clipart_index.py" >index.jsonl
for k in 0 1 2 3 4; do
	sed -n "s/^{\"id\": \"\([^\"]*\)\".*\"fold\": $k}$/\1/p" index.jsonl >fold$k.ids
done
meta="--id id --label label --group group"

# have STREAM COMMAND...: write it, unless it is to be kept.
have() {
	have_stream=$1
	shift
	if [ -z "${KEEP:-}" ] || [ ! -s "$have_stream" ]; then "$@" -q -o "$have_stream"; fi
}

# shellcheck disable=SC2086 # $meta is several words
{
	have dense.vp embed-text --text title $meta index.jsonl
	have sparse.vp embed-text --sparse --text title $meta index.jsonl
	have image.vp extract-img --file file $meta index.jsonl
}
have both.vp fuse text=sparse.vp image.vp
pretrained=
if [ -d "$models/minilm" ] && [ -d "$models/efficientnet-lite0" ]; then
	pretrained="titles-net pictures-net nets nets+sparse nets+all"
	# shellcheck disable=SC2086
	{
		have titles-net.vp embed-text -m "$models/minilm" --text title $meta index.jsonl
		have pictures-net.vp extract-img -m "$models/efficientnet-lite0" --file file $meta index.jsonl
	}
	have nets.vp fuse text=titles-net.vp image=pictures-net.vp
	have nets+sparse.vp fuse text=titles-net.vp image=pictures-net.vp words=sparse.vp
	have nets+all.vp fuse text=titles-net.vp image=pictures-net.vp words=sparse.vp look=image.vp
else
	echo "bench-clipart: pretrained encoders left out: 'make models' fetches them" >&2
fi

row() { # row NAME STREAM
	for k in 0 1 2 3 4; do
		vec-split -q --not-ids fold$k.ids -o train.vp "$2"
		vec-split -q --ids fold$k.ids -o test.vp "$2"
		for way in ${FUSION:-concat}; do
			name=$1${FUSION:+.$way}
			train -q ${FUSION:+--fusion "$way"} -o fold.model train.vp
			predict -m fold.model test.vp >"$name.$k.jsonl"
			evaluate -f json --bootstrap 0 "$name.$k.jsonl" >"$name.$k.json"
		done
	done
	for way in ${FUSION:-concat}; do mean "$1${FUSION:+.$way}"; done
}
mean() { # mean NAME
	python3 - "$1" <<'P'
import json, sys
name = sys.argv[1]
rows = [json.load(open(f"{name}.{k}.json")) for k in range(5)]
mean = lambda key: sum(r[key] for r in rows) / 5
n = sum(r["records"] for r in rows)
print(f"{name:20s} {n} records  accuracy {mean('accuracy'):.3f}  macro-F1 {mean('macro_f1'):.3f}   folds " +
      " ".join(f"{r['accuracy']:.3f}/{r['macro_f1']:.3f}" for r in rows), flush=True)
P
}
[ "$*" != streams ] || exit 0
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- dense sparse image both $pretrained
for name in "$@"; do
	row "$name" "$name.vp"
done
