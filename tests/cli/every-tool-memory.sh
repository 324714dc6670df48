# G9: whichever allocation fails, the command ends with 1 and a sentence, by no
# signal, and leaves no final file.
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # name, args are each's; several words
. "$ROOT/tests/every-tool.sh"
tiny 60
starve() {
	[ "$name" = train ] || out=$(to final)
	[ "$name" = train ] && out="-o final"
	has j && out="$out -j 1"
	# Each picture takes the same way; a run is over in milliseconds.
	[ "$name" = extract-img ] && args="$DATA/image/rgba8i.png $DATA/image/progressive.jpg"
	for sticky in "" 1; do
		rm -f final
		rc=0
		said=$(FAILSTICKY=$sticky && if [ -n "$sticky" ]; then export FAILSTICKY; else unset FAILSTICKY; fi
			timeout 120 "$BUILD/tests/helper" oom "$BUILD/tests/malloc_fail.so" final "$name" $args $out) || rc=$?
		case $rc in
		0 | 3) ok "$name without memory ${sticky:+ever after }($said)" ;;
		*) no "$name without memory ${sticky:+ever after}" "$said" ;;
		esac
	done
}
if nm "$BUILD/vecpipe" 2>/dev/null | grep -q __asan_init; then
	skip "commands without memory" "a sanitizer brings its own malloc"
else
	each starve
fi
