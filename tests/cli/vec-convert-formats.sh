# Every format there and back; what it cannot hold is said.
# shellcheck shell=sh
cat >a.jsonl <<'EOF'
{"id":"a1","label":"x","target":2.5,"weight":3,"group":"g","vec":{"t":[1,0.1],"i":[0.5,-0.25,1e-30],"w":{"dim":4294967295,"idx":[3,4294967294],"val":[1,-1]}}}
{"id":"a2","labels":["x","y, \"z\"\t\\"],"source":"00000000000000ff","flags":["cut"],"vec":{"t":null,"i":[1,2,3],"w":null},"errors":{"t":"empty text"}}
{"id":"bä #€","vec":{"t":[5,6],"i":null,"w":{"dim":4294967295,"idx":[],"val":[]}}}
EOF
vec-cat -f jsonl-framed a.jsonl >a.framed

for f in vp jsonl-framed npz safetensors; do
	run "to $f" 3 vec-convert -f $f -o "a.$f" a.jsonl
	is "$f holds all" "$(cat err)" ""
	run "from $f" 3 vec-convert -f jsonl-framed "a.$f"
	same "$f keeps all" out a.framed
done
run "by name" 3 vec-convert -o named.npz a.jsonl
same "the same bytes" named.npz a.npz
run "to a pipe" 0 sh -c 'vec-convert -f safetensors a.jsonl | cat >piped'
same "the same bytes in a pipe" piped a.safetensors
run "from a pipe" 3 sh -c 'vec-convert --from npz -f jsonl-framed <a.npz'
same "a pipe keeps all" out a.framed
run "one array of several" 0 vec-convert --part i -f jsonl a.npz
is "one part" "$(grep -c '"vec":{"i":' out)" 3

# Tables.
for f in csv tsv; do
	run "to $f" 0 vec-convert --part i -f $f --columns group,target,weight -o "a.$f" a.jsonl
	err_has "$f cannot hold all" "not in $f: 1 further labels (-l FILE keeps them), 1 source hashes, 1 flags"
	run "from $f" 0 vec-convert -f jsonl "a.$f"
	vec-cat --part i --drop source,flags -f jsonl a.jsonl |
		sed 's/"labels":\["x".*\],"vec"/"label":"x","vec"/' >want
	same "$f keeps the rest" out want
done
run "one label to csv" 0 sh -c 'vec-convert --part i a.jsonl | vec-head -n 1 | vec-convert -q -f csv'
out_is "a row" 'id,label,i.0,i.1,i.2
a1,x,0.5,-0.25,1e-30'
printf 'name,kind,height,weight_kg\nx1,cat,30,4.5\nx2,dog,70,\nx3,cat,,\nx4,dog,1e99,2\n' >t.csv
run "a table" 3 vec-convert --id name --label kind --part body -f jsonl-framed t.csv
out_has "names its columns" '"columns":["height","weight_kg"]'
out_has "row" '{"id":"x1","label":"cat","vec":{"body":[30,4.5]}}'
out_has "an empty cell is an error" '"errors":{"body":"line 3: column '"'weight_kg'"' is empty"}'
out_has "an empty row is missing" '{"id":"x3","label":"cat","vec":{"body":null}}'
out_has "too large is an error" "line 5: column 'height': '1e99' is no finite number"
run "columns keep their names" 3 sh -c 'vec-convert --id name --label kind t.csv | vec-convert -q -f tsv'
is "in the header" "$(head -n 1 out)" "id	label	height	weight_kg"

# svmlight: labels are numbers, ids stand behind the values.
run "to svmlight" 0 vec-convert --part w --missing zero --classes classes -f svmlight a.jsonl
out_is "lines" '0 4:1 4294967295:-1 # a1
0,1 # a2
0 # bä #€'
err_has "missing is said" "1 missing parts (zeros stand there)"
err_has "a label is said" "1 records have no label; 0 stands there"
printf 'red\ngreen\n' >colours
printf '1 1:2 3:-0.5 # p\r\n\n# a comment\n0,1 qid:7 2:1 # q\n' >c.svm
run "from svmlight" 0 vec-convert --classes colours -f jsonl c.svm
out_is "records" '{"id":"p","label":"green","vec":{"svm":{"dim":3,"idx":[0,2],"val":[2,-0.5]}}}
{"id":"q","labels":["red","green"],"group":"7","vec":{"svm":{"dim":3,"idx":[1],"val":[1]}}}'
run "labels that are no numbers" 1 vec-convert --part i -f svmlight --missing drop a.jsonl
err_has "are named" "record 'a1': label 'x' is no number (--classes FILE numbers the labels)"
run "a dense part" 0 sh -c 'vec-cat --part i --drop label,target a.jsonl | vec-convert -q --missing drop --base 0 -f svmlight'
out_has "non-zero values" '0 0:0.5 1:-0.25 2:1e-30 # a1'

# npy: one dense part, and nothing for a missing one unless told.
run "two parts" 1 vec-convert --part i,t -f npy a.jsonl
err_has "are one too many" "npy holds one part, not 2 (--part NAME)"
run "a sparse part" 1 vec-convert --part w -f npy a.jsonl
err_has "cannot be" "part 'w' is sparse, which npy cannot hold"
run "a missing part" 1 vec-convert --part i -f npy -o never.npy a.jsonl
err_has "is refused" "record 'bä #€' has no part 'i', and npy has no mask"
is "no file" "$([ -e never.npy ] || echo none)" none
for m in zero nan drop; do
	run "missing: $m" 0 vec-convert --part i -f npy --missing $m --ids ids -o m.npy a.jsonl
	run "missing: $m, back" "$([ $m = nan ] && echo 3 || echo 0)" vec-convert --ids ids -f jsonl m.npy
	out_has "records of $m" '{"id":"a2","vec":{"vec":[1,2,3]}}'
done
is "drop leaves one out" "$(wc -l <ids | tr -d ' ')" 2
vec-convert --part i -q -f npy --missing nan --ids ids -o m.npy a.jsonl
run "NaN is missing again" 0 vec-convert --missing nan --ids ids -f jsonl m.npy
out_has "a mask" '{"id":"bä #€","vec":{"vec":null}}'

# Ids are never guessed.
run "no ids" 1 vec-convert m.npy
err_has "are asked for" "it holds no ids (--ids FILE or --id-from line give them)"
run "rows as ids" 0 vec-convert --id-from line --missing nan -f jsonl m.npy
out_has "from 1" '{"id":"1","vec"'
head -n 2 ids >two
run "too few ids" 1 vec-convert --ids two m.npy
echo four | cat ids - >four
run "too many ids" 1 vec-convert --ids four m.npy
err_has "are counted" "4 ids for 3 rows"
printf 'a\n\nc\n' >empty
run "an empty id" 3 vec-convert --ids empty --missing nan -f jsonl m.npy
err_has "is rejected" "row 2: empty id"
is "and its row with it" "$(wc -l <out | tr -d ' ')" 2

# No records, but parts.
vec-cat --part i a.jsonl | vec-head -n 0 >no.vp
for f in npz csv tsv safetensors jsonl-framed; do
	run "nothing to $f" 0 vec-convert -f $f -o no.$f no.vp
	run "nothing from $f" 0 vec-convert --from $f -f jsonl-framed no.$f
	out_is "the part of $f" '{"vecpipe":1,"parts":[{"dim":3,"dtype":"f32","kind":"dense","name":"i","run":{},"space":{}}]}
{"end":true,"records":0,"rejected":0,"status":"ok"}'
done
