# Every command in the EXAMPLES of every page runs, in order, on the example
# data with the files that the README's tour makes.
# shellcheck shell=sh
cp -r "$ROOT"/examples/clipart/. .
embed-text --text title --id id --label label --group series items.jsonl >text.vp
extract-img --file image --id id --label label --group series items.jsonl >image.vp
fuse -q text.vp image.vp >both.vp
vec-split -q --out 80:train.vp 20:test.vp both.vp
train -q --cv 2 --lambda 0.01 -o x.model train.vp
predict -m x.model test.vp >predictions.jsonl
# A small model stands for the real ones.
mkdir -p models
[ -e models/minilm ] || cp -r "$DATA/encoders/text-bert-f32" models/minilm
mkdir base
cp -r ./*.* img models base/ 2>/dev/null

# examples PAGE: the commands in its EXAMPLES, one line each.
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/p' "$1" | sed -n '
		/^\.Bd -literal/,/^\.Ed/{
			/^\./d
			s/\\e/\\/g
			s/\\-/-/g
			s/\\&//g
			s/^\$ //
			p
		}'
}
for page in "$ROOT"/man/*.[157]; do
	name=$(basename "$page")
	mkdir work
	cp -r base/. work/
	examples "$page" >"$name.sh"
	if [ -s "$name.sh" ]; then
		(cd work && run "$name examples" 0 sh -eu "../$name.sh")
	elif [ "${name##*.}" = 1 ]; then
		no "$name examples" "the page has none"
	fi
	rm -rf work
done
