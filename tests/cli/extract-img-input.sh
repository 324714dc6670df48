# shellcheck shell=sh
# extract-img: the ways in agree, and nothing but the picture decides.
img=$DATA/image

vecs() { sed 's/.*"vec"/"vec"/' "$1"; }

mkdir -p d/cats d/dogs
cp "$img/rgba8.png" d/cats/1.png
cp "$img/exif6.jpg" d/cats/2.jpg
cp "$img/p6-255.pnm" d/dogs/3.ppm
run "a folder" 0 extract-img -f jsonl --label-from dir d
vecs out >dir.v
is "ids and labels" "$(cut -d, -f1,2 out | tr '\n' ' ')" \
	'{"id":"cats/1.png","label":"cats" {"id":"cats/2.jpg","label":"cats" {"id":"dogs/3.ppm","label":"dogs" '
run "operands" 0 extract-img -f jsonl d/cats/1.png d/cats/2.jpg d/dogs/3.ppm
vecs out >got.v
same "operands are the folder" got.v dir.v
run "a list" 0 sh -c 'find d -type f -print0 | sort -z | extract-img -0 -f jsonl'
vecs out >got.v
same "a list is the folder" got.v dir.v
cat >m.jsonl <<'X'
{"id":"x","image":"cats/1.png","label":"cats","series":"s"}
{"id":"y","image":"cats/2.jpg","label":"cats"}
{"id":"w","image":null}
{"id":"z","image":"dogs/3.ppm","label":"dogs"}
X
run "a manifest" 0 extract-img --file image --id id --label label --group series --base d -f jsonl m.jsonl
grep -v '"id":"w"' out | sed 's/.*"vec"/"vec"/' >got.v
same "a manifest is the folder" got.v dir.v
is "a null is missing and no error" "$(grep '"id":"w"' out)" '{"id":"w","vec":{"image":null}}'
is "group" "$(sed -n 1p out | cut -d, -f1-3)" '{"id":"x","label":"cats","group":"s"'
run "standard input" 0 sh -c 'extract-img -f jsonl <d/cats/2.jpg'
vecs out >got.v
sed -n 2p dir.v >want.v
same "standard input is the file" got.v want.v

# A picture turned by EXIF is the picture that was turned.
for o in 1 2 3 4 5 6 7 8; do
	extract-img -q -f jsonl --features aspect "$img/exif$o.jpg" | sed 's/.*"vec"//'
done | sort -u >aspects
is "orientation decides what is wide" "$(wc -l <aspects)" 2

run "one family" 0 extract-img -f jsonl --features aspect d/cats/2.jpg
cp out small
run "the background counts" 0 extract-img -q --background 000000 -o black.vp d/cats/1.png
extract-img -q -o white.vp d/cats/1.png
is "in the vector" "$(cmp -s black.vp white.vp || echo differs)" differs
run "and in the space" 1 sh -c 'vec-cat black.vp white.vp >/dev/null'
err_has "which is named" background
run "the name of the part" 0 extract-img --name photo -f jsonl --features aspect d/cats/1.png
out_has "is taken" '"vec":{"photo":['
vec-info white.vp >out
out_has "the default has its length" "dim 2149"

run "shards" 0 sh -c 'extract-img -q --shard 1/2 -o 1.vp d && extract-img -q --shard 2/2 -o 2.vp d'
is "hold each record once" "$(vec-cat -f jsonl 1.vp 2.vp | vecs - | sort | cksum)" "$(sort dir.v | cksum)"
extract-img -q -o old.vp d/cats
run "reuse" 0 extract-img --reuse old.vp -f jsonl d/cats
vecs out >got.v
sed -n 1,2p dir.v >want.v
same "gives the same" got.v want.v
