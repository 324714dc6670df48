#!/bin/sh
# The whole pipeline on 590 real pictures with titles: text alone, pictures
# alone, both; and with the vectors of pretrained networks, where models/ has
# them.  Prints each command before it runs.  Usage: demo.sh WORKDIR
set -eu
data=$(cd "$(dirname "$0")" && pwd)
models=${MODELS:-$data/../../models}
mkdir -p "$1"
cd "$1"
ln -sfn "$data/img" img
cp "$data/items.jsonl" "$data/labels.tsv" .

say() { printf '\n# %s\n' "$*"; }
run() {
	printf '$ %s\n' "$1"
	sh -c "$1"
}

say "590 records, each with a title, a picture and a label:"
run "head -n 2 items.jsonl"

say "Turn titles and pictures into vectors, join them by id, split by series:"
run "embed-text  --text title --id id --group series --sparse items.jsonl > text.vp"
run "extract-img --file image --id id --group series items.jsonl > image.vp"
run "fuse text.vp image.vp | vec-split --out 75:train.vp 25:test.vp"
run "vec-info train.vp"

say "Learn from the titles alone, from the pictures alone, and from both:"
for part in text image both; do
	if [ $part = both ]; then
		train="train.vp" test="test.vp"
	else
		run "vec-cat --part $part train.vp > train-$part.vp"
		run "vec-cat --part $part test.vp > test-$part.vp"
		train=train-$part.vp test=test-$part.vp
	fi
	run "train -q -l labels.tsv -o $part.model $train"
	run "predict -m $part.model $test > $part.jsonl"
done

say "How well does each do on records that training never saw?"
for part in text image both; do
	run "evaluate -l labels.tsv --summary $part.jsonl"
done

say "Is the join better than the titles alone?  The same records, paired:"
run "evaluate -l labels.tsv --summary --vs text.jsonl both.jsonl"

best=both.model test=test.vp
if [ -d "$models/minilm" ] && [ -d "$models/efficientnet-lite0" ]; then
	ln -sfn "$(cd "$models" && pwd)" models
	say "The same with networks that others trained on millions of sentences and pictures:"
	run "embed-text  -m models/minilm --text title --id id --group series items.jsonl > sentence.vp"
	run "extract-img -m models/efficientnet-lite0 --file image --id id --group series items.jsonl > network.vp"
	run "fuse text=sentence.vp image=network.vp words=text.vp | vec-split --out 75:train-nets.vp 25:test-nets.vp"
	run "train -q -l labels.tsv -o nets.model train-nets.vp"
	run "predict -m nets.model test-nets.vp > nets.jsonl"
	run "evaluate -l labels.tsv --summary --vs both.jsonl nets.jsonl"
	best=nets.model test=test-nets.vp
else
	say "Without pretrained networks: 'make models' fetches them."
fi

say "Some predictions:"
run "predict -m $best -k 2 $test | head -n 4"
