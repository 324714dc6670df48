# Each fuzz target over its corpus, over all prefixes and over some changes of
# it, without libFuzzer.  A sanitizer, where there is one, watches.
# shellcheck shell=sh
for source in "$ROOT"/tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	corpus=$ROOT/tests/fuzz/corpus/${name#fuzz_}
	if [ -d "$corpus" ]; then
		run "$name survives its corpus" 0 timeout 60 \
			"$BUILD/tests/fuzz/$name" 100 "$corpus"/*
	else
		no "$name has a corpus" "no $corpus"
	fi
done
