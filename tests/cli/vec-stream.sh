# What one command writes and the next one reads: nothing that was cut,
# damaged, mixed up or given up is ever taken for whole, with or without the
# shell's pipefail.
# shellcheck shell=sh
i=0
while [ $i -lt 3000 ]; do
	echo "{\"id\":\"r$i\",\"vec\":{\"t\":[$i,0.5,-0.0,1e-45]}}"
	i=$((i + 1))
done >in.jsonl
head -n 2000 in.jsonl >in2.jsonl
vec-cat in.jsonl >a.vp
vec-cat in2.jsonl >b.vp
size=$(wc -c <a.vp | tr -d ' ')

run "the pipe" 0 sh -c 'vec-cat in.jsonl | vec-cat | vec-info -f json'
out_has "keeps every record" '"records":3000,"rejected":0,"errors":0,"status":"ok"'
vec-cat -f jsonl a.vp >back.jsonl
same "there and back, digit for digit" in.jsonl back.jsonl
vec-cat a.vp | vec-cat >again.vp
same "the same bytes" a.vp again.vp

# F1: cut anywhere, also between two blocks.
for n in 1 31 63 64 1000 $((size / 2)) $((size - 64)) $((size - 1)); do
	head -c "$n" a.vp >cut.vp
	run "cut after $n bytes" 1 vec-cat cut.vp
	err_has "is told" "'cut.vp': "
done
head -c $((size - 64)) a.vp | vec-cat >out 2>err || true
err_has "how far it went" "stream truncated after 3000 records (no end mark)"
run "the next command fails too" 1 sh -c 'head -c 30000 a.vp | vec-cat 2>/dev/null | vec-info'
err_has "and knows who failed" "upstream failed: vec-cat"
run "and so in framed lines" 1 sh -c 'head -c 30000 a.vp | vec-cat -f jsonl-framed 2>/dev/null | vec-info'
err_has "that know it too" "upstream failed: vec-cat"
run "an upstream that wrote nothing" 1 sh -c 'false | vec-cat'
mkfifo fifo
vec-cat in.jsonl - <fifo >killed.vp &
pid=$!
exec 9>fifo
kill -9 $pid
exec 9>&-
wait $pid 2>/dev/null || true
run "an upstream that was killed" 1 vec-info killed.vp

# F3, F5: a bit, a byte, two writers in one file.
for at in 10 40 100 700 $((size / 3)) $((size - 30)); do
	{
		head -c "$at" a.vp
		printf '\245'
		tail -c +$((at + 2)) a.vp
	} >bad.vp
	cmp -s a.vp bad.vp || run "byte $at changed" 1 vec-cat bad.vp
done
{
	head -c $((size / 2)) a.vp
	cat b.vp
	tail -c +$((size / 2 + 1)) a.vp
} >mixed.vp
run "two writers" 1 vec-cat mixed.vp

# F6: one after another, as cat would join them.
cat a.vp b.vp >ab.vp
vec-cat a.vp b.vp >op.vp
vec-cat ab.vp >cat.vp
same "operands and cat agree" op.vp cat.vp
run "all records" 0 vec-info -f json ab.vp
out_has "are there" '"records":5000'
run "equal ids are found" 3 vec-info --check ab.vp
echo '{"id":"x","vec":{"t":[1,2,3]}}' | vec-cat >other.vp
run "another dim" 1 vec-cat a.vp other.vp
err_has "is named" "'other.vp': differs from what came before: part 't': dim is 4 here and 3 there"
cat a.vp other.vp >ao.vp
run "in one file too" 1 vec-cat ao.vp
printf 'x' | cat a.vp - >tail.vp
run "bytes behind the end" 1 vec-cat tail.vp
err_has "are told" "bytes after the end mark"

# F8, F10: numbers that are none.
echo '{"id":"n","vec":{"t":[1,NaN,0,0]}}' | cat in2.jsonl - >nan.jsonl
run "NaN in a line" 3 vec-cat -o nan.vp nan.jsonl
run "is an error of its record" 0 vec-info nan.vp
out_has "with its place" "first error: 'n': line 2001, column 25"
echo '{"id":"n","vec":{"t":[1,NaN,0,0]}}' >alone.jsonl
run "NaN in the only line" 3 vec-cat -f jsonl alone.jsonl
out_has "is an error of its part" '"errors":{"t":"line 1, column 25: expected a number"}'
run "a line that names no part" 3 sh -c "echo '{\"id\":\"n\",\"vec\":{' | vec-cat -f jsonl"
err_has "is told" "line 1, column 18"
printf '{"id":"n","vec":{"t":[1,2' | cat in2.jsonl - >cut.jsonl
run "a last line that is cut off" 1 vec-cat cut.jsonl
err_has "is told" "'cut.jsonl': the last line is cut off: line 2001"

# F13: other files.
printf '\037\213\010\000\000\000\000\000\000\003' >x.gz
run "gzip" 1 vec-cat x.gz
err_has "is named" "not a vecpipe stream (looks like gzip)"
run "a folder" 1 vec-cat .
err_has "is refused" "Is a directory"

# G16: what is read must not be what is written.
cp a.vp same.vp
rc=0
# shellcheck disable=SC2094 # that is the point
vec-cat same.vp >>same.vp 2>err || rc=$?
is "the input as output" $rc 1
err_has "is told" "input is the output file"
same "and is untouched" a.vp same.vp
run "-o over the input" 0 vec-cat -o same.vp same.vp
same "is safe" a.vp same.vp
