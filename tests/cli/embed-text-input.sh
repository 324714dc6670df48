# shellcheck shell=sh
# embed-text: the ways in, and that they agree.

vecs() { sed 's/.*"vec"/"vec"/' "$1"; }

cat >items.jsonl <<'EOF'
{"id":"a1","text":{"Title":"A tree in winter"},"label":"nature","group":"trees"}
{"id":"a2","text":{"Title":null},"label":"food"}
{"id":"a3","text":{"Title":""},"label":["x","y"]}
{"id":9007199254740993,"text":{"Title":"2 dead frogs"},"extra":[1,{"a":2}]}
EOF
run "a manifest of JSON Lines" 0 embed-text --text text.Title --id id \
	--label label --group group --dim 8 -f jsonl items.jsonl
cp out from.jsonl
is "as many records as lines" "$(wc -l <out)" 4
is "ids as they are, in order" "$(sed 's/.*"id":"\([^"]*\)".*/\1/' out | tr '\n' ' ')" \
	"a1 a2 a3 9007199254740993 "
is "label and group" "$(head -1 out | cut -d, -f1-3)" '{"id":"a1","label":"nature","group":"trees"'
is "null and empty are missing and no error" \
	"$(sed -n 2,3p out | grep -c '"vec":{"text":null}}')" 2

printf 'id,title,label\r\na1,A tree in winter,nature\r\na2,,food\r\n"a3","",x\r\n9007199254740993,"2 dead\nfrogs",\r\n' >items.csv
run "the same as CSV" 0 embed-text --text title --id id --dim 8 -f jsonl items.csv
vecs from.jsonl >one.v
vecs out >two.v
same "vectors of CSV and JSON are equal" one.v two.v
printf '\357\273\277id\ttitle\na1\tA tree in winter\na2\t\na3\t\n9007199254740993\t2 dead\\tfrogs\n' >items.tsv
run "the same as TSV with a byte order mark" 0 embed-text --text title --id id --dim 8 -f jsonl items.tsv
vecs out >two.v
same "vectors of TSV and JSON are equal" one.v two.v

printf 'A tree in winter\n2 dead frogs' >lines
run "lines" 0 embed-text --lines --id-from line --dim 8 -f jsonl lines
vecs out >two.v
sed -n '1p;4p' one.v >three.v
same "vectors of lines and JSON are equal" three.v two.v
is "their ids are the numbers asked for" "$(cut -d, -f1 out | tr '\n' ' ')" '{"id":"1" {"id":"2" '
run "lines have no ids by themselves" 2 embed-text --lines lines
err_has "and it says so" "lines have no ids"
run "nor have lines of standard input" 2 sh -c 'embed-text <lines'
run "the numbers of two files would repeat" 2 embed-text --lines --id-from line lines lines
run "lines of standard input" 0 sh -c 'embed-text --id-from line --dim 8 -f jsonl <lines'
vecs out >two.v
same "vectors of standard input are equal" three.v two.v
is "their ids are line numbers" "$(cut -d, -f1 out | tr '\n' ' ')" '{"id":"1" {"id":"2" '

mkdir -p d/sub
printf 'A tree in winter' >d/sub/b.txt
printf '2 dead frogs\n' >d/a.txt
run "files of a directory" 0 embed-text --dim 8 -f jsonl d
is "their ids are paths below it" "$(cut -d, -f1 out | tr '\n' ' ')" '{"id":"a.txt" {"id":"sub/b.txt" '
vecs out | sed -n '2p;1p' | sort >two.v
sort three.v >four.v
same "vectors of files are equal" four.v two.v
run "a list ended by NUL" 0 sh -c "printf 'd/sub/b.txt\\0d/a.txt\\0' | embed-text -0 --id-from stem --dim 8 -f jsonl"
is "ids from stems" "$(cut -d, -f1 out | tr '\n' ' ')" '{"id":"b" {"id":"a" '
vecs out >two.v
same "vectors of a list are equal" three.v two.v
printf '{"id":"x","path":"sub/b.txt"}\n{"id":"y","path":null}\n' >m.jsonl
run "files named in a manifest" 0 embed-text --file path --id id --base d --dim 8 -f jsonl m.jsonl
vecs out | sed -n 1p >two.v
sed -n 1p one.v >four.v
same "vector of a file in a manifest is equal" four.v two.v

printf '{"id":"a","t":"A tree","b":"in winter"}\n{"id":"b","t":null,"b":"A tree in winter"}\n' >two.jsonl
run "several fields" 0 embed-text --text t,b --id id --dim 8 -f jsonl two.jsonl
vecs out | sed -n 1p >two.v
same "are one text" four.v two.v
vecs out | sed -n 2p >two.v
same "of which some may be missing" four.v two.v

run "sparse vectors" 0 embed-text --sparse --lines --id-from line -f jsonl lines
is "have 2^20 places" "$(grep -c '"dim":1048576' out)" 2
run "a stream" 0 embed-text --lines --id-from line --name words lines
is "begins with its magic" "$(head -c 8 out | od -An -tx1 | tr -d ' \n')" 895650530d0a1a0a
run "no place beyond 65536 without --sparse" 2 embed-text --dim 65537 lines
run "no place at all" 2 embed-text --dim 0 lines
run "a number with something behind it" 2 embed-text --dim 8x lines
