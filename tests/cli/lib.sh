# Sourced by every tests/cli/*.sh.  The commands are on PATH, the working
# folder is an empty scratch folder, $DATA is tests/data, $ROOT the checkout.
# Each function prints one TAP line.
# shellcheck shell=sh

# ok NAME: the test passed.  no NAME REASON: it failed.
ok() { echo "ok - $1"; }
no() {
	echo "not ok - $1"
	printf '%s\n' "${2:-}" | sed 's/^/#   /' | head -20
}
# skip NAME REASON: said out loud, counted apart.
skip() { echo "ok - $1 # SKIP $2"; }

# run NAME STATUS COMMAND...: run it with its output in ./out and its messages
# in ./err; passes when the exit status is STATUS.
run() {
	run_name=$1 run_want=$2
	shift 2
	rc=0
	"$@" >out 2>err || rc=$?
	if [ "$rc" = "$run_want" ]; then
		ok "$run_name"
	else
		no "$run_name" "exit $rc, not $run_want: $(cat err)"
	fi
}
# err_has NAME TEXT: ./err of the last run holds TEXT.  out_has: ./out.
err_has() { if grep -qF -e "$2" err; then ok "$1"; else no "$1" "no '$2' in: $(cat err)"; fi; }
out_has() { if grep -qF -e "$2" out; then ok "$1"; else no "$1" "no '$2' in: $(head -c 2000 out)"; fi; }
# out_is NAME TEXT: ./out is exactly TEXT and a newline.
out_is() { if [ "$(cat out)" = "$2" ]; then ok "$1"; else no "$1" "$(head -c 2000 out)"; fi; }
# same NAME A B: two files have equal bytes.
same() { if cmp -s "$2" "$3"; then ok "$1"; else no "$1" "$(cmp "$2" "$3" 2>&1)"; fi; }
# is NAME A B: two words are equal.
is() { if [ "$2" = "$3" ]; then ok "$1"; else no "$1" "'$2' is not '$3'"; fi; }
# gain SCORE: by how much it is better, from evaluate --vs in JSON in ./out.
# gain_p SCORE: the p-value of that.
gain() { sed -n "s/.*\"difference\":{\"$1\":\([-0-9.e]*\).*/\1/p" out; }
gain_p() { sed -n "s/.*\"difference\":.*\"p\":{\"$1\":\([-0-9.e]*\).*/\1/p" out; }
