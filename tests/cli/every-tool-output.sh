# What every command owes its output: full disks, closed descriptors, slow and
# broken pipes, limits, devices, links and modes (FAULTS: G1-G5, G7, G10, G15).
# shellcheck shell=sh
# shellcheck disable=SC2046,SC2086,SC2119,SC2154 # $(to ...) is two words; name is each's
. "$ROOT/tests/every-tool.sh"
tiny 14

# G1: a full disk is an error, with a sentence.
full() {
	rc=0
	if has m; then
		tool -o /dev/full >out 2>err || rc=$?
	else
		tool >/dev/full 2>err || rc=$?
	fi
	is "$name says no on a full disk" "$rc" 1
	err_has "$name names the full disk" "write error: No space left on device"
}
each full

# G2: and soon, though the input never ends.
endless() {
	case $name in
	embed-text | extract-img) feed='while cat items.jsonl; do :; done' ;;
	img-meta) feed='while cat names; do :; done' ;;
	train | suspect | vec-info | vec-diff) return ;; # read all before they write
	*) feed="while cat $stdin_file; do :; done" ;;
	esac
	{
		sh -c "$feed" 2>/dev/null |
			{ rc=0; timeout 10 "$name" $stdin_args >/dev/full 2>err || rc=$?; echo $rc >rc; }
	}
	is "$name gives up endless input on a full disk" "$(cat rc)" 1
}
each endless

# G3: nothing of the messages or data goes into a file that took descriptor 1.
closed_out() {
	rc=0
	if has p; then
		tool >&- 2>err || rc=$?
		is "$name says no to a closed output" "$rc" 1
		err_has "$name names the closed output" "Bad file descriptor"
		return
	fi
	tool -o plain >out 2>err || true
	tool -o closed >&- 2>err || true
	same "$name writes -o whole with output closed" plain closed
	tool -o closed2 2>&- >out || true
	same "$name writes -o whole with messages closed" plain closed2
	has m && return
	rc=0
	tool >&- 2>err || rc=$?
	is "$name says no to a closed output" "$rc" 1
}
each closed_out

# G4: a closed input is not some file that took its place.
closed_in() {
	rc=0
	"$name" $stdin_args $(to x) <&- >out 2>err || rc=$?
	is "$name says no to a closed input" "$rc" 1
	err_has "$name names the closed input" "Bad file descriptor"
}
each closed_in

# G5: a slow reader of a non-blocking pipe gets every byte.
slow() {
	has m && return
	tool >plain 2>err || true
	"$BUILD/tests/helper" nonblock "$name" $args >slowly 2>err || true
	same "$name waits for a slow reader" plain slowly
}
each slow

# G7: with SIGPIPE ignored, one message and no endless loop.
broken() {
	has m && return
	# shellcheck disable=SC2016 # the inner shell expands
	timeout 20 sh -c 'trap "" PIPE; sleep 0.1; rc=0; "$@" 2>err || rc=$?; echo $rc >rc' \
		- "$name" $args | :
	sleep 0.1
	n=0
	while [ ! -s rc ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
	is "$name ends on a broken pipe" "$(cat rc)" 1
	is "$name says so once" "$(grep -c 'Broken pipe' err)" 1
	rm -f rc
}
each broken

# G10: a limit on file size is an error, and leaves nothing behind.
limit() {
	has p && return
	rc=0
	mkdir -p lim
	(ulimit -f 0 && tool -o lim/x >/dev/null 2>/dev/null) || rc=$?
	is "$name says no at a limit" "$rc" 1
	is "$name leaves no file at a limit" "$(ls -A lim)" ""
	rm -rf lim
}
each limit

# G15: devices and FIFOs are written, links are kept, modes are the umask's.
places() {
	has p && return
	tool -o plain >out 2>err || true
	rc=0
	tool -o /dev/null >out 2>err || rc=$?
	ends "$name writes to /dev/null" "0 3" "$rc"
	if [ -c /dev/null ]; then ok "$name leaves /dev/null a device"; else no "$name leaves /dev/null a device"; fi
	mkfifo fifo
	timeout 10 cat fifo >through &
	tool -o fifo >out 2>err || true
	wait
	same "$name writes to a FIFO" plain through
	rm fifo
	echo old >target
	ln -s target link
	tool -o link >out 2>err || true
	if [ -L link ]; then ok "$name keeps a link"; else no "$name keeps a link"; fi
	same "$name replaces a link's target" plain target
	rm link target
	(umask 027 && tool -o mode >out 2>err) || true
	is "$name leaves the mode to the umask" "$(stat -c %a mode)" 640
	rm mode
	rc=0
	tool -o none/x >out 2>err || rc=$?
	is "$name says no to a folder that is not there" "$rc" 1
	is "$name leaves no temporary file" "$(find . -name '.vecpipe-*')" ""
}
each places
