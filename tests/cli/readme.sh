# Every block of the README marked sh runs, in order, in a copy of the
# example's folder.  Where there are no pretrained models small ones stand for
# them.
# shellcheck shell=sh
mkdir examples models
cp -r "$ROOT"/examples/clipart examples/
have=${MODELS:-$ROOT/models}
for m in minilm=sentence efficientnet-lite0=cnn-efficientnet-pytorch; do
	if [ -d "$have/${m%=*}" ]; then
		ln -s "$(cd "$have/${m%=*}" && pwd)" "models/${m%=*}"
	else
		cp -r "$DATA/encoders/${m#*=}" "models/${m%=*}"
	fi
done
cd examples/clipart || exit
awk '/^```sh$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print > ("block" n ".sh") }' "$ROOT/README.md"
for block in block*.sh; do
	[ -e "$block" ] || { no "README blocks" "there are none"; break; }
	run "README $block" 0 sh -eu "$block"
done
