# A record whose values leave what floats hold is a record in error; no other
# one is lost for it.
# shellcheck shell=sh
awk 'BEGIN { for (i = 0; i < 30; i++)
	printf "{\"id\":\"r%d\",\"label\":\"c%d\",\"vec\":{\"a\":[%g,%g,%g],\"b\":[%g,%g]}}\n", i, i % 3,
	    i % 3 + (i * 7 % 10) / 10, (i * 3 % 7) / 7, (i * 11 % 13) / 13, (i % 3 == 1) + (i * 5 % 9) / 9, (i * 13 % 17) / 17 }' >d.jsonl
(sed 's/"r/"t/' d.jsonl; echo '{"id":"big","label":"c0","vec":{"a":[0,3e38,0],"b":[0,0]}}') >t.jsonl
for method in concat late; do
	train -q --fusion $method -o m.model d.jsonl
	run "$method: a huge value" 3 predict -m m.model --why --cover 0.9 t.jsonl
	is "leaves the others" "$(wc -l <out | tr -d ' ')" 31
	is "and says what is wrong" "$(grep '"big"' out | sed 's/"truth":"c0",//')" \
		'{"id":"big","label":null,"error":"its values are too large: what the model makes of them is not finite"}'
	run "in vectors" 3 sh -c 'predict -q -f vp -m m.model t.jsonl >p.vp'
	is "too" "$(vec-info -f json p.vp | grep -c '"records":31')" 1
	run "in scores of subsets" 3 evaluate --ablate --bootstrap 0 --scores accuracy -m m.model t.jsonl
	err_has "it is left out" "1 of 31 carry errors, left out"
done
train -q -o m.model d.jsonl
run "in joint vectors" 3 fuse -q -m m.model -o f.vp t.jsonl
is "too" "$(vec-info -f json f.vp | grep -c '"records":31')" 1

# Numbers that floats cannot hold or tell apart.
line() { awk -v f="$1" 'BEGIN { for (i = 0; i < 20; i++) printf "{\"id\":\"r%d\",\"target\":%s,\"vec\":{\"a\":[%g,%g]}}\n", i, sprintf(f, i % 7), i % 7, i * 3 % 5 }'; }
line '%de36' >far.jsonl
run "targets out of range" 1 train --task regress -o no.model far.jsonl
err_has "are named" "targets reach 6e+36: divide them, to be within 1e+30"
line '100000000%d' >close.jsonl
run "targets too close" 1 train --task regress -o no.model close.jsonl
err_has "are named" "too close for 32-bit values to tell: subtract a constant, or multiply them"
line '1%.0s' >equal.jsonl
run "equal targets" 1 train --task regress -o no.model equal.jsonl
err_has "are those that are equal" "all targets are equal"
sed 's/"label"/"weight":1e306,"label"/' d.jsonl >heavy.jsonl
run "a weight out of range" 1 train -o no.model heavy.jsonl
err_has "is named" "record 'r0': weight 1e+306 is more than 1e+15"
is "no model is left" "$(ls no.model 2>/dev/null)" ""

# Labels that no other program could read.
awk 'BEGIN { for (i = 0; i < 30; i++) printf "r%d\t%s\n", i, i == 4 ? "\377" : "c" i % 3 }' >bad.tsv
run "a label that is not UTF-8" 1 train -l bad.tsv -o no.model d.jsonl
err_has "is named" "'bad.tsv': line 5: label is not valid UTF-8"
sed '3s/"label":"[^"]*"/"label":""/' d.jsonl >empty.jsonl
run "an empty label" 1 train -o no.model empty.jsonl
err_has "is named" "record 'r2': a label is empty"
printf 'r0\tx\ty\n' >two.tsv
run "two labels for one class" 1 train --task class -l two.tsv -o no.model d.jsonl
err_has "are named" "record 'r0' has several labels: that is multilabel"
sed '1s/"a":\[[^,]*/"a":[3.4e38/; 2s/"a":\[[^,]*/"a":[-3.4e38/' d.jsonl >far.jsonl
run "values that no model bears" 1 train --fusion late -o no.model far.jsonl
err_has "are told" "a fit went out of bounds: some values, weights or targets are far larger than others"
