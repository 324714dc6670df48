# fuse -m with a model of train: records as the model sees them.
# shellcheck shell=sh
awk 'BEGIN { srand(5); for (i = 0; i < 60; i++) {
	x = rand()
	printf "{\"id\":\"r%d\",\"label\":\"%s\",\"group\":\"g%d\",\"weight\":%d,\"vec\":{", i, x < 0.5 ? "low" : "high", i / 2, 1 + i % 2
	if (i % 5 != 3) printf "\"v\":[%.4f,%.4f],", x, rand(); else printf "\"v\":null,"
	printf "\"w\":{\"dim\":9,\"idx\":[%d],\"val\":[1]}}}\n", i % 9 } }' >all.jsonl
vec-cat all.jsonl >all.vp
train -q --cv off -o x.model all.vp

run "the representation" 0 fuse -m x.model -o fused.vp all.vp
run "is a stream" 0 vec-info --check fused.vp
out_has "of one part" "fused: dense"
run "with its maker" 0 vec-info fused.vp
out_has "in its space" '"model":"'
vec-cat -f jsonl all.vp | sed 's/,"vec":.*//' >want
vec-cat -f jsonl fused.vp | sed 's/,"vec":.*//' >got
same "ids, labels, groups and weights pass through" want got
run "by another name" 0 sh -c 'fuse -q -m x.model --name seen all.vp | vec-info'
out_has "is so called" "seen: dense"
fuse -q -m x.model all.vp >again.vp
same "the same again" fused.vp again.vp
vec-cat -f jsonl all.vp | sed -n '30p' | fuse -q -m x.model -f jsonl >one
vec-cat -f jsonl fused.vp | sed -n '30p' >want
same "a record by itself is the same" want one
VECPIPE_ISA=portable fuse -q -m x.model all.vp >again.vp
same "the same with portable kernels" fused.vp again.vp
run "two models" 1 sh -c 'train -q --cv off --lambda 0.5 -o y.model all.vp && fuse -q -m y.model -o y.vp all.vp && vec-cat fused.vp y.vp'
err_has "make other spaces" "model"

# It can be learnt from in turn.
run "a model of models" 0 sh -c 'train -q --cv off -o z.model fused.vp && predict -q -m z.model fused.vp'
is "is right" "$(grep -c '"label":"\([a-z]*\)".*"truth":"\1"' out | awk '{ print ($1 > 50) }')" 1

# What is not there.
cat >odd.jsonl <<'E'
{"id":"one","vec":{"v":[0.1,1],"w":null}}
{"id":"none","vec":{"v":null,"w":null}}
{"id":"half","vec":{"v":null,"w":{"dim":9,"idx":[2],"val":[1]}},"errors":{"v":"cut JPEG"}}
{"id":"bad","vec":{"v":null,"w":null},"errors":{"v":"cut JPEG"}}
E
run "odd records" 3 fuse -q -m x.model -f jsonl odd.jsonl
is "one part is enough" "$(grep -c '"id":"one","vec":{"fused":\[' out)" 1
is "no part gives none" "$(grep '"none"' out)" '{"id":"none","vec":{"fused":null}}'
is "an error beside a good part" "$(grep -c '"id":"half","vec":{"fused":\[' out)" 1
is "an error" "$(grep '"bad"' out)" '{"id":"bad","vec":{"fused":null},"errors":{"fused":"v: cut JPEG"}}'
run "a part alone" 0 sh -c "sed 's/\"w\":.*}}}/\"w\":null}}/;s/,\"w\":null//;/\"v\":null/d' all.jsonl | fuse -q -m x.model -f jsonl"
out_has "is enough" '"fused":['
run "another part" 1 sh -c "echo '{\"id\":\"a\",\"vec\":{\"u\":[1,2]}}' | fuse -m x.model"
err_has "is named" "'x.model': the model does not know part 'u'"
run "another dim" 1 sh -c "echo '{\"id\":\"a\",\"vec\":{\"v\":[1,2,3]}}' | fuse -m x.model"
err_has "is named" "dim"
run "rules beside a model" 2 fuse -m x.model --to concat all.vp
head -c 1000 x.model >cut.model
run "a cut model" 1 fuse -m cut.model all.vp
run "no model" 1 fuse -m all.vp all.vp
run "its own models" 0 sh -c 'sed "s/,\"w\":{[^}]*}//;/\"v\":null/d" all.jsonl | fuse -q --to concat --norm z --fit z.model -o zz.vp && sed "s/,\"w\":{[^}]*}//;/\"v\":null/d" all.jsonl | fuse -q -m z.model -o zzz.vp'
same "are still known" zz.vp zzz.vp

# A net that leaves a part out sees nothing of a record that has only that part.
make_useless() { awk -v kind=useless -v n="$1" -v seed=1 -f "$ROOT/tests/synthetic.awk" | vec-cat; }
make_useless 300 >useless.vp
run "a net that leaves noise out" 0 train --fusion mlp -o u.model useless.vp
err_has "says so" "mlp does not read part 'b'"
vec-head -n 5 useless.vp | vec-cat --part b >b.vp
run "records that have nothing else" 0 sh -c 'fuse -q -m u.model -f jsonl b.vp | grep -c "\"vec\":{\"fused\":null}"'
is "have no vector" "$(cat out)" 5
run "nor neighbours" 0 sh -c 'predict -q -m u.model --why=near:3 --neighbours useless.vp b.vp | grep -c "\"near\":\[\]"'
is "whatever is asked" "$(cat out)" 5
run "but the others" 0 sh -c 'vec-head -n 5 useless.vp | predict -q -m u.model --why=near:3 --neighbours useless.vp | grep -c "\"near\":\[{"'
is "do" "$(cat out)" 5
