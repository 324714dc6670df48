#!/bin/sh
# A step of training mlp and gated nets beside PyTorch's, on one thread, where
# $PEERS (a Python) has torch.
# Usage: bench_fusion_net.sh WORKDIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
mkdir -p "$dir"
if [ -z "${PEERS:-}" ] || ! "$PEERS" -c 'import torch' 2>/dev/null; then
	echo "bench_fusion_net: left out: \$PEERS is no Python with torch"
	exit 0
fi
build=$(cd "$dir/.." && pwd)
program=$build/tests/bench/bench_fusion_net
make -s -C "$here/../.." BUILD="$build" "$program"
"$PEERS" "$here/bench_fusion_net.py" "$program"
