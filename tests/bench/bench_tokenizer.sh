#!/bin/sh
# The tokenizer beside the reference library, where $PEERS (a Python) has the
# package tokenizers: texts with equal ids, and MB/s on one thread, for MiniLM
# (in ${MODELS:-models}) and for each tokenizer.json of $TOKENIZERS, a list of
# paths (tools/record-tokenizers.py FOLDER large makes some).
# Usage: bench_tokenizer.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"
if [ -z "${PEERS:-}" ]; then
	echo "bench_tokenizer: left out: \$PEERS is no Python with tokenizers"
	exit 0
fi
build=$(cd "$dir/.." && pwd)
program=$build/tests/bench/bench_tokenizer
make -s -C "$here/../.." BUILD="$build" "$program"
text=$dir/paragraphs.txt
[ -s "$text" ] || python3 "$here/bench_text.py" texts "$text"
# The reference would take all cores.
export RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
model=${MODELS:-$here/../../models}/minilm
[ -s "$model/tokenizer.json" ] || model=
for file in ${model:+"$model/tokenizer.json" "$model/vocab.txt"} ${TOKENIZERS:-}; do
	"$PEERS" "$here/bench_tokenizer.py" agree "$program" "$file" "${TEXTS:-50000}"
	"$PEERS" "$here/bench_tokenizer.py" speed "$program" "$file" "$text"
done
