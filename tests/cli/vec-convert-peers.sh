# vec-convert reads what numpy, scipy and scikit-learn wrote, and writes numpy's
# bytes (tools/record-formats.py).
# shellcheck shell=sh
F=$DATA/formats
for f in types.npz fortran.npy flat.npy csr.npz one.svmlight; do
	run "reads $f" 0 vec-convert -q --id-from line -o got.vp "$F/$f"
	run "$f is as recorded" 0 vec-diff got.vp "$F/${f%.*}.jsonl"
done
run "reads several labels" 0 vec-convert --id-from line --base 0 -o got.vp "$F/many.svmlight"
run "many.svmlight is as recorded" 0 vec-diff got.vp "$F/many.jsonl"
run "reads named arrays" 0 vec-convert --id-from line --label y -o got.vp "$F/named.npz"
err_has "says what was not taken" "not taken: name"
run "named.npz is as recorded" 0 vec-diff got.vp "$F/named.jsonl"
run "ids from an array" 0 vec-convert --id name --part X -f jsonl "$F/named.npz"
out_has "of text" '{"id":"a longer one €"'
run "an array without rows" 0 vec-convert --id-from line -f jsonl-framed "$F/none.npy"
out_has "has its dim" '"dim":4'
run "targets" 0 vec-convert --id-from line --task regress -f jsonl "$F/one.svmlight"
out_has "are numbers" '{"id":"3","target":2.5,'

run "writes npy" 0 vec-convert --part x -f npy --ids ids -l labels.tsv "$F/vectors.jsonl"
same "numpy's bytes" out "$F/vectors.npy"
is "ids as lines" "$(sed -n 2p ids)" "ré1"
is "labels as a table" "$(sed -n 2p labels.tsv)" "ré1	1"
run "and reads it again" 0 vec-convert --part x --ids ids -o got.vp "$F/vectors.npy"
vec-cat --part x --drop label -o want.vp "$F/vectors.jsonl"
run "with its ids" 0 vec-diff got.vp want.vp
