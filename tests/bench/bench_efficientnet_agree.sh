#!/bin/sh
# Does EfficientNet-Lite0 say what its PyTorch code says?  200 pictures, PNG
# and JPEG, some with alpha, palettes, 16 bits or an EXIF orientation: the
# smallest cosine and the largest difference.  Needs the model (make models)
# and $PEERS, a Python with torch, Pillow, safetensors and
# efficientnet_lite_pytorch.  Usage: bench_efficientnet_agree.sh WORKDIR
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
model=${MODELS:-$root/models}/efficientnet-lite0
dir=$1/efficientnet-agree
if [ -z "${PEERS:-}" ] || [ ! -f "$model/model.safetensors" ]; then
	echo "EfficientNet-Lite0 against PyTorch: skipped, needs make models and PEERS"
	exit 0
fi
mkdir -p "$dir"
agree=$root/tests/bench/bench_efficientnet_agree.py
[ -s "$dir/vectors.npy" ] ||
	"$PEERS" -W ignore "$agree" record "$root/examples/clipart/img" "$model" "$dir"
for precision in f32 f16 int8; do
	extract-img -q -m "$model" --precision $precision "$dir/pictures" |
		vec-convert -f npy -o "$dir/$precision.npy" 2>/dev/null
	printf '%s: ' $precision
	"$PEERS" "$agree" compare "$dir/vectors.npy" "$dir/$precision.npy"
done
