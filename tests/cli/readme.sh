# Every block of the README marked sh runs, in order, in a copy of the
# example's folder.
# shellcheck shell=sh
cp -r "$ROOT"/examples/clipart/. .
awk '/^```sh$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print > ("block" n ".sh") }' "$ROOT/README.md"
for block in block*.sh; do
	[ -e "$block" ] || { no "README blocks" "there are none"; break; }
	run "README $block" 0 sh -eu "$block"
done
