# examples/clinic runs from a fresh folder to its report, and the report finds
# what the rules of its data say: the interaction, the gate, the shares.
# shellcheck shell=sh
run "the clinic" 0 make -s -C "$ROOT/examples/clinic" O="$PWD/o" BIN="$BUILD"
grep '^yes \|^NO ' out >checks
while read -r yes what; do
	if [ "$yes" = yes ]; then ok "$what"; else no "$what" "$(cat out)"; fi
done <checks
# The gain without it is chance: what tells something is not dropped for that.
for method in mlp gated lowrank; do
	is "$method reads the voice" \
		"$(vec-info "o/$method.model" | grep -c ': net .*"voice"')" 1
done
is "all were checked" "$(wc -l <checks | tr -d ' ')" 8
run "nothing to do again" 0 make -q -C "$ROOT/examples/clinic" O="$PWD/o" BIN="$BUILD" "$PWD/o/report.txt"
head -n 1 "$ROOT/examples/clinic/make-data.py" >first
sed -n 2p "$ROOT/examples/clinic/make-data.py" >>first
if grep -q Synthetic first; then ok "its data say what they are"; else no "its data say what they are"; fi
