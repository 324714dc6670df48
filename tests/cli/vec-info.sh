# What vec-info says of streams and models, and how it ends.
# shellcheck shell=sh
cat >in.jsonl <<'EOF'
{"id":"a","label":"x","group":"g","vec":{"t":[1,2,3],"w":{"dim":9,"idx":[1,8],"val":[1,2]}}}
{"id":"b","labels":["x","y\u001b[1m"],"target":2.5,"vec":{"t":null,"w":null},"errors":{"t":"no\nway"}}
{"id":"c","flags":["cut"],"vec":{"t":[0,0,0],"w":null}}
EOF
run "a stream is described" 0 vec-info in.jsonl
out_has "records" "in.jsonl: 3 records, 1 with errors, ok"
out_has "a dense part" "  t: dense, dim 3, 2 present, 1 in error"
out_has "a sparse part" "  w: sparse, dim 9, 1 present, 2 missing, 2.0 pairs each"
out_has "the first error, escaped" "first error: 'b': no\\x0away"
out_has "labels, escaped" "labels: 2 of 3, 1 with more than one; 2 different: x 2, y\\x1b[1m 1"
out_has "targets" "targets: 1 of 3, from 2.5 to 2.5"
out_has "groups" "groups: 1 of 3; 1 different"
out_has "flags" "flagged cut: 1"

run "JSON is one line an operand" 0 vec-info -f json in.jsonl in.jsonl
is "two lines" "$(wc -l <out | tr -d ' ')" 2
if command -v jq >/dev/null; then
	is "and says the same" "$(jq -c '[.records,.errors,.labels.x,.parts[0].present,.flags.cut]' out | sort -u)" '[3,1,2,2,1]'
fi

run "standard input" 0 vec-info -f json <in.jsonl
out_has "its name" '"name":"<stdin>"'
run "sound" 0 vec-info --check in.jsonl
run "quiet" 0 vec-info --check -q in.jsonl
out_is "says nothing" ""

{ cat in.jsonl; head -n 1 in.jsonl; } >twice.jsonl
run "equal ids are found" 3 vec-info --check twice.jsonl
err_has "and named" "records 1 and 4 have the id 'a'"
run "only when asked" 0 vec-info twice.jsonl

{
	cat in.jsonl
	echo '{"id":"d","vec":{"t":[1,2'
	echo 'nonsense'
} >bad.jsonl
run "bad lines are records or rejected" 0 vec-info bad.jsonl
out_has "counted" "bad.jsonl: 4 records, 1 rejected, 2 with errors, ok"
err_has "and told" "'bad.jsonl': line 5, column 1"

printf '{"id":"a","vec":{"t":[1,2' >cut.jsonl
run "a cut line" 1 vec-info cut.jsonl
run "is not sound" 3 vec-info --check cut.jsonl
printf '\037\213\010\000\000\000\000\000\000\003' >x.gz
run "gzip" 1 vec-info x.gz
err_has "is told" "'x.gz': not a vecpipe stream (looks like gzip)"
run "an empty file" 3 vec-info --check </dev/null
run "no file" 1 vec-info --check absent
err_has "is told" "'absent': No such file or directory"
run "the worst counts" 1 vec-info --check in.jsonl absent cut.jsonl
run "an option that is none" 2 vec-info --chec in.jsonl

run "a model" 0 vec-info "$DATA/model/reference.safetensors"
out_has "its tensors" "F16  t.F16 [3,3]"
mkdir -p net/sub
cp "$DATA/model/reference.safetensors" net/sub/
echo '{"model_type":"bert","hidden_size":384}' >net/config.json
echo "[1, 2]" >net/data_config.json
run "a directory" 0 vec-info net
out_has "its config" "  hidden_size 384"
out_has "its tensors" "net/sub/reference.safetensors: safetensors, 16 tensors"
run "a directory as JSON" 0 vec-info -f json net
out_has "its config" '{"name":"net/config.json","type":"config","config":{"hidden_size":384,"model_type":"bert"}}'

# The card of a pretrained model.
tiny=$DATA/encoders/text-bert-f32
run "a pretrained model" 0 vec-info "$tiny"
out_has "its parameters" "$tiny: 12176 parameters, hash "
out_has "its kind" "  text encoder: bert, 24 numbers"
out_has "its sizes" "    hidden 24, 2 layers, 3 heads, inner 40, vocabulary 90, at most 40 tokens"
out_has "what comes out" "    pooling cls, to unit length"
out_has "what it costs" "    multiply-adds: 110784 for 16 tokens, 319296 for 40 tokens"
if grep -Eq '^    weights in memory: f32 [0-9.]+ kB, f16 [0-9.]+ kB, int8 [0-9.]+ kB$' out; then
	ok "its memory"
else
	no "its memory" "$(cat out)"
fi
if grep -Eq '^    speed here: [0-9]+ texts/s of 16 tokens, [0-9]+ texts/s of 40 tokens \(measured: one thread, f32, [a-z0-9]+\)$' out; then
	ok "its speed"
else
	no "its speed" "$(cat out)"
fi
run "its files too" 0 vec-info -v "$tiny"
out_has "the configuration" '  model_type "bert"'
out_has "the arrays" "  F32  embeddings.LayerNorm.bias [24]"
run "a pretrained model as JSON" 0 vec-info -f json "$tiny"
is "one object" "$(wc -l <out | tr -d ' ')" 1
if command -v jq >/dev/null; then
	is "that says the same" "$(jq -c '[.type,.parameters,.encoders[0].family,.encoders[0].vocab,.encoders[0].work[1].macs,(.encoders[0].memory.f16 < .encoders[0].memory.f32),(.encoders[0].work[0].per_second > 0)]' out)" \
		'["encoder",12176,"bert",90,319296,true,true]'
fi
run "checked" 0 vec-info --check -q "$tiny"
out_is "says nothing" ""
run "two encoders" 0 vec-info "$DATA/encoders/clip-pair"
out_has "of texts" "  text encoder: clip-text, 12 numbers"
out_has "and pictures" "  picture encoder: clip-vision, 12 numbers"
out_has "of a size" "pictures of 32 x 32"
mkdir other
cp "$tiny/model.safetensors" other/
echo '{"model_type":"mystery"}' >other/config.json
run "a model that cannot be run" 0 vec-info other
out_has "with the reason" "  cannot encode texts: 'other/config.json': model_type 'mystery' is not supported"
is "once" "$(grep -c cannot out)" 1
echo '{"model_type":"bert","hidden_size":99}' >other/config.json
run "a configuration that lies" 0 vec-info other
out_has "is told" "  cannot encode texts: 'other/"
mkdir pickled
printf 'PK\003\004' >pickled/pytorch_model.bin
run "a pickle" 1 vec-info pickled
err_has "is told" "'pickled/pytorch_model.bin': unsupported (looks like a pickle): convert it with tools/pth2safetensors"
head -c 3000 "$tiny/model.safetensors" >other/model.safetensors
run "a model that was cut" 1 vec-info other
err_has "is named" "'other/model.safetensors': "

mkdir none
run "an empty directory" 1 vec-info none
run "limits" 0 vec-info --limits
out_has "of an id" "id            4096 bytes"
if [ -e /dev/full ]; then
	rc=0
	vec-info in.jsonl >/dev/full 2>err || rc=$?
	is "a full disk" $rc 1
fi

# A model of train, in words.
awk 'BEGIN { for (i = 0; i < 40; i++) {
	x = (i * 7919 % 100) / 100
	printf "{\"id\":\"r%d\",\"label\":\"%s\",\"vec\":{\"v\":[%.4f,1],\"w\":{\"dim\":9,\"idx\":[%d],\"val\":[1]}}}\n", i, x < 0.5 ? "low" : "high", x, i % 5 } }' >train.jsonl
run "a model of train" 0 sh -c 'train -q --cv 2 --lambda 0.1 -o t.model train.jsonl && vec-info --check t.model'
out_has "says what it predicts" '  predicts  one class of "high", "low"'
out_has "from what" '  reads     "v": dense, dim 2'
out_has "and what of it is known" '  reads     "w": sparse, dim 9, 5 of them known'
out_has "by which members" '  member    "concat": linear in "v", "w"'
out_has "and how they are mixed" '  given     "v", "w": '
out_has "with doubts" '; 40 doubts for --cover'
out_has "and on what it was trained" '  learnt    from 40 records'
is "without the configuration" "$(grep -c '^  config' out)" 0
run "all of it" 0 vec-info -v t.model
out_has "with the configuration" '  config {"classes":["high","low"]'
run "as JSON" 0 vec-info -f json t.model
out_has "it is that" '"config":{"classes":["high","low"]'
