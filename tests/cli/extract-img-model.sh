# extract-img -m: the vectors of a pretrained network, whatever is beside them.
# shellcheck shell=sh
img=$DATA/image
models=$DATA/encoders

vecs() { sed 's/.*"vec"/"vec"/' "$1"; }

mkdir d
cp "$img/rgba8.png" d/a.png
cp "$img/exif6.jpg" d/b.jpg
cp "$img/p6-255.pnm" d/c.ppm
cp "$img/restart.jpg" d/d.jpg
echo hello >d/e.txt

run "a network" 0 extract-img -m "$models/vit" -f jsonl d
cp out all
is "one record a picture, other files passed over" "$(wc -l <out)" 4
for f in a.png b.jpg c.ppm d.jpg; do
	extract-img -q -m "$models/vit" -f jsonl "d/$f"
done >got
vecs got >got.v
vecs all >want.v
same "neighbours do not matter" got.v want.v
for isa in portable avx2; do
	VECPIPE_ISA=$isa extract-img -q -j 1 -m "$models/vit" -f jsonl d >got 2>err ||
		grep -q "has no" err || no "$isa ran" "$(cat err)"
	[ -s got ] || cp all got
	same "nor does $isa" got all
done

# What the library made of these pictures, to seven digits; see check_vit.
run "a picture of the references" 0 extract-img -q -m "$models/dinov2" -f jsonl "$img/restart.jpg"
want=$(awk -F'\t' '$1 ~ /restart/ { split($6, v, " "); print v[1] }' "$models/dinov2/expected.tsv")
got=$(sed 's/.*\[\([^,]*\),.*/\1/' out)
is "agrees" "$(awk "BEGIN { d = $got - $want; print (d < 1e-5 && d > -1e-5) }")" 1

# Pictures that fail are records; the others are what they were.
head -c 900 d/d.jpg >cut.jpg
run "a cut picture and an unknown one" 3 extract-img -f jsonl -m "$models/vit" d/a.png cut.jpg d/e.txt d/d.jpg
is "in their places" "$(grep -n errors out | cut -d: -f1 | tr '\n' ' ')" "2 3 "
vecs out | sed -n '1p;4p' >got.v
sed -n '1p;4p' want.v >two.v
same "beside the good ones" got.v two.v
run "what could be decoded" 0 extract-img -f jsonl --on-error keep -m "$models/vit" cut.jpg
out_has "is flagged" '"damaged"'

run "a sequence" 0 extract-img -q -m "$models/clip-vision" --pool none -o rows.vp d
vec-info rows.vp >out
out_has "of tokens" "sequence, dim 16"
run "a layer" 0 extract-img -q -m "$models/vit" --layer 1 -o layer.vp d
extract-img -q -m "$models/vit" -o vit.vp d
run "which is another space" 1 vec-cat -o x.vp vit.vp layer.vp
err_has "by name" layer
run "the background" 0 extract-img -q -m "$models/vit" --background 000000 -o black.vp d
run "is in the space too" 1 vec-cat -o x.vp vit.vp black.vp
err_has "by name" background
run "unit length" 0 extract-img -q -m "$models/vit" --normalize -f jsonl d/a.png
is "is one" "$(sed 's/.*\[\(.*\)\].*/\1/' out | tr , '\n' | awk '{ s += $1 * $1 } END { printf "%.5f\n", s }')" 1.00000

run "a packed file" 0 extract-img -m "$models/dinov2-registers" --packed p.pack -f jsonl d
err_has "is written" "wrote 'p.pack'"
cp out first
run "and used" 0 extract-img -m "$models/dinov2-registers" --packed p.pack -f jsonl d
if grep -q wrote err; then no "not written again"; else ok "not written again"; fi
same "to the same vectors" out first
run "alone" 0 extract-img -q -m p.pack -f jsonl d
same "as well" out first
for p in f16 int8; do
	run "$p" 0 extract-img -q -m "$models/siglip-vision" --precision $p -f jsonl d
	is "four vectors of $p" "$(grep -c '"vec":{"image":\[' out)" 4
done

run "features have no network" 2 extract-img -m "$models/vit" --features hog d
err_has "as it says" "--features does not go with -m"
run "and a layer needs one" 2 extract-img --layer 1 d
err_has "as it says" "--layer needs -m"
run "no such folder" 1 extract-img -m nowhere d
err_has "by name" nowhere
mkdir t
cp "$models/vit/model.safetensors" t
echo '{"model_type": "bert"}' >t/config.json
run "texts' networks do not see" 1 extract-img -m t d
err_has "as it says" "does not encode pictures"
is "before any output" "$(wc -c <out)" 0
