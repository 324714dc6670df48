#!/bin/sh
# What learning to fuse reaches on the clip art (clipart.sh makes its streams;
# those of an earlier run are kept).  Usage: fusion.sh WORKDIR [WHAT ...]
#
#	folds	accuracy and macro-F1 of each of WAYS, mean of five folds, on
#		ROWS, and the paired test against concat on all records
#	ece	calibration of the same predictions, pooled: in 15 bins of
#		equal mass, beside what a calibrated model stays below: all
#		records, whose series are right or wrong together, and as though
#		they had none
#	splits	SPLITS splits by series, WAY trained on TRAIN % of the
#		records: one modality taken away from half of the test
#		records, against the model of the other one alone, trained on
#		the same records; and the coverage of sets for 95 %
#	time	seconds of train with the default budget, all processors
#	peer	a late-fusion MLP in PyTorch on the same features and folds
#		(PEERS=python3)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
WAYS=${WAYS:-concat late auto}
WAY=${WAY:-auto}
BUDGET=${BUDGET:-}
SPLITS=${SPLITS:-20}
TRAIN=${TRAIN:-40}
PEERS=${PEERS:-python3}
mkdir -p "$1"
work=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- folds ece splits time peer
# Nothing but the streams.
KEEP=1 FUSION='' "$here/clipart.sh" "$work" streams
cd "$work"
# Without pretrained encoders (make models) there are built-in features alone.
if [ -s nets.vp ]; then
	ROWS=${ROWS:-both nets+sparse nets+all} STREAM=${STREAM:-nets} TIMED=nets+sparse
else
	ROWS=${ROWS:-both} STREAM=${STREAM:-both} TIMED=both
fi

folds() {
	# shellcheck disable=SC2086 # words
	KEEP=1 FUSION="$WAYS" "$here/clipart.sh" "$work" $ROWS
	for row in $ROWS; do
		for way in $WAYS; do
			[ "$way" = concat ] && continue
			cat "$row.concat".?.jsonl >a.all
			cat "$row.$way".?.jsonl >b.all
			evaluate -q --summary --scores accuracy,macro_f1,log_loss -f json --vs a.all b.all |
				python3 "$here/fusion.py" paired "$row: $way - concat"
		done
	done
}
ece() {
	for row in $ROWS; do
		for way in $WAYS; do
			for groups in 1 0; do
				cat "$row.$way".?.jsonl |
					python3 "$here/fusion.py" groups $groups |
					evaluate -q --summary --bootstrap 0 \
						--scores ece_mass,ece_limit -f json
			done | python3 "$here/fusion.py" ece "$row $way"
		done
	done
}
# splits: in each split, what the fused model and the single one say of the
# half of the test records that lacks the other modality.
splits() {
	parts=$(vec-info -f json "$STREAM.vp" | python3 "$here/fusion.py" parts)
	rm -f splits.tsv
	for s in $(seq "$SPLITS"); do
		vec-split -q -s "$s" --out "$TRAIN:s-train.vp" "20:s-test.vp" "$((80 - TRAIN)):s-rest.vp" "$STREAM.vp"
		# shellcheck disable=SC2086 # two words or none
		train -q --fusion "$WAY" ${BUDGET:+--budget $BUDGET} -o fused.model s-train.vp
		predict -q --cover 0.95 -m fused.model s-test.vp |
			evaluate -q --summary --bootstrap 0 --scores accuracy,coverage,set_size -f json >cover.json
		python3 "$here/fusion.py" split "$s" all cover.json >>splits.tsv
		for part in $parts; do
			vec-cat --part "$part" s-train.vp | train -q -o single.model
			vec-split -q --shard 1/2 s-test.vp | vec-cat --part "$part" >half.vp
			predict -q -m single.model half.vp >single.jsonl
			predict -q -m fused.model half.vp >fused.jsonl
			for who in single fused; do
				evaluate -q --summary --bootstrap 0 --scores accuracy,macro_f1 -f json "$who.jsonl" >"$who.json"
				python3 "$here/fusion.py" split "$s" "$part-$who" "$who.json" >>splits.tsv
			done
		done
	done
	# shellcheck disable=SC2086
	python3 "$here/fusion.py" splits splits.tsv $parts
}
seconds() {
	vec-split -q --not-ids fold0.ids -o t-train.vp "$TIMED.vp"
	for way in $WAYS; do
		start=$(date +%s.%N)
		train -q --fusion "$way" -o t.model t-train.vp
		echo "$start $(date +%s.%N) $way" | awk '{ printf "train --fusion %-9s %.1f s\n", $3, $2 - $1 }'
	done
}
peer() {
	"$PEERS" -c 'import torch' 2>peer.err || {
		echo "no PyTorch ($PEERS): the peer is left out" >&2
		return 0
	}
	for row in $ROWS; do "$PEERS" "$here/fusion.py" peer "$row"; done
}
for what in "$@"; do
	echo "# $what"
	case $what in
	time) seconds ;;
	folds | ece | splits | peer) $what ;;
	*) echo "fusion.sh: no part '$what'" >&2; exit 2 ;;
	esac
done
