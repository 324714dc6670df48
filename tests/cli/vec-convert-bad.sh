# vec-convert and input that is damaged, hostile or misnamed.
# shellcheck shell=sh
F=$DATA/formats
run "objects" 1 vec-convert --id-from line "$F/object.npy"
err_has "are refused" "unsupported: objects, which are pickles"
run "structures" 1 vec-convert --id-from line "$F/structure.npy"
err_has "are refused too" "unsupported: a structure"
run "complex numbers" 1 vec-convert --id-from line "$F/complex.npy"
head -c 100 "$F/vectors.npy" >short.npy
run "npy cut short" 1 vec-convert --id-from line short.npy
cat "$F/vectors.npy" "$F/vectors.npy" >long.npy
run "bytes behind an array" 1 vec-convert --id-from line long.npy
head -c 900 "$F/types.npz" >short.npz
run "npz cut short" 1 vec-convert --id-from line short.npz
err_has "is said" "no end of a zip archive"
echo PK | cat - "$F/types.npz" >other
run "content leads, not the name" 1 vec-convert --id-from line other
cp "$F/vectors.npy" x.csv
run "an array with the name of a table" 0 vec-convert --id-from line -o x.vp x.csv
echo hello >hello
run "no known format" 1 vec-convert hello
err_has "asks for one" "'hello': cannot tell the format (--from FORMAT)"
: >nothing.csv
run "an empty table" 1 vec-convert nothing.csv
run "no such file" 1 vec-convert absent.npy
err_has "is said" "'absent.npy': No such file or directory"
run "a directory" 1 vec-convert --from npy .
ln -s /dev/zero endless
run "an endless file" 1 vec-convert --from npz endless
mkfifo pipe
run "a FIFO" 1 vec-convert --from svmlight pipe
run "a model is no set of vectors" 1 vec-convert --id-from line --from safetensors "$F/vectors.npy"

# Rows that cannot be read: a record with an error where the id is known, else
# counted.
printf '1 1:2 # a\n1 2:1 1:1 # b\nx 1:1 # c\n1 1:nan # d\n1 1:1\n' >bad.svm
run "bad lines" 3 vec-convert -f jsonl-framed bad.svm
out_has "order" '"errors":{"svm":"line 2: indices do not increase"}'
out_has "value" '"errors":{"svm":"line 4: a value is no finite number"}'
out_has "two without id or label" '"records":3,"rejected":2'
err_has "the first is told" "line 3: a label is no number"
printf '1 0:2 # a\n' >zero.svm
run "index 0" 3 vec-convert -f jsonl zero.svm
out_has "hints at the base" "--base 0"
printf '1 4294967296:1 # a\n' >far.svm
run "index out of range" 3 vec-convert -f jsonl far.svm
printf 'id,a,b\n1,2,3\n1,2\n"x\n2,3,4\n' >bad.csv
run "bad rows" 3 vec-convert -f jsonl-framed bad.csv
out_has "are counted" '"records":2,"rejected":'
printf 'id,a,a\n' >twice.csv
run "a column twice" 1 vec-convert twice.csv
printf 'x,a\n1,2\n' >noid.csv
run "no id column" 1 vec-convert noid.csv
err_has "says what to do" "no column 'id' (--id NAME, --ids FILE or --id-from line tell the ids)"

# A stream that was cut gives its whole records and no good end; a file under
# its final name is whole or absent.
i=0
while [ $i -lt 3000 ]; do
	echo "{\"id\":\"r$i\",\"vec\":{\"t\":[$i,1]}}"
	i=$((i + 1))
done >all.jsonl
vec-convert -o all.vp all.jsonl
head -c 30000 all.vp >cut.vp
run "a cut stream" 1 vec-convert -f jsonl-framed cut.vp
err_has "is said" "stream truncated after 1024 records"
is "its good records" "$(grep -c '"id"' out)" 1024
out_has "and no good end" '"status":"aborted"'
run "a cut stream as a table" 1 vec-convert -q -f csv cut.vp
is "its good rows" "$(wc -l <out | tr -d ' ')" 1025
for f in vp jsonl jsonl-framed; do
	run "cut, to $f" 1 vec-convert -o cut.out -f $f cut.vp
done
for f in npy npz csv tsv svmlight safetensors; do
	run "cut, to $f" 1 vec-convert -q -o cut.out -f $f --ids ids -l labels cut.vp
done
is "no file is left" "$(ls cut.out ids labels 2>/dev/null)" ""
run "no ids for a stream" 2 vec-convert --ids ids cut.vp

run "recover" 3 vec-convert --recover -f jsonl-framed cut.vp
err_has "says how much" "1024 records recovered"
out_has "is partial" '"status":"partial"'
{ head -c 30000 all.vp; head -c 100 /dev/zero; tail -c +30101 all.vp; } >hole.vp
run "a hole" 1 vec-convert -o never hole.vp
run "recover around a hole" 3 vec-convert --recover -o rest.vp hole.vp
run "what is left" 0 vec-convert -f jsonl rest.vp
is "all but a block" "$(wc -l <out | tr -d ' ')" 1976

# Output that fails.
run "a full disk" 1 sh -c 'vec-convert -q -f npy all.vp >/dev/full'
err_has "is said" "No space left on device"
run "no such folder" 1 vec-convert -q -f npz -o absent/x.npz all.vp
run "two inputs of another format" 2 vec-convert --id-from line "$F/flat.npy" "$F/flat.npy"
run "ids twice" 2 vec-convert --ids ids --id-from line "$F/flat.npy"
run "no such format" 2 vec-convert -f arrow all.vp
err_has "lists them" "safetensors"
