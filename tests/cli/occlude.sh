# embed-text --occlude, extract-img --occlude, and what predict says of such
# vectors: what each word and each cell of the picture contributes.
# shellcheck shell=sh
# Pictures of noise in any colour, with a flower in cell 5 of 4 x 4: red ones
# with a title of roses, green ones of grasses.
mkdir p
awk 'function noise() { s = (s * 16807) % 2147483647; return s / 2147483647 }
BEGIN { s = 77; for (i = 0; i < 160; i++) {
	red = i % 2; file = sprintf("p/%03d.ppm", i)
	printf "P3 32 32 255\n" >file
	for (c = 0; c < 3; c++) base[c] = 40 + 120 * noise()
	for (y = 0; y < 32; y++) for (x = 0; x < 32; x++) {
		v = int(60 * noise())
		if (y >= 8 && y < 16 && x >= 8 && x < 16) print (red ? 190 + v " " v " " v : v " " 190 + v " " v) >file
		else print int(base[0]) + v " " int(base[1]) + v " " int(base[2]) + v >file
	}
	close(file)
	printf "{\"id\":\"r%03d\",\"label\":\"%s\",\"file\":\"%s\",\"title\":\"number %d of the %s here\"}\n",
	    i, red ? "rose" : "grass", file, 100 + i, red ? "roses" : "grasses" } }' >items.jsonl
head -n 140 items.jsonl >some.jsonl
tail -n 20 items.jsonl >more.jsonl
text() { embed-text -q --dim 64 --text title --id id --label label "$@"; }
image() { extract-img -q --features color --file file --id id --label label "$@"; }
text some.jsonl >t.vp
image some.jsonl >i.vp
fuse -q t.vp i.vp | train -q --cv off -o x.model

# The rows: the text, then without each word.
run "words" 0 text --occlude -o to.vp more.jsonl
run "of a sequence" 0 vec-info -v to.vp
out_has "in the space of texts" "text: sequence, dim 64, 20 present, 7.0 rows each"
out_has "which says so" '"occluded":"words"'
text -f jsonl more.jsonl | head -n 1 | sed 's/.*"text":\[\([^]]*\)\].*/\1/' >whole
vec-cat -f jsonl to.vp | head -n 1 | tr -d '\n' | sed 's/.*"rows":\[\[//;s/\]\].*//;s/\],\[/\n/g' >rows
is "the first is the text's" "$(sed -n 1p rows)" "$(cat whole)"
echo '{"id":"a","title":"number 240 of the  here"}' >less.jsonl
embed-text -q --dim 64 --text title --id id -f jsonl less.jsonl | sed 's/.*"text":\[\([^]]*\)\].*/\1/' >rest
is "the sixth is without the fifth word" "$(sed -n 6p rows)" "$(cat rest)"
out=$(vec-cat -f jsonl to.vp | head -n 1 | sed 's/.*"time":\(\[\[.*\]\]\).*/\1/')
is "their bytes" "$out" "[[0,0],[0,6],[7,10],[11,13],[14,17],[18,25],[26,30]]"
echo '{"id":"a","title":"word"}' >one.jsonl
run "one word" 0 embed-text -q --dim 8 --occlude --text title --id id -f jsonl one.jsonl
out_has "leaves nothing to take away" '"time":[[0,0]]'
awk 'BEGIN { printf "{\"id\":\"a\",\"title\":\""; for (i = 0; i < 1000; i++) printf "w%d ", i; print "\"}" }' >long.jsonl
embed-text -q --dim 8 --occlude --text title --id id long.jsonl >long.vp
run "a thousand words" 0 vec-info long.vp
out_has "go by fours" "251.0 rows each"
run "nothing" 3 sh -c 'echo "{\"id\":\"a\",\"title\":\" \"}" | embed-text -q --occlude --text title --id id >none.vp'
err_has "is an error as ever" "empty text"
run "sparse" 2 embed-text --occlude --sparse --text title --id id one.jsonl
err_has "has no rows" "--occlude does not go with --sparse"

# Cells: what a picture with the cell painted over would have.
run "cells" 0 image --occlude 2 -o io.vp more.jsonl
run "of a sequence" 0 vec-info -v io.vp
out_has "in the space of pictures" "5.0 rows each"
out_has "which says so" '"occluded":"2x2"'
# Cell 3, right and below, with the mean colour of the picture.
awk 'NR == 1 { print; next } { n++; s[1] += $1; s[2] += $2; s[3] += $3; px[n] = $0 }
	END { mean = int((s[1] + n / 2) / n) " " int((s[2] + n / 2) / n) " " int((s[3] + n / 2) / n)
	for (k = 0; k < n; k++) print (k % 32 >= 16 && k >= 512 ? mean : px[k + 1]) }' p/140.ppm >painted.ppm
extract-img -q --features color -f jsonl painted.ppm | sed 's/.*"image":\[\([^]]*\)\].*/\1/' >painted
vec-cat -f jsonl io.vp | head -n 1 | tr -d '\n' | sed 's/.*"rows":\[\[//;s/\]\].*//;s/\],\[/\n/g' >rows
is "the last is without the last cell" "$(sed -n 5p rows | tr -d '\n' | cksum)" "$(tr -d '\n' <painted | cksum)"
run "one cell" 2 extract-img --occlude 1 painted.ppm
err_has "is no grid" "--occlude: '1' is not a whole number from 2 to 16"

# Pretrained encoders: the first row is what they make of the whole, the second
# what they make of the rest.
first() { sed 's/.*"rows":\[\[//;s/\]\].*//;s/\],\[/\n/g' "$1" | sed -n "$2p" | cksum; }
whole() { sed 's/.*"\(text\|image\)":\[\([^]]*\)\].*/\2/' "$1" | cksum; }
echo '{"id":"a","title":"a red rose"}' >rose.jsonl
echo '{"id":"a","title":" red rose"}' >rest.jsonl
bert() { embed-text -q -m "$DATA/encoders/text-bert-f32" --text title --id id -f jsonl "$@"; }
bert --occlude rose.jsonl >rows
bert rose.jsonl >one
is "a network's text" "$(first rows 1)" "$(whole one)"
bert rest.jsonl >one
is "and without a word" "$(first rows 2)" "$(whole one)"
vit() { extract-img -q -m "$DATA/encoders/clip-vision" -f jsonl "$@"; }
vit --occlude 2 p/140.ppm >rows
vit p/140.ppm >one
is "a network's picture" "$(first rows 1)" "$(whole one)"
vit painted.ppm >one
is "and without a cell" "$(first rows 5)" "$(whole one)"
run "with rows of its own" 2 vit --pool none --occlude 2 p/140.ppm
err_has "there is no whole" "--occlude does not go with --pool none"

# What predict makes of them.
text more.jsonl >tw.vp
image more.jsonl >iw.vp
fuse -q tw.vp iw.vp | predict -q -m x.model >plain
fuse -q to.vp io.vp >both.vp
run "both" 0 predict -q -m x.model both.vp
is "says the same of the whole" "$(sed 's/,"pieces".*/}/' out)" "$(cat plain)"
is "and of each piece" "$(grep -c '"pieces":{"text":\[{"from":0,"to":6,"share":[^]]*\],"image":\[{"from":0,"to":1,"share":' out)" 20
cp out lines
# largest PART: where the piece with the largest share is in most records, and
# whether that is in 18 of 20.
largest() {
	sed "s/.*\"$1\":\[{\([^]]*\)}\].*/\1/;s/},{/ /g;s/\"[a-z]*\"://g" lines |
		awk '{ split($1, most, ","); for (i = 2; i <= NF; i++) { split($i, x, ","); if (x[3] > most[3]) for (k in x) most[k] = x[k] }
			n[most[1]]++ } END { for (k in n) if (n[k] > n[best]) best = k; print best, (n[best] >= 18) }'
}
is "of the titles the flower counts" "$(largest text)" "18 1"
image --occlude 4 more.jsonl >io4.vp
fuse -q to.vp io4.vp | predict -q -m x.model >lines
is "of the pictures, too" "$(largest image)" "5 1"
cp out lines
run "words alone" 0 predict -q -m x.model to.vp
is "say so" "$(grep -c '"missing":\["image"\].*"pieces":{"text":\[' out)" 20
for j in 1 3; do
	predict -q -j $j -m x.model both.vp >again
	run "as well with $j threads" 0 cmp again lines
done
run "a table" 0 predict -q -f tsv -m x.model both.vp
is "has no pieces" "$(grep -c share out)" 0
run "learning from them" 1 train -q -o y.model to.vp
err_has "is refused" "part 'text': occluded vectors are for predict"
