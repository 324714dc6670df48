# shellcheck shell=sh
# img-meta: lines, errors, and into embed-text.
img=$DATA/image

mkdir d
cp "$img/text.png" d/a.png
cp "$img/exif6.jpg" d/b.jpg
echo no >d/c.png
head -c 20 "$img/text.png" >d/e.png
cp "$img/p7-4.pam" d/f.pam
run "a list" 3 img-meta d/*
is "as many lines as files" "$(wc -l <out)" 5
is "the picture's own words" "$(head -n 1 out | cut -d, -f1-8)" \
	'{"id":"d/a.png","file":"d/a.png","format":"png","width":3,"height":2,"depth":8,"color":"rgb","text":{"Title":"A café\nsecond\tone"'
out_has "EXIF" '"exif":{"orientation":6,"description":"Sea"'
out_has "errors" '{"id":"d/c.png","errors":{"image":"unknown image type"}}'
out_has "cut" '{"id":"d/e.png","errors":{"image":"premature end of PNG file"}}'
err_has "counts" "5 records, 2 with errors"
cp out want
for j in 1 4; do
	LC_ALL=tr_TR.UTF-8 img-meta -q -j $j d/* >got
	same "$j threads, another locale" got want
done
run "a folder" 3 img-meta d
is "passes over what is no picture" "$(wc -l <out)" 4
run "standard input" 0 sh -c 'img-meta --id-from name <d/f.pam'
out_has "has no file" '","format":"pnm","width":7,"height":5,"depth":8,"color":"rgba"}'
printf '{"id":"k","p":"d/a.png","l":["x","y"],"g":"s"}\n{"id":"n","p":""}\n' >m.jsonl
run "a manifest" 0 img-meta --file p --id id --label l --group g m.jsonl
out_has "labels and group" '{"id":"k","labels":["x","y"],"group":"s","file":"d/a.png"'
out_has "a missing file is missing" '{"id":"n"}'
name=$(printf 'd/x\377\n\033"y.png')
cp "$img/text.png" "$name"
printf "%s\0" "$name" >list
run "odd names" 0 img-meta --files0-from list
is "are one line" "$(cut -d, -f1,2 out)" \
	'{"id":"d/x\\xff\\x0a\\x1b\"y.png","file":"d/x\\xff\\x0a\\x1b\"y.png"'
img-meta -q d/a.png d/b.jpg >m.jsonl
run "titles become vectors" 0 embed-text --text text.Title --id id -f jsonl --dim 8 m.jsonl
is "a title" "$(grep -c '"vec":{"text":\[' out)" 1
is "and none" "$(grep -c '"vec":{"text":null}' out)" 1
run "a full disk" 1 sh -c 'img-meta d/a.png >/dev/full'
run "-o is whole" 0 img-meta -o lines d/a.png
run "no such option" 2 img-meta --features x d
