# Labels of which every fifth is by chance: the model says how many, and its
# probabilities are those that can be had, 0.9 for either class.
# shellcheck shell=sh
make_chance() {
	awk -v n="$1" -v seed="$2" 'function noise() { s = (s * 16807) % 2147483647; return s / 2147483647 }
	BEGIN { s = 1000 + seed; for (i = 0; i < n; i++) {
		y = noise() < 0.5; x = (y ? 1 : -1) * (1 + noise())
		if (noise() < 0.2) y = noise() < 0.5
		printf "{\"id\":\"s%d-%d\",\"label\":\"%s\",\"vec\":{\"a\":[%.4f,%.4f,%.4f]}}\n", seed, i, y ? "x" : "y", x, noise(), noise() } }' | vec-cat
}
make_chance 1000 1 >train.vp
make_chance 2000 2 >test.vp
run "labels by chance" 0 train -q -o x.model train.vp
run "the model" 0 vec-info x.model
share=$(sed -n 's/.*; \([0-9.]*\) % by chance.*/\1/p' out | head -n 1)
is "says how many there are" "$(echo "${share:-0}" | awk '{ print ($1 > 13 && $1 < 27) }')" 1
predict -q -m x.model test.vp >p.jsonl
# The loss of who knows: -(0.9 log 0.9 + 0.1 log 0.1) = 0.3251.
loss=$(evaluate -q --summary --bootstrap 0 --scores log_loss -f json p.jsonl | sed -n 's/.*"log_loss":\([0-9.]*\).*/\1/p')
is "loses what cannot be known" "$(echo "$loss" | awk '{ print ($1 < 0.3251 + 0.03) }')" 1
is "and is as sure as that" "$(sed 's/.*"p":\([0-9.]*\).*/\1/' p.jsonl | awk '{ if ($1 > 0.94) n++ } END { print n + 0 }')" 0
run "off balance" 0 train -q --logit-adjust 1 -o y.model train.vp
vec-info y.model >out
is "there is no chance" "$(grep -c 'by chance' out)" 0
