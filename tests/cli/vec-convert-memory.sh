# Whichever allocation fails, in whatever format: exit 1, a sentence, no file.
# shellcheck shell=sh
F=$DATA/formats
starve() {
	rc=0
	said=$(timeout 100 "$BUILD/tests/helper" oom "$BUILD/tests/malloc_fail.so" final vec-convert -q -o final "$@") || rc=$?
	rm -f final
	if [ $rc = 0 ] || [ $rc = 3 ]; then ok "$* without memory"; else no "$* without memory" "$said"; fi
}
if nm "$BUILD/vec-convert" 2>/dev/null | grep -q __asan_init; then
	skip "vec-convert without memory" "a sanitizer brings its own malloc"
else
	for f in npz safetensors; do
		vec-convert -f $f -o v.$f "$F/vectors.jsonl"
		starve -f $f "$F/vectors.jsonl"
		starve -f vp v.$f
	done
	starve -f npy --part x --ids ids -l labels "$F/vectors.jsonl"
	starve -f csv --part x "$F/vectors.jsonl"
	starve -f svmlight --part w --classes classes "$F/vectors.jsonl"
	starve -f vp --id-from line "$F/types.npz"
	starve -f vp --id-from line "$F/fortran.npy"
	starve -f vp --id-from line "$F/one.svmlight"
	printf 'id,label,t.0,t.1,x\na,b,1,2,3\n' >t.csv
	starve -f vp t.csv
	vec-convert -o v.vp "$F/vectors.jsonl"
	head -c -64 v.vp >cut.vp
	starve -f csv --part x --recover cut.vp
fi
