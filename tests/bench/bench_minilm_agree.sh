#!/bin/sh
# Does MiniLM say what sentence-transformers says?  2,000 texts of many scripts
# and lengths: token ids, which must be equal, and the smallest cosine, in
# every precision.  Needs the model (make models) and $PEERS, a Python with
# sentence-transformers.  Usage: bench_minilm_agree.sh WORKDIR
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
model=${MODELS:-$root/models}/minilm
build=$(cd "$1/.." && pwd)
dir=$1/minilm-agree
if [ -z "${PEERS:-}" ] || [ ! -f "$model/model.safetensors" ]; then
	echo "MiniLM against sentence-transformers: skipped, needs make models and PEERS"
	exit 0
fi
make -s -C "$root" BUILD="$build" "$build/tests/bench/encode_texts"
mkdir -p "$dir"
[ -s "$dir/vectors.npy" ] ||
	"$PEERS" "$root/tools/record-minilm.py" record "$model" "$dir" 2>"$dir/log"
for precision in f32 f16 i8; do
	"$build/tests/bench/encode_texts" "$model" $precision \
		<"$dir/texts" >"$dir/$precision"
	printf '%s: ' $precision
	"$PEERS" "$root/tools/record-minilm.py" compare "$dir" "$dir/$precision"
done
