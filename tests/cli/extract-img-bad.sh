# shellcheck shell=sh
# extract-img: bad pictures stay in their place and lose nothing.
img=$DATA/image

ids() { sed 's/{"id":"\([^"]*\)".*/\1/' "$1" | tr '\n' ' '; }
bad() { sed -n 's/{"id":"\([^"]*\)".*"errors":{"image":"\([^"]*\)"}}/\1: \2/p' "$1"; }

mkdir d
cp "$img/rgb8.png" d/a.png
: >d/b.png
echo 'no picture' >d/c.png
cp "$img/420.jpg" d/d.png
head -c 720 "$img/420.jpg" >d/e.jpg
head -c 300 "$img/rgb8.png" >d/f.png
cp "$img/huge.png" d/g.png
cp "$img/p6-255.pnm" d/h.txt
run "a list with bad files" 3 extract-img -f jsonl --features aspect d/*
is "as many records as files, in order" "$(ids out)" \
	"d/a.png d/b.png d/c.png d/d.png d/e.jpg d/f.png d/g.png d/h.txt "
bad out >got
cat >want <<'X'
d/b.png: unknown image type
d/c.png: unknown image type
d/e.jpg: premature end of JPEG file
d/f.png: premature end of PNG file
d/g.png: image dimensions exceed limit (16384)
X
same "each says why" got want
is "the type is in the content" "$(grep -c '"vec":{"image":\[' out)" 3
err_has "stderr names the file" "extract-img: 'd/e.jpg': premature end of JPEG file"
err_has "and counts" "8 records, 5 with errors"
for f in d/*; do
	case $f in *[ad].png | *.txt) continue ;; esac
	run "alone: $f" 3 extract-img -f jsonl "$f"
done

run "the same folder" 3 extract-img -f jsonl --features aspect d
is "what is no picture is passed over" "$(ids out)" "a.png d.png e.jpg f.png g.png h.txt "
err_has "and counted" "2 passed over"

run "keep what can be decoded" 3 extract-img -f jsonl --on-error keep --features aspect d/e.jpg d/b.png
is "it is flagged" "$(grep -c '"flags":\["damaged"\]' out)" 1
run "only kept pictures are no error" 0 extract-img --on-error keep -o kept.vp d/a.png d/e.jpg
run "stop at the first" 1 extract-img --on-error stop -o none.vp d/*
is "and write nothing" "$(ls none.vp 2>/dev/null)" ""
run "some errors may be" 0 extract-img --max-errors 5 -o five.vp d/*
run "and no more" 3 extract-img --max-errors 4 -o four.vp d/*
run "the stream is sound" 0 vec-info --check five.vp

run "a folder" 3 extract-img -f jsonl -- d/none.png
out_has "a file that is not there is a record" '"errors":{"image":"No such file or directory"}'
echo '{"id":"a1","pic":"d/none.png"}' >none.jsonl
run "named in a field" 3 extract-img --file pic --id id -o none.vp none.jsonl
err_has "it is told by its name" "'a1': 'd/none.png': No such file or directory"
mkfifo p
run "a FIFO does not hang" 3 timeout 5 extract-img -f jsonl p
out_has "and is refused" "not a regular file"
run "a full disk" 1 sh -c 'extract-img d/a.png >/dev/full'
err_has "says so" "No space left on device"
run "no standard input" 1 sh -c 'extract-img <&-'

for c in fff ffffff0 gggggg ''; do
	run "no colour: '$c'" 2 extract-img --background "$c" d/a.png
done
run "no family" 2 extract-img --features hog,cat d/a.png
err_has "is named" "'cat' is no family of features"
run "no option" 2 extract-img --families hog d/a.png
