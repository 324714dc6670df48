# vec-head: the first records, or those after them.
# shellcheck shell=sh
i=0
while [ $i -lt 2500 ]; do
	echo "{\"id\":\"r$i\",\"vec\":{\"t\":[$i,1]}}"
	i=$((i + 1))
done >all.jsonl
vec-cat all.jsonl >all.vp

run "ten" 0 vec-head -f jsonl all.vp
head -n 10 all.jsonl >want
same "the first ten" want out
run "across blocks" 0 vec-head -n 1500 --skip 900 -f jsonl all.vp
sed -n 901,2400p all.jsonl >want
same "records 901 to 2400" want out
run "more than there are" 0 vec-head -n 9 --skip 2495 -f jsonl <all.vp
tail -n 5 all.jsonl >want
same "the rest" want out
run "none" 0 vec-head -n 0 -f jsonl-framed all.vp
is "no records" "$(grep -c '"id"' out)" 0
run "beyond the end" 0 vec-head --skip 99999 -f jsonl all.vp
is "nothing" "$(cat out)" ""
run "several operands" 0 vec-head -n 3 --skip 2499 -f jsonl all.vp all.jsonl
out_is "go on in the next" '{"id":"r2499","vec":{"t":[2499,1]}}
{"id":"r0","vec":{"t":[0,1]}}
{"id":"r1","vec":{"t":[1,1]}}'
run "a whole stream" 0 sh -c 'vec-head all.vp | vec-cat -f jsonl | wc -l'
is "of ten" "$(tr -d ' ' <out)" 10

# Damage before the last record wanted is found, damage behind it is not read.
head -c 20000 all.vp >cut.vp
run "damage behind" 0 vec-head -n 5 cut.vp
run "damage before" 1 vec-head -n 2000 cut.vp
err_has "says so" "truncated"
run "bad number" 2 vec-head -n -1 all.vp
run "bad skip" 2 vec-head --skip x all.vp
echo '{"id":"e","vec":{"t":null},"errors":{"t":"gone"}}' >>all.jsonl
run "an error among them" 3 vec-head --skip 2500 all.jsonl
run "an error not among them" 0 vec-head -n 1 all.jsonl
