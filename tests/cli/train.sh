# train: tasks, labels, options, what is said and what is refused.
# shellcheck shell=sh

# records N: N records with a dense part, in groups of two; their class is
# where the first number lies, their value the second.
records() {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) {
		x = (i * 7919 % 100) / 100; y = (i * 104729 % 97) / 97
		printf "{\"id\":\"r%d\",\"label\":\"%s\",\"group\":\"g%d\",", i, x < 0.5 ? "low" : "high", i / 2
		printf "\"vec\":{\"v\":[%.4f,%.4f,7]}}\n", x + 0.1 * y, y } }'
}
records 80 >all.jsonl
vec-cat all.jsonl >all.vp

run "classes" 0 train -o a.model all.vp
err_has "says how many" "80 records in 40 groups, 2 classes, 3 columns"
err_has "says how well" "cross-validation, 5 folds: accuracy 0.9"
run "says all trials" 0 train -v -o a.model all.vp
err_has "a trial" "tried lambda 0.01, class weight sqrt: accuracy"
run "quiet" 0 train -q -o b.model all.vp
is "says nothing" "$(cat err)" ""
same "the same again" a.model b.model

sort -R all.jsonl >shuffled.jsonl
run "in another order" 0 train -q -o b.model shuffled.jsonl
same "the same model" a.model b.model
for j in 1 2 4; do
	run "$j threads" 0 train -q -j $j -o b.model all.vp
	same "the same with $j threads" a.model b.model
done
for isa in portable avx2 avx512; do
	VECPIPE_ISA=$isa train -q -o b.model all.vp 2>err
	case $?,$(cat err) in
	0,*) same "the same with $isa" a.model b.model ;;
	*) skip "the same with $isa" "$(cat err)" ;;
	esac
done
run "in Turkish" 0 env LC_ALL=tr_TR.UTF-8 train -q -o b.model all.vp
same "the same in Turkish" a.model b.model
run "another seed" 0 train -q -s 9 -o b.model all.vp
if cmp -s a.model b.model; then no "other folds"; else ok "other folds"; fi

# Labels from a file, in place of the stream's.
sed 's/.*"id":"\([^"]*\)".*"label":"\([^"]*\)".*/\1\t\2!/' all.jsonl | head -n 60 >labels.tsv
run "labels from a file" 0 train -l labels.tsv -o b.model all.vp
err_has "those without are left out" "20 of 80 records left out: no label"
vec-info b.model >info
if grep -q '"high!"' info; then ok "its classes"; else no "its classes" "$(cat info)"; fi
(echo "id	class" && cat labels.tsv) >header.tsv
run "a header" 0 train -q --header -l header.tsv -o c.model all.vp
same "is left out" b.model c.model
printf 'r1\tx\tx y\nr2\tx\nr3\nr4\ty\tz\nr5\ty\nr6\tx\n' >multi.tsv
run "several labels" 0 train --cv 2 -l multi.tsv -o multi.model all.vp
err_has "are multilabel" "6 records in 4 groups, 4 labels"
run "but not when classes are asked for" 1 train --task class -l multi.tsv -o no.model all.vp
err_has "says so" "that is multilabel"

# Numbers.
sed 's/.*"id":"\([^"]*\)".*\[\([0-9.]*\),\([0-9.]*\),.*/\1\t\2/' all.jsonl >numbers.tsv
run "numbers are classes" 0 train --cv off -l numbers.tsv -o no.model all.vp
run "unless they are targets" 0 train --task regress -l numbers.tsv -o number.model all.vp
err_has "R2" "cross-validation, 5 folds: R2 "
echo "r1	much" >>much.tsv
run "a target that is no number" 1 train --task regress -l much.tsv -o no.model all.vp
err_has "is named" "record 'r1': 'much' is not a number"

# Given, not searched.
run "without cross-validation" 0 train --cv off --lambda 0.5 --class-weight none -o b.model all.vp
err_has "what was given" "lambda 0.5, class weight none"
run "a weight" 0 train --cv off --weight v=2 -o b.model all.vp
run "a weight of nothing" 1 train --weight w=2 -o no.model all.vp
err_has "is named" "there is no part 'w'"

# Refusals.
run "no model to write" 2 train all.vp
err_has "is said" "-o FILE"
run "header without labels" 2 train --header -o no.model all.vp
run "a bad lambda" 2 train --lambda banana -o no.model all.vp
run "one fold" 2 train --cv 1 -o no.model all.vp
run "a bad weight" 2 train --weight v -o no.model all.vp
grep low all.jsonl >low.jsonl
run "one class" 1 train -o no.model low.jsonl
err_has "is named" "only one class, 'low'"
vec-head -n 0 all.vp >none.vp
run "no records" 1 train -o no.model none.vp
err_has "is said" "no records"
cat all.jsonl all.jsonl >twice.jsonl
run "an id twice" 1 train -o no.model twice.jsonl
err_has "is named" "id 'r0' came before"
head -c 2000 all.vp >cut.vp
run "a cut stream" 1 train -o no.model cut.vp
err_has "is said" "truncated"
if [ -e no.model ] && [ -n "$(find no.model -newer cut.vp)" ]; then
	no "nothing is written"
else
	ok "nothing is written"
fi

# Errors in records: the model is made, and the status says it.
(cat all.jsonl && echo '{"id":"e","label":"low","vec":{"v":null},"errors":{"v":"cut"}}') >errors.jsonl
run "a record in error" 3 train -o b.model errors.jsonl
err_has "is left out" "1 of 81 records left out: no part is there"
run "that is allowed" 0 train -q --max-errors 1 -o b.model errors.jsonl
(cat all.jsonl && echo '{"id":"m","label":"low","vec":{"v":null}}') >missing.jsonl
run "a record without parts" 0 train -o b.model missing.jsonl
err_has "teaches too" "81 records"
printf '{"id":"a","target":1,"vec":{"v":[1]}}\n{"id":"b","target":2,"vec":{"v":[2]}}\n' >targets.jsonl
run "targets alone" 1 train -o no.model targets.jsonl
err_has "are no labels" "2 of 2 records left out: no label, but targets (--task regress)"
