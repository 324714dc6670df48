#!/bin/sh
# How long each command takes to start: milliseconds of --help, the fastest of
# 50 runs and the median.  The goal is 3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
helper=$(dirname "$(command -v vecpipe)")/tests/helper
make -s -C "$here/../.." BUILD="$(dirname "$(dirname "$helper")")" "$helper"
printf '%-12s %8s %8s\n' command fastest median
for source in "$here"/../../cmd/*.c; do
	name=$(basename "$source" .c)
	# shellcheck disable=SC2046,SC2183 # two words
	printf '%-12s %8s %8s\n' "$name" $("$helper" start 50 "$name" --help)
done
