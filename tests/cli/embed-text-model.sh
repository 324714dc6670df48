# embed-text -m: the numbers of the reference, options, windows, packed files,
# and what is refused.
# shellcheck shell=sh
model=$DATA/encoders/sentence
texts="--text text --id id $model/texts.jsonl"
# shellcheck disable=SC2086 # $texts is several words
embed() { embed-text -q -m "$model" "$@" $texts; }
# dims FILE: the numbers of the first record, one a line.
dims() { head -n 1 "$1" | sed 's/.*"vec":{"text":\[\([^]]*\)\].*/\1/' | tr ',' '\n'; }
length() { dims "$1" | awk '{ s += $1 * $1 } END { printf "%.4f", sqrt(s) }'; }

run "a pretrained encoder" 0 embed -o plain.vp
run "the numbers are the reference's" 0 vec-diff -t 2e-6 --cosine 1e-6 plain.vp "$model/texts.jsonl"
run "a prompt by its name" 0 embed --prompt query -o query.vp
run "gives the reference's too" 0 vec-diff -t 2e-6 --cosine 1e-6 query.vp "$model/query.jsonl"
run "the same as a prefix" 0 embed --prefix 'find: ' -f jsonl -o prefix.jsonl
run "has the same vectors" 0 vec-diff -q query.vp prefix.jsonl
run "the space of a prompt is another" 1 vec-cat plain.vp query.vp
err_has "and the key is named" "prompt"
run "vec-info" 0 vec-info plain.vp
out_has "names the encoder" '"encoder":"bert"'
out_has "how it pools" '"pool":"mean"'
out_has "and that texts are cut" "flagged cut: 1"
run "vec-info -f json" 0 vec-info -f json plain.vp
out_has "has the precision and the cut" '"long":"cut","max_tokens":48,"precision":"f32"'
for p in f16 int8; do
	run "$p" 0 embed --precision $p -o $p.vp
	run "is near" 0 vec-diff --cosine 0.01 plain.vp $p.vp
done
for more in "-j 1" "-j 2" "-j 4" "-j 4 --live"; do
	# shellcheck disable=SC2086
	embed $more -o again.vp 2>err
	run "the same vectors with $more" 0 vec-diff -q plain.vp again.vp
done
for isa in portable avx2 avx512; do
	for p in f32 f16 int8; do
		[ $p = f32 ] && first=plain.vp || first=$p.vp
		VECPIPE_ISA=$isa embed --precision $p -o again.vp 2>err
		case $?,$(cat err) in
		0,) same "the same bytes with $isa, $p" "$first" again.vp ;;
		*) skip "the same bytes with $isa, $p" "$(cat err)" ;;
		esac
	done
done
# A text has the same vector alone as among others.
sed -n 7p "$model/texts.jsonl" >one.jsonl
embed-text -q -m "$model" --text text --id id -o one.vp one.jsonl
run "no neighbour changes a vector" 3 vec-diff one.vp plain.vp
out_has "not a bit" "1 compared, 0 differ"
run "an earlier run is reused" 0 embed-text -m "$model" --reuse plain.vp --text text --id id -o again.vp "$model/texts.jsonl"
err_has "all of it" "23 reused"
same "with the same bytes" plain.vp again.vp
run "but not for another pooling" 1 embed --pool max --reuse plain.vp

# Pooling, layers, length.
for how in "--pool cls" "--pool max" "--pool last" "--layer 1" --no-normalize; do
	# shellcheck disable=SC2086
	run "$how" 0 embed $how -f jsonl
	cp out how.jsonl
	run "$how is something else" 3 vec-diff -q plain.vp how.jsonl
done
embed -f jsonl >plain.jsonl
is "vectors have length 1" "$(length plain.jsonl)" 1.0000
embed --no-normalize -f jsonl >raw.jsonl
if [ "$(length raw.jsonl)" != 1.0000 ]; then ok "--no-normalize leaves it"; else no "--no-normalize leaves it"; fi
run "a layer that is not there" 1 embed --layer 3
err_has "is named" "layer"
run "--pool none" 0 embed --pool none -o rows.vp
run "is a sequence" 0 vec-info rows.vp
out_has "of so many rows" "text: sequence, dim 32"
run "that JSON shows" 0 embed --pool none -f jsonl
is "of all records" "$(wc -l <out | tr -d ' ')" 23

# Long texts.
awk 'BEGIN { printf "{\"id\":\"long\",\"text\":\""
	for (i = 0; i < 300; i++) printf "%s ", i % 3 == 0 ? "flower" : i % 3 == 1 ? "arrow" : "cat " i
	print "\"}"; print "{\"id\":\"short\",\"text\":\"red flower\"}" }' >long.jsonl
run "a long text is cut" 0 embed-text -m "$model" --text text --id id -f jsonl long.jsonl
is "and flagged" "$(grep -c '"flags":\["cut"\]' out)" 1
cp out cut.jsonl
run "--long mean" 0 embed-text -m "$model" --long mean --text text --id id -f jsonl long.jsonl
is "reads it all" "$(grep -c '"flags"' out)" 0
cp out mean.jsonl
is "of length 1" "$(length mean.jsonl)" 1.0000
run "is another vector" 3 vec-diff -q cut.jsonl mean.jsonl
is "and leaves short texts alone" "$(tail -n 1 mean.jsonl)" "$(tail -n 1 cut.jsonl)"
run "--max-tokens" 0 embed-text -m "$model" --max-tokens 4 --text text --id id -f jsonl long.jsonl
is "cuts both" "$(grep -c '"flags":\["cut"\]' out)" 2
# The mean of windows by hand: two windows of as many tokens.
printf '%s\n' '{"id":"ab","text":"cat dog cat dog tree flower tree flower"}' >ab.jsonl
printf '%s\n' '{"id":"ab","text":"cat dog cat dog"}' >a.jsonl
printf '%s\n' '{"id":"ab","text":"tree flower tree flower"}' >b.jsonl
for f in a b; do
	embed-text -q -m "$model" --text text --id id -f jsonl $f.jsonl >$f.out
	dims $f.out >$f.dims
done
n=3
while [ $n -lt 40 ]; do
	embed-text -q -m "$model" --max-tokens $n --text text --id id -f jsonl a.jsonl >fits
	grep -q '"cut"' fits || break
	n=$((n + 1))
done
embed-text -q -m "$model" --max-tokens "$n" --long mean --text text --id id -f jsonl ab.jsonl >ab.out
dims ab.out >ab.dims
is "windows are averaged" "$(paste a.dims b.dims ab.dims | awk '{
	m[NR] = ($1 + $2) / 2; s += m[NR] * m[NR]; want[NR] = $3
} END { for (i = 1; i <= NR; i++) { d = m[i] / sqrt(s) - want[i]; if (d < 0) d = -d; if (d > worst) worst = d }
	print NR, worst < 1e-5 }')" "32 1"
# shellcheck disable=SC2016 # the inner shell expands
run "a window for each text of many" 0 sh -c 'head -c 300000 /dev/zero | tr "\000" "q " >big.txt; yes "cat dog" | head -n 20000 >>big.txt;
	embed-text -q -m "$0" --long mean -f jsonl big.txt' "$model"

# Texts without tokens, ill-formed ones, missing ones.
printf '{"id":"a","text":""}\n{"id":"b","text":" \\n"}\n{"id":"c"}\n{"id":"d","text":"cat"}\n' >odd.jsonl
run "odd texts" 3 embed-text -m "$model" --text text --id id -f jsonl odd.jsonl
is "an empty text is missing" "$(sed -n 1p out)" '{"id":"a","vec":{"text":null}}'
is "one of spaces is in error" "$(sed -n '2s/"source":"[^"]*",//p' out)" '{"id":"b","vec":{"text":null},"errors":{"text":"empty text"}}'
is "and n records stay n" "$(wc -l <out | tr -d ' ')" 4
run "a prompt does not hide it" 3 embed-text -m "$model" --prompt query --text text --id id -f jsonl odd.jsonl
is "as before" "$(sed -n '2s/"source":"[^"]*",//p' out)" '{"id":"b","vec":{"text":null},"errors":{"text":"empty text"}}'
printf 'good\nbad \200 byte\n' >bad.txt
run "ill-formed UTF-8" 0 embed-text -m "$model" --id-from line --lines -f jsonl bad.txt
is "is flagged" "$(grep -c '"flags":\["bad-utf8"\]' out)" 1
run "strict" 3 embed-text -m "$model" --utf8 strict --id-from line --lines -f jsonl bad.txt
out_has "says where" "ill-formed UTF-8 at byte 4"
is "and harms no neighbour" "$(grep -c '"vec":{"text":\[' out)" 1

# Packed files.
for p in f32 f16 int8; do
	[ $p = f32 ] && first=plain.vp || first=$p.vp
	run "a packed file, $p" 0 embed-text -m "$model" --precision $p --packed $p.packed -o again.vp --text text --id id "$model/texts.jsonl"
	err_has "is written" "wrote '$p.packed'"
	same "with the same vectors" "$first" again.vp
	cp $p.packed before
	run "is read" 0 embed --precision $p --packed $p.packed -o again.vp
	same "with the same vectors as before" "$first" again.vp
	same "and stays" before $p.packed
	run "or named as the model" 0 embed-text -q -m $p.packed --precision $p -o again.vp --text text --id id "$model/texts.jsonl"
	same "with the same vectors and space" "$first" again.vp
done
run "of another precision" 1 embed-text -m int8.packed --text text --id id "$model/texts.jsonl"
err_has "it is refused by name" "int8.packed"
cp -r "$model" changed
sed -i 's/"pooling_mode_mean_tokens": true/"pooling_mode_mean_tokens": false/; s/"pooling_mode_cls_token": false/"pooling_mode_cls_token": true/' changed/1_Pooling/config.json
cp f32.packed stale
run "a folder that changed" 0 embed-text -m changed --packed stale -o again.vp --text text --id id "$model/texts.jsonl"
err_has "is packed again" "wrote 'stale'"
run "and gives its own vectors" 3 vec-diff -q plain.vp again.vp
run "of another space" 1 vec-cat plain.vp again.vp
head -c 30000 f32.packed >half
run "a packed file cut short" 1 embed-text -m half --text text --id id "$model/texts.jsonl"
err_has "is refused by name" "half"
for out in none/packed /dev/full; do
	run "a packed file that cannot be written" 1 embed --packed $out
done

# What is refused, before any output.
refuse() { # refuse NAME STATUS TEXT ARG...: nothing is written, TEXT is said
	refuse_name=$1 refuse_text=$3
	run "$1" "$2" sh -c 'shift 3; embed-text "$@" -o refused.vp' - "$@"
	err_has "$refuse_name: why" "$refuse_text"
	if [ -e refused.vp ]; then no "$refuse_name: nothing is written"; fi
}
# shellcheck disable=SC2086
{
	refuse "no folder" 1 "nowhere" -m nowhere $texts
	refuse "an unknown prompt" 1 "no prompt 'passage'" -m "$model" --prompt passage $texts
	refuse "more tokens than the model takes" 1 "at most 64 tokens, not 65" -m "$model" --max-tokens 65 $texts
	refuse "no room for a text" 1 "leave no room" -m "$model" --max-tokens 2 $texts
	refuse "--dim with -m" 2 "--dim" -m "$model" --dim 8 $texts
	refuse "--sparse with -m" 2 "--sparse" -m "$model" --sparse $texts
	refuse "--pool without -m" 2 "--pool needs -m" --pool mean $texts
	refuse "--prefix without -m" 2 "--prefix needs -m" --prefix x $texts
	refuse "--prefix and --prompt" 2 "--prefix and --prompt" -m "$model" --prefix x --prompt query $texts
	refuse "--long mean --pool none" 2 "--pool none" -m "$model" --long mean --pool none $texts
	refuse "an unknown precision" 2 "f32|f16|int8" -m "$model" --precision f64 $texts
	refuse "pictures' encoder" 1 "vit" -m "$DATA/encoders/vit" $texts
}
cp -r "$model" bad
sed -i 's/"vocab_size": [0-9]*/"vocab_size": 100/' bad/config.json
run "a config that lies" 1 embed-text -m bad --id-from line --lines bad.txt
rm -r bad && cp -r "$model" bad
awk '{ sub(/"vocab": *\{/, "\"vocab\": {\"toomuch\": 400,"); print }' "$model/tokenizer.json" >bad/tokenizer.json
run "a vocabulary beyond the embeddings" 1 embed-text -m bad --id-from line --lines bad.txt
err_has "names both" "'tokenizer.json' has ids of tokens up to 400, 'config.json' a vocab_size of 400"
head -c 3000 "$model/tokenizer.json" >bad/tokenizer.json
run "half a tokenizer" 1 embed-text -m bad --id-from line --lines bad.txt
err_has "is named" "tokenizer.json"
rm bad/tokenizer.json
run "none at all" 1 embed-text -m bad --id-from line --lines bad.txt
err_has "names what it wants" "neither 'tokenizer.json' nor 'vocab.txt' is there"
head -c 5000 "$model/model.safetensors" >bad/model.safetensors
cp "$model/tokenizer.json" bad/
run "half the weights" 1 embed-text -m bad --id-from line --lines bad.txt
err_has "are named" "model.safetensors"
is "and nothing was written" "$(cat out)" ""

# A line is answered while the input stays open.
mkfifo pipe
embed-text -q -m "$model" -j 2 --id-from line -f jsonl <pipe >live &
exec 8>pipe
echo 'a cat' >&8
n=0
while [ ! -s live ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
is "a live pipe is answered" "$(wc -l <live | tr -d ' ')" 1
exec 8>&-
wait
