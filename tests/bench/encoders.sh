#!/bin/sh
# Pretrained encoders: sentences and pictures a second, cold start, memory; and
# onnxruntime, PyTorch and sentence-transformers beside them in turns where
# $PEERS (a Python) has them.  Usage: encoders.sh WORKDIR [WORD ...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$(dirname "$(command -v embed-text)")" && pwd)
models=${MODELS:-$root/models}
dir=$1/encoders
shift
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ ! -d "$models/minilm" ]; then
	echo "bench-encoders: left out: no pretrained encoders in $models ('make models' fetches them)" >&2
	exit 0
fi
exec "${PEERS:-python3}" "$here/encoders.py" "$build" "$dir" "$models" "$@"
