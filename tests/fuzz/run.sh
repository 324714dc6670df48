#!/bin/sh
# Run each fuzz target under libFuzzer for some seconds, over its corpus and
# over what earlier runs found.  Usage: run.sh SECONDS BUILD TARGET...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seconds=$1 build=$2
shift 2
failed=
# A large quarantine looks like a leak to the memory limit.
export ASAN_OPTIONS=quarantine_size_mb=16
for target in "$@"; do
	name=$(basename "$target")
	name=${name#fuzz_}
	mkdir -p "$build/corpus/$name" "$build/found"
	echo "# $name"
	"$target" -max_total_time="$seconds" -max_len=65536 -timeout=5 \
		-rss_limit_mb=512 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$build/found/$name-" \
		"$build/corpus/$name" "$here/corpus/$name" 2>"$build/found/$name.log" ||
		failed="$failed $name"
	grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)|ERROR|SUMMARY|runtime error' \
		"$build/found/$name.log" || true
done
if [ -n "$failed" ]; then
	echo "fuzz: failed:$failed (see $build/found)" >&2
	exit 1
fi
