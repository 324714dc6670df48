# G8: reads and writes that are interrupted or come in parts change nothing.
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086,SC2119 # name, args are each's; several words
. "$ROOT/tests/every-tool.sh"
tiny 14
interrupt() {
	has m && return
	tool >plain 2>err || true
	# The dynamic linker's own reads of libraries are not ours to repeat.
	loader=$(strace -e trace=read "$name" --version 2>&1 | grep -c '^read(')
	for call in read write; do
		first=1
		[ $call = write ] || first=$((loader + 1))
		strace -f -o /dev/null -e trace=$call -e inject=$call:error=EINTR:when=$first+2 \
			"$name" $args >disturbed 2>err || true
		same "$name with every other $call interrupted" plain disturbed
	done
	# Input byte by byte and in odd pieces.
	tool_stdin >plain 2>err || true
	{ dd if="$stdin_file" bs=777 2>dd.err | "$name" $stdin_args >disturbed 2>err; } || true
	same "$name with input in pieces" plain disturbed
}
if strace -o /dev/null -e trace=read -e inject=read:error=EINTR:when=9999 true 2>/dev/null; then
	each interrupt
else
	skip "interrupted calls" "no strace that may trace"
fi
