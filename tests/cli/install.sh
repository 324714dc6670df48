# make install and uninstall, with other names for the commands.
# shellcheck shell=sh
make_() { make -s -C "$ROOT" BUILD="$BUILD" DESTDIR="$PWD/root" PREFIX=/usr PROGPREFIX=vp- "$@" MAKEFLAGS=; }
run "make install" 0 make_ install
bin=$PWD/root/usr/bin
run "vecpipe finds the renamed commands" 0 env PATH=/usr/bin:/bin "$bin/vecpipe" vec-head --version
out_has "and runs them" "vec-head (vecpipe)"
run "the renamed vecpipe too" 0 env PATH=/usr/bin:/bin "$bin/vp-vecpipe" --help
out_has "and lists them" "  vec-head "
run "one of them by itself" 2 "$bin/vp-fuse" --no-such-option
err_has "calls itself by the plain name" "fuse: unknown option"
count=$(find "$ROOT"/cmd -name '*.c' | wc -l)
share=$PWD/root/usr/share
is "a page for each" "$(find "$share/man/man1" -type f | wc -l)" "$count"
is "completions for each" "$(find "$share/bash-completion/completions" -type f | wc -l)" "$count"
if command -v bash >/dev/null; then
	# shellcheck disable=SC2016 # the inner shell expands
	run "bash reads them" 0 bash -c 'for f in "$0"/*; do . "$f" || exit 1; done; complete -p vp-fuse' \
		"$share/bash-completion/completions"
	out_has "with the options" "--join"
else
	skip "bash reads them" "no bash"
fi
export PKG_CONFIG_PATH="$PWD/root/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$PWD/root"
run "pkg-config knows the version" 0 pkg-config --modversion vecpipe
version=$(cat out)
run "which is the commands'" 0 "$bin/vp-fuse" --version
out_is "which is the commands'" "fuse (vecpipe) $version"
run "make uninstall" 0 make_ uninstall
is "leaves nothing" "$(find root ! -type d)" ""
