# shellcheck shell=sh
# extract-img: the same bytes for any threads, instruction set, locale and
# order of the directory.
cp -r "$DATA/image" d
extract-img -q -j 1 --features all -o want.vp d 2>err || [ $? = 3 ]
for j in 2 4; do
	extract-img -q -j $j --features all -o got.vp d 2>err || [ $? = 3 ]
	same "$j threads" got.vp want.vp
done
for isa in portable avx2 avx512; do
	if VECPIPE_ISA=$isa extract-img --features all -o got.vp d 2>err || [ $? = 3 ]; then
		same "$isa" got.vp want.vp
	else
		skip "$isa" "not on this machine"
	fi
done
for l in tr_TR.UTF-8 de_DE.UTF-8 C; do
	LC_ALL=$l extract-img -q --features all -o got.vp d 2>err || [ $? = 3 ]
	same "locale $l" got.vp want.vp
done
# Made in another order, which most file systems keep.
mkdir e
(cd d && find . -type f | sort -r) | while IFS= read -r f; do cp "d/$f" "e/$f"; done
extract-img -q --features all -o got.vp e 2>err || [ $? = 3 ]
same "another order of the folder" got.vp want.vp
