#!/bin/sh
# Run the unit tests and the command tests; print TAP lines and, last,
# "N passed, N failed" (and what was skipped).  Arguments choose tests by a
# part of their name; none means all.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

wanted() { # wanted NAME WORD...
	name=$1
	shift
	[ $# = 0 ] && return 0
	for w in "$@"; do case $name in *"$w"*) return 0 ;; esac; done
	return 1
}

# Those below emulate/ run the kernels of AVX-512, VNNI and AMX on any machine.
for t in "$build"/tests/check_* "$build"/emulate/check_*; do
	case $t in *.[od] | *'*') continue ;; esac
	name=${t#"$build"/}
	name=${name#tests/}
	wanted "$name" "$@" || continue
	case $name in
	emulate/*) echo "# $name: AVX-512, VNNI and AMX emulated" ;;
	*) echo "# $name" ;;
	esac
	dir=$(mktemp -d)
	(cd "$dir" && DATA=$root/tests/data CK_VERBOSITY=silent \
		CK_TAP_LOG_FILE_NAME=- "$t" 2>&1) >"$dir/.log"
	rc=$?
	grep -v '^1\.\.' "$dir/.log"
	if [ $rc != 0 ] && ! grep -q '^not ok' "$dir/.log"; then
		echo "not ok - $name ended with status $rc"
	fi
	rm -rf "$dir"
done >>"$log" 2>&1
cat "$log"
for t in "$root"/tests/cli/*.sh; do
	name=$(basename "$t" .sh)
	[ "$name" = lib ] && continue
	wanted "$name" "$@" || continue
	echo "# $name"
	dir=$(mktemp -d)
	(cd "$dir" && DATA=$root/tests/data ROOT=$root BUILD=$build \
		PATH="$build:$PATH" sh -c '. "$ROOT/tests/cli/lib.sh"; . "$0"' "$t" 2>&1)
	rc=$?
	[ $rc = 0 ] || echo "not ok - $name ended with status $rc"
	chmod -R u+w "$dir"
	rm -rf "$dir"
done 2>&1 | tee -a "$log"

passed=$(grep -c '^ok' "$log")
skipped=$(grep -c '^ok.*# SKIP' "$log")
failed=$(grep -c '^not ok' "$log")
grep '^not ok\|# SKIP' "$log"
if [ "$skipped" = 0 ]; then
	echo "$((passed - skipped)) passed, $failed failed"
else
	echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
