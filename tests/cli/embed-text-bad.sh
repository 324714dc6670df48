# shellcheck shell=sh
# embed-text: bad input gets a record, a flag or a sentence, and the rest of
# the input is not harmed.

# T1: ill-formed UTF-8 is replaced and flagged.
printf 'good one\nlone \200 byte\noverlong \300\257\nsurrogate \355\240\200\nbeyond \364\220\200\200\ncut \342\200' >utf8
run "ill-formed UTF-8 is read" 0 embed-text --lines --id-from line --dim 8 -f jsonl utf8
is "and flagged, each" "$(grep -c '"flags":\["bad-utf8"\]' out)" 5
run "--utf8=strict makes it an error" 3 embed-text --lines --id-from line --utf8 strict --dim 8 -f jsonl utf8
is "in each record that has any" "$(grep -c '"errors"' out)" 5
out_has "with its place" 'ill-formed UTF-8 at byte 5'
is "and n records stay n" "$(wc -l <out)" 6
printf '{"id":"a","t":"x\\ud800y"}\n{"id":"b","t":"x y"}\n' >lone.jsonl
run "a lone surrogate in JSON" 0 embed-text --text t --id id --dim 8 -f jsonl lone.jsonl

# T2: NUL is a character.
printf '{"id":"a","t":"left\\u0000right"}\n{"id":"b","t":"left right"}\n{"id":"c","t":"left"}\n' >nul.jsonl
run "NUL in JSON" 0 embed-text --text t --id id --dim 8 -f jsonl nul.jsonl
sed 's/.*"vec"//' out >v
is "does not end the text" "$(sed -n 1p v)" "$(sed -n 2p v)"
printf 'left\000right\n' | embed-text -q --id-from line --dim 8 -f jsonl >nul
is "nor in a line" "$(sed 's/.*"vec"//' nul)" "$(sed -n 1p v)"

# T3: long lines are bounded, long words no matter.
{
	echo first
	head -c 20000000 /dev/zero | tr '\000' 'q'
	echo
	echo last
} >long
run "a line of 20 MB" 3 sh -c 'ulimit -s 256; embed-text --lines --id-from line --dim 8 -f jsonl long'
out_has "is a record in error" 'line longer than 16 MiB'
is "and the others are there" "$(grep -c '"vec":{"text":\[' out)" 2
{ head -c 131072 /dev/zero | tr '\000' 'Z'; echo; } >z
run "131072 times Z, on a small stack" 0 sh -c 'ulimit -s 256; embed-text --lines --id-from line --dim 8 -f jsonl z'
run "--max-bytes cuts" 0 embed-text --lines --id-from line --max-bytes 5 --dim 8 -f jsonl utf8
is "and flags" "$(grep -c '"cut"' out)" 6
printf 'ab\303\251\n' | embed-text -q --id-from line --max-bytes 3 --dim 8 -f jsonl >cut.jsonl
is "a cut is never within a character" "$(grep -c bad-utf8 cut.jsonl)" 0

# T4: marks and line ends.
printf '\357\273\277one\r\ntwo\342\200\250\r\n\r\nthree\rfour\nlast' >ends
run "byte order mark, CRLF, blank line, lone CR, no last LF" 3 \
	embed-text --lines --id-from line --dim 8 -f jsonl ends
is "a record for each LF and the rest" "$(wc -l <out)" 5
is "the blank line alone is in error" "$(grep -c '"errors":{"text":"empty text"}' out)" 1
sed -n 's/.*"vec"//p' out >v
printf 'one\ntwo\nthree four\nlast\n' | embed-text -q --id-from line --dim 8 -f jsonl | sed 's/.*"vec"//' >w
sed 3d v >v3
same "vectors are those of plain lines" w v3
printf ' \n!?\n\n' | embed-text -q --id-from line --dim 8 -f jsonl >out 2>err
is "nothing to encode is an error, not a zero vector" "$(grep -c '"vec":{"text":null},"errors"' out)" 3
err_has "named on standard error" "'2': empty text"

# T5: a million marks on one letter, in no time.
{
	printf q
	i=0
	while [ $i -lt 10 ]; do
		printf '\314\201\314\243'
		i=$((i + 1))
	done
} >ten
i=0
cat ten >marks
while [ $i -lt 15 ]; do
	cat marks marks >more.txt
	mv more.txt marks
	i=$((i + 1))
done
run "many combining marks" 0 timeout 60 embed-text --dim 8 -f jsonl marks

# Rows that cannot be read are counted, with their line.
printf '{"id":"a","t":"a cat"}\n{"id":"b","t":x}\n{"t":"no id"}\n{"id":"c","t":"a dog"}\n' >bad.jsonl
run "bad rows of a manifest" 3 embed-text --text t --id id --dim 8 -f jsonl bad.jsonl
is "the good ones are there" "$(grep -c '"vec":{"text":\[' out)" 2
err_has "the line is named" "line 2"
err_has "and what is rejected is counted" "rejected"
printf 'id,t\n1,a\n2,"b"c\n3,d\n' >bad.csv
run "a bad row of CSV" 3 embed-text --text t --id id --dim 8 -f jsonl bad.csv
err_has "is named by its line" "line 3"
is "and only that is lost" "$(wc -l <out)" 2
printf '{"id":"a","t":{"x":1}}\n{"id":"b","t":"y"}\n' >odd.jsonl
run "an object where text should be" 3 embed-text --text t --id id --dim 8 -f jsonl odd.jsonl
is "is a record in error" "$(wc -l <out)" 2

# Files.
printf 'fine' >a
: >b
mkdir e
run "a missing file among others" 3 embed-text --dim 8 -f jsonl a b nofile
is "three records" "$(wc -l <out)" 3
out_has "why" 'No such file'
out_has "an empty file has no text" 'empty text'
run "--max-errors lets some pass" 0 embed-text --max-errors 2 --dim 8 -f jsonl a b nofile
run "a full disk" 1 sh -c 'embed-text --lines --id-from line utf8 >/dev/full'
err_has "is told" 'No space left on device'
run "a field that is not there" 1 embed-text --text none --id id bad.csv
