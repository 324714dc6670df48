# predict --zero-shot: the probabilities of the reference for a pair of towers,
# labels and templates, and what is refused.
# shellcheck shell=sh
printf 'cat\nred flower\narrow\nfolder\n' >labels.txt
for f in 420 restart progressive grey; do cp "$DATA/image/$f.jpg" .; done

# near NAME FILE: ./out has FILE's probabilities within 2e-5.
near() {
	sed 's/.*"id": *"\([^"]*\)".*"probs": *{\([^}]*\)}.*/\1 \2/; s/"[^"]*": *//g; s/,/ /g' out >got
	sed 's/.*"id": *"\([^"]*\)".*"probs": *{\([^}]*\)}.*/\1 \2/; s/"[^"]*": *//g; s/,/ /g' "$2" >want
	worst=$(paste got want | awk 'NF != 10 || $1 != $6 { bad = 1 }
		{ for (i = 2; i <= 5; i++) { d = $i - $(i + 5); if (d < 0) d = -d; if (d > worst) worst = d } }
		END { print bad ? "other records" : worst < 2e-5 ? "near" : worst }')
	is "$1" "$worst" near
}
for pair in clip siglip; do
	model=$DATA/encoders/$pair
	head -n 4 "$model/zero-shot.jsonl" >one.want
	tail -n 4 "$model/zero-shot.jsonl" >two.want
	run "$pair: pictures" 0 extract-img -q -m "$model" -o $pair.vp 420.jpg restart.jpg progressive.jpg grey.jpg
	run "$pair: labels" 0 predict -m "$model" --zero-shot labels.txt $pair.vp
	near "$pair: the reference's probabilities" one.want
	cp out plain
	run "$pair: two templates" 0 predict -m "$model" --zero-shot labels.txt --template 'a photo of a {}.' \
		--template '{} in clip art' $pair.vp
	near "$pair: the reference's again" two.want
	cp out two
	awk '{ print $0 "\ta photo of a " $0 "."; print $0 "\t" $0 " in clip art" }' labels.txt >texts.tsv
	run "$pair: texts of the labels" 0 predict -m "$model" --zero-shot texts.tsv $pair.vp
	same "$pair: are the same as templates" two out
	run "$pair: vectors as they come" 0 extract-img -q -m "$model" --no-normalize -o raw.vp 420.jpg restart.jpg progressive.jpg grey.jpg
	run "$pair: are brought to length" 0 predict -m "$model" --zero-shot labels.txt raw.vp
	near "$pair: with the same probabilities" one.want
	for j in 1 2 4; do
		run "$pair: -j $j" 0 predict -m "$model" -j $j --zero-shot labels.txt $pair.vp
		same "$pair: the same with -j $j" plain out
	done
	VECPIPE_ISA=portable predict -m "$model" --zero-shot labels.txt $pair.vp >out
	same "$pair: the same with portable kernels" plain out
	run "$pair: one label" 0 predict -m "$model" -k 1 --zero-shot labels.txt $pair.vp
	is "$pair: is the best" "$(sed 's/.*"label":"\([^"]*\)","p":\([^,]*\),.*"probs":{"\([^"]*\)":\([^}]*\)}}/\1 \2 \3 \4/' out |
		awk '{ split($0, a, /[ ]/); if (index($0, a[1]) != 1) bad++ } END { print NR, bad + 0 }')" "4 0"
done
model=$DATA/encoders/clip
is "softmax sums to 1" "$(predict -m "$model" --zero-shot labels.txt clip.vp | sed 's/.*"probs":{\([^}]*\)}.*/\1/; s/"[^"]*"://g; s/,/ /g' |
	awk '{ s = $1 + $2 + $3 + $4; if (s < 0.99999 || s > 1.00001) bad++ } END { print bad + 0 }')" 0
run "siglip: all labels that reach 0.02" 0 predict -m "$DATA/encoders/siglip" --threshold 0.02 --zero-shot labels.txt siglip.vp
out_has "are several or none" '"labels":['
# shellcheck disable=SC2016
run "a stream of probabilities" 0 sh -c 'predict -f vp -m "$0" --zero-shot labels.txt clip.vp | vec-info' "$model"
out_has "of the labels" "probs: dense, dim 4, 4 present"
run "a table" 0 predict -f tsv -m "$model" --zero-shot labels.txt clip.vp
is "of all records" "$(wc -l <out | tr -d ' ')" 5

# Records without pictures.
head -c 300 420.jpg >half.jpg
extract-img -q -m "$model" -o some.vp grey.jpg half.jpg 2>err
run "a picture in error" 3 predict -q -m "$model" --zero-shot labels.txt some.vp
out_has "has a line with the error" '"label":null,"error":"image:'

refuse() { # refuse NAME STATUS TEXT ARG...
	name=$1 text=$3
	run "$name" "$2" sh -c 'shift 3; predict "$@"' - "$@"
	err_has "$name: why" "$text"
	is "$name: nothing is written" "$(cat out)" ""
}
: >empty
printf 'a\n\tb\n' >nolabel
printf 'a\nb\t\n' >notext
refuse "vectors of another model" 1 "no part of the stream" -m "$DATA/encoders/siglip" --zero-shot labels.txt clip.vp
refuse "no pair" 1 "logit_scale" -m "$DATA/encoders/sentence" --zero-shot labels.txt clip.vp
refuse "no labels" 1 "'empty': no labels" -m "$model" --zero-shot empty clip.vp
refuse "a line without its label" 1 "'nolabel': line 2: an empty label" -m "$model" --zero-shot nolabel clip.vp
refuse "a label with an empty text" 1 "label 'b': empty text" -m "$model" --zero-shot notext clip.vp
refuse "a template without its place" 2 "has no {}" -m "$model" --zero-shot labels.txt --template x clip.vp
refuse "a template alone" 2 "--template needs --zero-shot" -m "$model" --template 'a {}' clip.vp
refuse "no file of labels" 1 "nofile" -m "$model" --zero-shot nofile clip.vp
