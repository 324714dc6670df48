# A record to which no label applies is another thing than one without labels.
# shellcheck shell=sh
awk 'BEGIN { for (i = 0; i < 60; i++) {
	x = i % 3; l = x == 0 ? "\"x\"" : x == 1 ? "\"x\",\"y\"" : ""
	printf "{\"id\":\"r%d\",\"labels\":[%s],\"vec\":{\"v\":[%d,%g]}}\n", i, l, x, (i * 7 % 10) / 10 } }' >all.jsonl
printf '{"id":"u1","vec":{"v":[1,0]}}\n{"id":"u2","vec":{"v":[2,0]}}\n' >unknown.jsonl
vec-cat -f jsonl all.jsonl | sed 's/"label":\("[^"]*"\)/"labels":[\1]/' >again.jsonl
same "it survives the way to a stream and back" all.jsonl again.jsonl
vec-cat unknown.jsonl | vec-cat -f jsonl >again.jsonl
same "and one without stays without" unknown.jsonl again.jsonl
run "it is counted" 0 sh -c 'vec-cat all.jsonl | vec-info'
out_has "by vec-info" "flagged no-label: 20"

run "learnt from" 0 train -o m.model all.jsonl unknown.jsonl
err_has "those without labels are not" "2 of 62 records left out: no label"
err_has "the others are" "60 records"
run "the same when it is asked for" 0 train --task multilabel -o n.model all.jsonl unknown.jsonl
same "the same model" m.model n.model
sed 's/.*"id":"\([^"]*\)","labels":\[\(.*\)\],"vec.*/\1,\2/; s/"//g; s/,/\t/g; s/\t$//' all.jsonl >labels.tsv
vec-cat --drop label all.jsonl >bare.vp
sed -n '1p;3p;4s/"x"/"y"/p' all.jsonl >one.jsonl
run "by a file of labels" 0 train -l labels.tsv -o l.model bare.vp unknown.jsonl
err_has "the same records" "2 of 62 records left out: no label"
run "of classes none is none" 0 train --task class --cv off -o c.model one.jsonl
err_has "and is left out" "1 of 3 records left out: no label"

predict -q -m m.model all.jsonl unknown.jsonl >p.jsonl
is "the truth is said" "$(grep -c '"truth":\[\]' p.jsonl)" 20
is "only where it is known" "$(grep '"u[12]"' p.jsonl | grep -c truth)" 0
run "evaluate counts it" 3 evaluate --resubstitution -f json --bootstrap 0 --scores subset_accuracy p.jsonl
out_has "as known" '"records":60'
vec-cat all.jsonl >all.vp
sed 's/,"truth":\[[^]]*\]//' p.jsonl >untrue.jsonl
run "by a stream of labels" 3 evaluate --resubstitution -f json --bootstrap 0 --scores subset_accuracy untrue.jsonl all.vp
out_has "too" '"records":60'

sed -n 's/"v"/"w"/; 3p' all.jsonl | sed 's/\[\],"vec"/["y"],"vec"/' >other.jsonl
run "streams that differ in it" 1 fuse all.jsonl other.jsonl
err_has "are refused" "record 'r2': label '' in 'all.jsonl' and 'y' in 'other.jsonl'"
is "labels can be dropped" "$(vec-cat --drop label -f jsonl all.jsonl | grep -c labels)" 0

# A label that nothing tells is not said of every record for a better F1.
awk 'BEGIN { srand(3); for (i = 0; i < 300; i++) {
	x = i % 2; l = x ? "\"x\"" : ""
	if (rand() < 0.06) l = l (l != "" ? "," : "") "\"rare\""
	printf "{\"id\":\"r%d\",\"labels\":[%s],\"vec\":{\"v\":[%g,%g]}}\n", i, l, x + rand() / 2, rand() } }' >rare.jsonl
run "a label that nothing tells" 0 train -o rare.model rare.jsonl
err_has "is said from a half on" "no threshold for label 'rare' is better than to say it always: it is said from 0.5 on"
run "as the model says" 0 vec-info rare.model
out_has "of that one" '"rare" from 0.5 on'
is "and of the other" "$(grep -c '"x" from 0.[1-9][0-9]* on' out)" 1
predict -q -m rare.model rare.jsonl >rare.out
is "it is said of few" "$(grep -c '"labels":\[[^]]*"rare"' rare.out | awk '{ print ($1 < 10) }')" 1
