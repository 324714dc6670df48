#!/bin/sh
# Do sentence vectors agree with people as much as the reference's?  Spearman
# on gensim's sets, of MiniLM in fp32 and int8, beside sentence-transformers.
# Usage: similarity.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
models=${MODELS:-$here/../../models}
mkdir -p "$1"
if [ ! -d "$models/minilm" ]; then
	echo "bench-similarity: left out: no models/minilm ('make models' fetches it)" >&2
	exit 0
fi
if [ -z "${PEERS:-}" ] || ! "$PEERS" -c 'import gensim' 2>/dev/null; then
	echo "bench-similarity: left out: needs PEERS (a Python with gensim)" >&2
	exit 0
fi
HF_HUB_DISABLE_PROGRESS_BARS=1 exec "$PEERS" "$here/similarity.py" "$models/minilm" "$1"
