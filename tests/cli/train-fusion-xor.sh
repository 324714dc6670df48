# The class is whether two parts agree: each alone says nothing, nor does their
# sum, and the methods with an interaction find it.
# shellcheck shell=sh
make_xor() { awk -v kind=xor -v n="$1" -v from="$2" -v seed="$2" -f "$ROOT/tests/synthetic.awk" | vec-cat; }
make_xor 600 0 >train.vp
make_xor 400 600 >test.vp

accuracy() { # accuracy MODEL
	predict -q -m "$1" test.vp | evaluate -q -f json --bootstrap 0 --scores accuracy |
		sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p'
}
within() { # within NAME LOW X HIGH
	if awk "BEGIN { exit !($2 <= $3 && $3 <= $4) }"; then ok "$1 ($3)"; else no "$1" "$3 is not in $2 .. $4"; fi
}
for method in concat late; do
	run "$method learns" 0 train -q --fusion $method -o x.model train.vp
	within "$method is at chance" 0.4 "$(accuracy x.model)" 0.6
done
for method in mlp gated lowrank tensor bilinear attention; do
	run "$method learns" 0 train -q --fusion $method -o x.model train.vp
	within "$method finds the interaction" 0.98 "$(accuracy x.model)" 1
	run "$method is sound" 0 vec-info -q --check x.model
done
run "auto learns" 0 train -q --fusion auto --budget 8 -o x.model train.vp
within "auto finds it too" 0.98 "$(accuracy x.model)" 1

# Numbers: a product and a sum.
awk -v kind=numbers -v n=600 -f "$ROOT/tests/synthetic.awk" | vec-cat >train-n.vp
awk -v kind=numbers -v n=400 -v from=600 -v seed=600 -f "$ROOT/tests/synthetic.awk" | vec-cat >test-n.vp
r2() {
	predict -q -m "$1" test-n.vp | evaluate -q -f json --bootstrap 0 --scores r2 |
		sed -n 's/.*"r2":\([0-9.]*\).*/\1/p'
}
run "concat of numbers" 0 train -q --task regress --fusion concat -o x.model train-n.vp
within "concat has the sum" 0.5 "$(r2 x.model)" 0.8
for method in mlp gated lowrank tensor; do
	run "$method of numbers" 0 train -q --task regress --fusion $method -o x.model train-n.vp
	within "$method has the product" 0.9 "$(r2 x.model)" 1
done
