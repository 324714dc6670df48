# train --checkpoint: killed at any moment, a training goes on to the bytes that
# it would have come to; and only the same training goes on.
# shellcheck shell=sh

# records N: two parts, one in five records lacks one; the class is where the
# first numbers of both lie, with some noise.
records() {
	awk -v n="$1" 'BEGIN { srand(7); for (i = 0; i < n; i++) {
		x = rand(); y = rand(); l = (x > 0.5) != (y > 0.5); if (rand() < 0.1) l = !l
		a = b = ""; for (k = 0; k < 12; k++) { a = a "," int(1e4 * rand()) / 1e4; b = b "," int(1e4 * rand()) / 1e4 }
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"vec\":{", i, l ? "odd" : "even"
		printf "\"mlp\":%s,", i % 10 == 3 ? "null" : "[" x a "]"
		printf "\"concat\":%s}}\n", i % 10 == 7 ? "null" : "[" y b "]" } }'
}
records "${RECORDS:-240}" | vec-cat >all.vp
records 241 | vec-cat >more.vp
now() { date +%s%N; }
# moment MS: seconds, at random below MS milliseconds.
moment() { od -An -N4 -tu4 /dev/urandom | awk -v ms="$1" '{ printf "%.3f", 0.005 + $1 / 4294967296 * ms / 1000 }'; }

for method in concat late mlp auto; do
	set -- train -q -j 2 --fusion "$method"
	case $method in mlp) set -- "$@" --epochs 12 ;; auto) set -- "$@" --budget 3 ;; esac
	start=$(now)
	run "$method without a checkpoint" 0 "$@" -o want.model all.vp
	took=$((($(now) - start) / 1000000))
	run "$method with one" 0 "$@" --checkpoint c -o got.model all.vp
	same "$method: the same model" want.model got.model
	if [ -e c ]; then no "$method: a finished training removes it"; else ok "$method: a finished training removes it"; fi

	# Killed again and again, each time with all that was done before.
	kills=0 unsound=0 half=0 other=0
	for round in 1 2 3; do
		rm -f got.model c
		for _ in 1 2 3 4 5 6; do
			rc=0
			timeout -s KILL "$(moment "$took")" "$@" --checkpoint c -o got.model all.vp >out 2>err || rc=$?
			[ $rc = 137 ] || break
			kills=$((kills + 1))
			[ ! -e got.model ] || cmp -s want.model got.model || half=$((half + 1))
			[ ! -e c ] || vec-info c >info 2>&1 || unsound=$((unsound + 1))
		done
		[ "$rc" = 0 ] || "$@" --checkpoint c -o got.model all.vp 2>err || no "$method: round $round ends" "$(cat err)"
		cmp -s want.model got.model || other=$((other + 1))
	done
	is "$method: killed $kills times, the same model each time" $other 0
	is "$method: never half a model" $half 0
	is "$method: never half a checkpoint" $unsound 0
	if [ -e c ]; then no "$method: no checkpoint is left"; else ok "$method: no checkpoint is left"; fi
	rm -f .vecpipe-*.tmp
done

# It goes on, and does not begin anew: in pieces too short for the whole it comes
# to its end.
set -- train -q -j 1 --fusion mlp --epochs 2400 --cv 2
start=$(now)
run "a longer training" 0 "$@" -o want.model all.vp
piece=$(awk -v ns=$(($(now) - start)) 'BEGIN { printf "%.3f", 0.4 * ns / 1e9 }')
rm -f got.model c
pieces=0 rc=137
while [ $rc = 137 ] && [ $pieces -lt 60 ]; do
	rc=0 pieces=$((pieces + 1))
	timeout -s KILL "$piece" "$@" --checkpoint c -o got.model all.vp >out 2>err || rc=$?
done
is "in $pieces pieces" $rc 0
same "comes to the same model" want.model got.model
rm -f .vecpipe-*.tmp

# A net that was stopped: what is kept is used, whatever the threads and the
# instruction set.
mlp="train --fusion mlp --epochs 2400 --cv 2"
# shellcheck disable=SC2086 # several words
stop_at() { # stop_at SIGNAL: after the first results are kept
	rm -f c
	for seconds in 0.7 1.5 3 6 12 25; do
		timeout -s "$1" $seconds $mlp -q --checkpoint c -o got.model all.vp >out 2>err
		rc=$?
		[ -e c ] && [ "$(vec-info c 2>&1 | grep -c 'state\|fit')" != 0 ] && return
		[ $rc != 0 ] || return
	done
}
rm -f got.model
for signal in INT TERM; do
	stop_at $signal
	if [ "$rc" = 124 ]; then ok "stopped by $signal"; else no "stopped by $signal" "exit $rc: $(cat err)"; fi
	if [ -e got.model ]; then no "no model yet"; else ok "no model yet"; fi
	is "no half file" "$(find . -name '.vecpipe-*' | wc -l)" 0
	run "the checkpoint is sound" 0 vec-info c
done
cp c kept
# refused NAME COMMAND...: exit 1, a sentence with the file's name, and the file
# as it was.
refused() {
	refused_name=$1
	shift
	run "$refused_name" 1 "$@" -q --checkpoint c -o got.model
	err_has "says what to do" "remove it to start anew"
	same "the checkpoint is untouched" c kept
}
# shellcheck disable=SC2086
{
	refused "another seed is refused" $mlp -s 1 all.vp
	refused "another method" train --fusion gated --epochs 2400 --cv 2 all.vp
	refused "other epochs" train --fusion mlp --epochs 2401 --cv 2 all.vp
	refused "other folds" train --fusion mlp --epochs 2400 --cv 3 all.vp
	refused "one record more" $mlp more.vp
	vec-cat -f jsonl all.vp | sed '7s/0\.1/0.2/' | vec-cat >touched.vp
	refused "one number changed" $mlp touched.vp
	vec-cat -f jsonl all.vp | sed '7s/even/x/;7s/odd/even/;7s/x/odd/' | vec-cat >touched.vp
	refused "one label changed" $mlp touched.vp
	head -c 2000 kept >c
	run "a cut checkpoint is refused" 1 $mlp -q --checkpoint c -o got.model all.vp
	err_has "by name" "'c'"
	cp want.model c
	run "a model is no checkpoint" 1 $mlp -q --checkpoint c -o got.model all.vp
	err_has "says so" "not a checkpoint"
	same "and stays" want.model c
	run "a checkpoint that cannot be written" 1 $mlp -q --checkpoint none/c -o got.model all.vp
	err_has "is told before the work" "'none/c'"
	run "a checkpoint of the model's name" 2 $mlp -q --checkpoint c -o c all.vp
	run "or by another way there" 0 train -q --cv off --checkpoint ./d -o d all.vp
	run "leaves the model" 0 vec-info d
	cp kept c
	vec-cat -f jsonl all.vp | sort -R | vec-cat >shuffled.vp
	VECPIPE_ISA=portable run "another order, other threads and kernels go on" 0 \
		$mlp -q -j 1 --checkpoint c -o got.model shuffled.vp
}
same "to the same bytes" want.model got.model
