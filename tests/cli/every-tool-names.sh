# Odd names, and what is no file (FAULTS: G11, G12, G13).
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086,SC2119 # name is each's; several words
. "$ROOT/tests/every-tool.sh"
tiny 14
picture=$(head -1 names)
long=$(printf '%0250d' 7).png
mkdir odd
for file in "$(printf 'a\nb.png')" '-x.png' "$(printf 'e\033[1mf.png')" "$(printf 'bad\377.png')" \
	'a b.png' "$long" "back\\slash.png" "'quote'.png"; do
	cp "$picture" "odd/$file"
done
(cd odd && find . -type f -print0 | sort -z) >odd.list
count=$(tr -dc '\0' <odd.list | wc -c)

odd_names() {
	case $name in
	img-meta) format= ;;
	extract-img | embed-text) format="-f jsonl" ;;
	*) return ;;
	esac
	run "$name takes odd names" 0 "$name" $format --files0-from odd.list --base odd
	is "$name writes a line for each odd name" "$(wc -l <out)" "$count"
	is "$name writes no control characters" "$(tr -d '\n' <out | tr -dc '\000-\037\177' | wc -c)" 0
	mv out listed
	# The bytes of the name come back from the id.
	if command -v jq >/dev/null && command -v python3 >/dev/null; then
		jq -r .id listed | python3 -c '
import re, sys
for line in sys.stdin.buffer.read().splitlines():
    sys.stdout.buffer.write(re.sub(rb"\\(x[0-9a-f]{2}|\\)", lambda m:
        b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), line) + b"\0")' >back
		same "$name gives the names back" odd.list back
	else
		skip "$name gives the names back" "needs jq and python3"
	fi
	rc=0
	"$name" $format -0 --base odd <odd.list >out 2>err || rc=$?
	is "$name takes -0" "$rc" 0
	same "$name -0 is --files0-from -" listed out
	# G11: a directory in a list is one record in error.
	printf 'odd\n' >list
	run "$name refuses a directory in a list" 3 "$name" $format --files-from list
	out_has "$name says it is a directory" "Is a directory"
	# G12: nor does it wait for a FIFO or read a device.
	mkfifo fifo
	printf 'fifo\n/dev/zero\n' >list
	run "$name refuses FIFOs and devices" 3 timeout 5 "$name" $format --files-from list
	is "$name says so of each" "$(grep -c 'not a regular file' out)" 2
	rm fifo
	# G13: an empty name has no id.
	printf '\0' >list
	run "$name rejects an empty name" 3 "$name" $format --files0-from list
	err_has "$name says where it stands" "line 1: empty name"
}
each odd_names

# For commands that read streams.
no_stream() {
	case $name in img-meta | extract-img | embed-text) return ;; esac
	input=${args##* } before=${args%"${args##* }"}
	has m && before="-o x $before"
	mkdir -p folder
	run "$name refuses a directory" 1 "$name" $before folder
	# vec-info also takes the folder of a model.
	[ "$name" = vec-info ] || err_has "$name says it is a directory" "Is a directory"
	mkfifo fifo
	run "$name does not wait for a FIFO" 1 timeout 5 "$name" $before fifo
	err_has "$name says it is no regular file" "not a regular file"
	rm fifo
	# But descriptors that the shell opened are read, as for <(command).
	case $name in train | vec-info | vec-diff) return ;; esac
	tool >plain 2>err || true
	"$name" $before /dev/fd/0 <"$input" >through 2>err || true
	same "$name reads /dev/fd/N" plain through
}
each no_stream
