# shellcheck shell=sh
# embed-text: the same bytes for any number of threads, instruction set and
# locale.

i=0
while [ $i -lt 700 ]; do
	printf 'line %d of a text with W%drds, Kr\303\244uter, \346\226\207\345\255\227 and I\n' $i $i
	i=$((i + 1))
done >lines
for kind in "" --sparse; do
	embed-text -q -j 1 $kind --lines --id-from line lines >one
	for j in 2 4; do
		embed-text -q -j $j $kind --lines --id-from line lines >other
		same "$j threads $kind" one other
	done
	for isa in portable avx2 avx512; do
		if VECPIPE_ISA=$isa embed-text -q $kind --lines --id-from line lines >other 2>err; then
			same "$isa $kind" one other
		else
			skip "$isa $kind" "not on this machine"
		fi
	done
	LC_ALL=tr_TR.UTF-8 embed-text -q $kind --lines --id-from line lines >other
	same "Turkish $kind" one other
	embed-text -q $kind --lines --id-from line --shard 1/2 lines >s1
	embed-text -q $kind --lines --id-from line --shard 2/2 lines >s2
	is "shards are the whole $kind" \
		"$(cat s1 s2 | vec-convert -f jsonl 2>/dev/null | sort | cksum)" \
		"$(vec-convert -f jsonl one 2>/dev/null | sort | cksum)"
	# Of unchanged texts the old vectors are taken.
	embed-text -q $kind --lines --id-from line --reuse one lines >other
	same "--reuse $kind" one other
done
