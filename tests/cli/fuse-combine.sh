# shellcheck shell=sh
# fuse --to: one vector of the parts, by rule.
cat >both.jsonl <<'X'
{"id":"r1","label":"x","vec":{"p":[3,4],"q":[1,0]}}
{"id":"r2","vec":{"p":[0,2],"q":[0,5]}}
{"id":"r3","vec":{"p":[6,8],"q":null},"errors":{"q":"cut"}}
{"id":"r4","vec":{"p":null,"q":null}}
X
vectors() { sed 's/.*"vec":{"[a-z]*":\(.*\)}}*$/\1/; s/}.*//' out | tr '\n' ' '; }

run "concat, dropping" 3 fuse --to concat --missing drop -f jsonl both.jsonl
is "is all or nothing" "$(vectors)" "[3,4,1,0] [0,2,0,5] null null "
out_has "hands errors on" '"errors":{"fused":"q: cut"}'
run "indicators" 3 fuse --to concat --missing indicator --norm l2 --name n -f jsonl both.jsonl
is "say what is missing" "$(vectors)" "[0.6,0.8,1,0,0,0] [0,1,0,1,0,0] [0.6,0.8,0,0,0,1] null "
out_has "and are flagged" '"id":"r3","flags":["imputed"]'
run "a missing part" 1 fuse --to concat -o no both.jsonl
err_has "must be dealt with" "record 'r3' has no part 'q'"
run "weights" 3 fuse --to concat --weight p=2 --weight q=.5 --missing drop -f jsonl both.jsonl
is "multiply" "$(vectors)" "[6,8,0.5,0] [0,4,0,2.5] null null "
for rule in 'sum [4,4] [0,7] [6,8]' 'mean [2,2] [0,3.5] [6,8]' 'max [3,4] [0,5] [6,8]' 'product [3,0] [0,10] [6,8]'; do
	to=${rule%% *}
	run "$to" 3 fuse --to "$to" -f jsonl both.jsonl
	is "$to is right" "$(vectors)" "${rule#* } null "
done
run "a weighted mean" 3 fuse --to mean --weight p=3 -f jsonl both.jsonl
is "divides by the weights" "$(vectors)" "[2.5,3] [0,2.75] [6,8] null "

# What is fitted is kept and applied.
run "z without --fit" 2 fuse --to concat --norm z both.jsonl
err_has "names both ways" "-m FILE"
run "mean without --fit" 2 fuse --to concat --missing mean both.jsonl
run "z and mean, fitted" 3 fuse --to concat --norm z --missing mean --fit z.model -o fitted.vp both.jsonl
run "and applied" 3 fuse -m z.model -o applied.vp both.jsonl
same "are equal bytes, their space too" fitted.vp applied.vp
run "from a temporary file" 3 fuse --memory 0 --to concat --norm z --missing mean --fit z2.model -o fitted0.vp both.jsonl
same "are equal, too" fitted.vp fitted0.vp
same "and so is the model" z.model z2.model
echo '{"id":"n","vec":{"p":[3,4]}}' >p.jsonl
run "a part that the stream lacks" 0 fuse -m z.model -f jsonl p.jsonl
out_has "is missing in every record" '"flags":["imputed"]'
run "a part that the model does not know" 1 sh -c 'fuse -q r=p.jsonl p.jsonl | fuse -m z.model'
err_has "is named" "knows no part 'r'"
echo '{"id":"n","vec":{"p":[3,4,5]}}' >p3.jsonl
run "N4: another dim" 1 fuse -m z.model -o no p3.jsonl
err_has "is named by part" "part 'p'"
run "-m allows nothing beside it" 2 fuse -m z.model --norm l2 both.jsonl
run "--norm needs --to" 2 fuse --norm l2 both.jsonl
run "--missing is for concat" 2 fuse --to sum --missing drop both.jsonl
run "a weight of nothing" 2 fuse --to sum --weight p both.jsonl
run "a weight of no part" 1 fuse --to sum --weight z=2 both.jsonl
err_has "is named" "no part 'z'"

# A sparse part makes the result sparse.
cat >sparse.jsonl <<'X'
{"id":"r1","vec":{"p":[3,4],"s":{"dim":10,"idx":[1,7],"val":[2,1]}}}
{"id":"r2","vec":{"p":null,"s":{"dim":10,"idx":[0],"val":[5]}}}
X
run "dense and sparse" 0 fuse --to concat --missing indicator -f jsonl sparse.jsonl
is "make pairs" "$(vectors)" \
	'{"dim":14,"idx":[0,1,3,9],"val":[3,4,2,1] {"dim":14,"idx":[2,12],"val":[5,1] '
run "z of a sparse part" 1 fuse --to concat --norm z --fit no sparse.jsonl
run "dims that differ" 1 fuse --to sum sparse.jsonl
err_has "leave concat" "only concat"
is "nothing was left behind" "$(ls no 2>/dev/null)" ""

# M1: no prefix and no change of a model is taken.
size=$(wc -c <z.model)
bad=0
for n in 0 1 7 8 50 $((size / 2)) $((size - 1)); do
	head -c "$n" z.model >cut.model
	fuse -q -m cut.model -o no both.jsonl 2>/dev/null
	[ $? = 1 ] || bad=$((bad + 1))
done
is "cut models are refused" "$bad" 0
run "a stream is no model" 1 fuse -m applied.vp both.jsonl
