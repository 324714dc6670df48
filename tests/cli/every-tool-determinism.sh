# The same input and options give the same bytes: for any number of threads,
# instruction set, locale, time zone and order of a directory (G14).
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2086 # name, args are each's; several words
. "$ROOT/tests/every-tool.sh"
tiny 14

# again WHAT COMMAND...: the row's output once more, with something changed.
again() {
	what=$1
	shift
	if has p; then
		"$@" "$name" $args >second 2>err || true
	else
		"$@" "$name" $args -o second >out 2>err || true
	fi
	same "$name with $what" first second
}
compare() {
	if has p; then tool >first 2>err || true; else tool -o first >out 2>err || true; fi
	if [ ! -s first ]; then
		no "$name gives something to compare" "$(cat err)"
		return
	fi
	if has j; then
		plain=$args
		for j in 1 2 4; do
			args="$plain -j $j"
			again "-j $j" env
		done
		args=$plain
	fi
	again "portable kernels" env VECPIPE_ISA=portable
	for isa in avx2 avx512f; do
		if grep -qw $isa /proc/cpuinfo 2>/dev/null; then
			again "$isa" env VECPIPE_ISA=${isa%f}
		else
			skip "$name with $isa" "this processor has none"
		fi
	done
	for locale in tr_TR.UTF-8 de_DE.UTF-8; do
		if locale -a 2>/dev/null | grep -qi "^${locale%.*}.utf-\?8$"; then
			again $locale env LC_ALL=$locale LANG=$locale
		else
			skip "$name with $locale" "not installed"
		fi
	done
	again "another time zone" env TZ=Asia/Kathmandu
}
each compare

# A folder whose entries were made in another order.
mkdir again
sort -r names | while read -r file; do
	mkdir -p "again/$(dirname "$file")"
	cp "$file" "again/$file"
done
folder() {
	case $name in extract-img | img-meta) ;; *) return ;; esac
	"$name" -o first img >out 2>err || true
	(cd again && "$name" -o ../second img >../out 2>../err) || true
	same "$name with a folder in another order" first second
	[ "$name" = img-meta ] && return # says where each file is
	"$name" -o second "$PWD/again/img/" >out 2>err || true
	same "$name with a folder elsewhere" first second
}
each folder
