# Every command has a row in the table of tests, a page, a line in vecpipe(7),
# and a --help that lists the options its page does.
# shellcheck shell=sh
. "$ROOT/tests/every-tool.sh"
rows >rows.txt

# The options of --help and of a page, one a line, sorted.
in_help() { awk '/^ +-/ { for (i = 1; i <= NF && $i ~ /^-/; i++) { sub(/,$/, "", $i); sub(/\[=.*/, "", $i); print $i } }' | sort -u; }
in_page() { # ".It Fl o , -output Ar file": words after Fl up to the next macro
	sed -n '/^\.Sh DESCRIPTION/,/^\.Sh EX/s/^\.It Fl/Fl/p' "$1" | awk '{
		on = 0
		for (i = 1; i <= NF; i++)
			if ($i == "Fl") on = 1
			else if ($i ~ /^[A-Z][a-z]$/) on = 0
			else if (on && $i != ",") print "-" $i
	}' | sort -u
}
# What every command has stands in vecpipe(7).
common='-[qvVh]|--(quiet|verbose|version|help)'
for option in q v V h -quiet -verbose -version -help; do
	if grep -q "Fl .*$option" "$ROOT/man/vecpipe.7"; then
		ok "vecpipe(7) has -$option"
	else
		no "vecpipe(7) has -$option"
	fi
done
for source in "$ROOT"/cmd/*.c; do
	name=$(basename "$source" .c)
	page=$ROOT/man/$name.1
	run "$name --help" 0 "$name" --help
	cp out help
	is "$name --help is at most 80 wide" "$(awk 'length > 80' help)" ""
	run "$name -h" 0 "$name" -h
	same "$name -h is --help" help out
	run "$name --version" 0 "$name" --version
	run "$name refuses an unknown option" 2 "$name" --no-such-option
	err_has "$name names the unknown option" "'--no-such-option'"
	rc=0
	"$name" --help >/dev/full 2>err || rc=$?
	is "$name --help on a full disk" "$rc" 1
	if [ ! -e "$page" ]; then
		no "$name has a page" "no man/$name.1"
		continue
	fi
	in_help <help | grep -vxE -e "$common" >help.options
	in_page "$page" | grep -vxE -e "$common" >page.options
	if cmp -s help.options page.options; then
		ok "$name's page has the options of --help"
	else
		no "$name's page has the options of --help" "$(diff help.options page.options)"
	fi
	for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS" EXAMPLES "SEE ALSO"; do
		grep -q "^\.Sh $section" "$page" || no "$name's page says $section"
	done
	if grep -q "^\.It Xr $name 1" "$ROOT/man/vecpipe.7"; then
		ok "$name is in vecpipe(7)"
	else
		no "$name is in vecpipe(7)"
	fi
	[ "$name" = vecpipe ] && continue
	if cut -d '|' -f 1 rows.txt | grep -qx "$name"; then
		ok "$name has a row in every-tool.sh"
	else
		no "$name has a row in every-tool.sh"
	fi
	vecpipe --help >verbs
	if grep -q "^  $name " verbs; then ok "vecpipe lists $name"; else no "vecpipe lists $name"; fi
	run "vecpipe $name" 0 vecpipe "$name" --help
	same "vecpipe $name is $name" help out
done
