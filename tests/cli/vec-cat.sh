# vec-cat: streams end to end, parts picked and renamed, columns dropped.
# shellcheck shell=sh
cat >a.jsonl <<'EOF'
{"id":"a1","label":"x","target":2.5,"weight":3,"group":"g","vec":{"t":[1,2],"i":[0.5,0.25,0.125],"w":{"dim":9,"idx":[3,7],"val":[1,-1]}}}
{"id":"a2","labels":["x","y"],"source":"00000000000000ff","flags":["cut"],"vec":{"t":null,"i":[1,2,3],"w":null},"errors":{"t":"empty text"}}
EOF
cat >b.jsonl <<'EOF'
{"id":"b1","vec":{"t":[5,6],"i":null,"w":{"dim":9,"idx":[],"val":[]}}}
EOF

run "joins" 3 vec-cat a.jsonl b.jsonl -o ab.vp
run "what was joined is a stream" 3 vec-cat -f jsonl ab.vp
cat a.jsonl b.jsonl >want
same "joined records are the same" want out
run "standard input" 3 sh -c 'vec-cat -f jsonl <ab.vp'
same "standard input too" want out
run "one end mark" 3 vec-cat -f jsonl-framed a.jsonl ab.vp
is "one end mark, one header" "$(grep -c '"end":true' out)$(grep -c '"vecpipe":1' out)" 11
out_has "counts all" '"records":5'

run "one part" 0 vec-cat --part i -f jsonl ab.vp
is "error of another part is gone" "$(grep -c errors out)" 0
out_is "part i alone" '{"id":"a1","label":"x","target":2.5,"weight":3,"group":"g","vec":{"i":[0.5,0.25,0.125]}}
{"id":"a2","labels":["x","y"],"source":"00000000000000ff","flags":["cut"],"vec":{"i":[1,2,3]}}
{"id":"b1","vec":{"i":null}}'
run "order of parts" 0 vec-cat --part w,i -f jsonl b.jsonl
out_is "parts in the order asked for" '{"id":"b1","vec":{"w":{"dim":9,"idx":[],"val":[]},"i":null}}'
run "rename" 0 vec-cat --part w --part i --name words=w --name i2=i -f jsonl b.jsonl
out_is "renamed" '{"id":"b1","vec":{"words":{"dim":9,"idx":[],"val":[]},"i2":null}}'
run "drop" 0 vec-cat --part i --drop label,target,weight,group,source --drop flags -f jsonl a.jsonl
out_is "dropped" '{"id":"a1","vec":{"i":[0.5,0.25,0.125]}}
{"id":"a2","vec":{"i":[1,2,3]}}'

# All operands have the same parts.
vec-cat --part t,i a.jsonl -o ti.vp
run "different parts" 1 vec-cat ab.vp ti.vp -o never
err_has "names the difference" "'ti.vp'"
is "no file" "$([ -e never ] || echo none)" none

run "no such part" 1 vec-cat --part x ab.vp
err_has "lists the parts" "no part 'x' (there are: t, i, w)"
run "rename to a name that is there" 1 vec-cat --name t=i ab.vp
err_has "says which" "two parts are named 't'"
run "rename what is not there" 1 vec-cat --name x=y ab.vp
run "a part twice" 1 vec-cat --part t,t ab.vp
run "bad rename" 2 vec-cat --name x ab.vp
run "bad column" 2 vec-cat --drop lable ab.vp
err_has "names the column" "'lable'"
run "allowed errors" 0 vec-cat --max-errors 1 ab.vp

# A stage that failed or was cut is refused; what was whole came through.
head -c -64 ab.vp >cut.vp
run "cut stream" 1 vec-cat -f jsonl-framed cut.vp
err_has "says so" "'cut.vp': stream truncated"
out_has "aborted mark" '"status":"aborted"'
run "cut stream into a file" 1 vec-cat -o cut.out cut.vp
is "leaves no file" "$([ -e cut.out ] || echo none)" none
run "aborted in the middle of a pipe" 1 sh -c 'vec-cat cut.vp 2>/dev/null | vec-cat -o x'
err_has "upstream is named" "upstream failed: vec-cat"
run "text" 1 vec-cat /etc/passwd
run "a full disk" 1 sh -c 'vec-cat ab.vp >/dev/full'
err_has "full disk is said" "No space left on device"
