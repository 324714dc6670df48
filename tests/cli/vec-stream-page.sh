# The drawing in lib/vec/stream.h and the one in vecpipe-stream(5) are the same
# lines.  (tests/data/stream holds the bytes of a second implementation, which
# check_stream compares.)
# shellcheck shell=sh
tab=$(printf '\t')
sed -n "/ \* The binary stream/,/\*\//s/^ \*$tab//p" "$ROOT/lib/vec/stream.h" |
	sort >header
sed -n '/^\.Ss JSON Lines/q;/^\.Ss Hash/,/^\.Ss/d;/^\.Bd -literal/,/^\.Ed/p' \
	"$ROOT/man/vecpipe-stream.5" | grep -v '^\.' | sort >page
is "the drawing is found" "$(grep -c 'CRC-32C of bytes 0..59' header)" 2
same "header and page draw one format" header page
