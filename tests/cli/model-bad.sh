# Pretrained models that are damaged or lie: exit 1, file and field named,
# nothing written, and no memory for what is not there.
# shellcheck shell=sh
if ! command -v python3 >/dev/null; then
	skip "damaged models" "no python3"
	return 0
fi
echo 'a text' >t.txt
printf 'P5 4 4 255 0123456789abcdef' >p.pgm

# A model, changed: damage.py FROM TO HOW...
cat >damage.py <<'PY'
import json, os, shutil, struct, sys
source, to, how, *more = sys.argv[1:]
shutil.rmtree(to, ignore_errors=True)
shutil.copytree(source, to)
path = to + "/model.safetensors"
data = open(path, "rb").read()
n = struct.unpack("<Q", data[:8])[0]
head, body = json.loads(data[8:8 + n]), data[8 + n:]
meta = head.pop("__metadata__", {})

def put(text=None):
    text = text or json.dumps({"__metadata__": meta, **head})
    text = text.encode() + b" " * (-len(text.encode()) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + body)

name = more[0] if more else None
if how == "cut":
    open(path, "wb").write(data[:int(more[0]) if int(more[0]) >= 0 else len(data) + int(more[0])])
elif how == "twice":
    text = json.dumps(head)
    put(text[:-1] + "," + json.dumps(name) + ":" + json.dumps(head[name]) + "}")
elif how == "shape":
    head[name]["shape"] = json.loads(more[1])
    put()
elif how == "dtype":
    head[name]["dtype"] = more[1]
    put()
elif how == "offsets":
    head[name]["data_offsets"] = json.loads(more[1])
    put()
elif how == "overlap":
    a, b = sorted(head, key=lambda k: head[k]["data_offsets"])[:2]
    size = head[b]["data_offsets"][1] - head[b]["data_offsets"][0]
    head[b]["data_offsets"] = [0, size]
    put()
elif how == "drop":
    text = json.dumps(head)
    head[name + ".other"] = head.pop(name)
    put()
elif how == "value":  # two bytes at a place within the array
    at = head[name]["data_offsets"][0] + int(more[1])
    body = body[:at] + bytes.fromhex(more[2]) + body[at + 2:]
    put()
elif how == "config":  # FILE KEY VALUE
    file = to + "/" + more[0]
    c = json.load(open(file))
    c[more[1]] = json.loads(more[2])
    json.dump(c, open(file, "w"))
elif how == "text":  # FILE TEXT
    open(to + "/" + more[0], "w").write(more[1])
elif how == "deep":
    open(to + "/" + more[0], "w").write('{"a":' * 1000000)
elif how == "vocabulary":  # more tokens than rows
    file = to + "/tokenizer.json"
    t = json.load(open(file))
    v = t["model"]["vocab"]
    v["zzzzzz"] = len(v) + 5000
    json.dump(t, open(file, "w"))
elif how == "sparse":
    open(path, "r+b").truncate(1 << 40)
PY

# bad NAME SENTENCE HOW...: a text model, changed, is refused by a sentence.
bad() {
	bad_name=$1 sentence=$2
	shift 2
	python3 damage.py "$DATA/encoders/sentence" m "$@" || no "$bad_name" "not made"
	run "$bad_name" 1 limited embed-text -o out.vp -m m t.txt
	err_has "$bad_name is told" "$sentence"
	if [ -e out.vp ] || [ -s out ]; then no "$bad_name: nothing is written"; else ok "$bad_name: nothing is written"; fi
	rm -f out.vp
}
# Memory: the file's size (a terabyte does not count: it is mapped), and what
# a command needs.  A sanitizer needs more than any limit.
limited() {
	if nm "$(command -v embed-text)" 2>/dev/null | grep -q __asan_init; then
		"$@"
	else
		# shellcheck disable=SC3045 # dash has it
		(ulimit -v "${LIMIT:-400000}" && "$@")
	fi
}
W=encoder.layer.0.attention.self.query.weight
M="'m/model.safetensors': "
run "the model itself" 0 limited embed-text -o out.vp -m "$DATA/encoders/sentence" t.txt
rm -f out.vp
bad "an empty file" "${M}empty file" cut 0
bad "a cut length" "${M}not a safetensors file" cut 7
bad "a cut header" "${M}header length" cut 1000
bad "cut data" "${M}tensor '" cut -1
bad "more data" "${M}" text model.safetensors "hello, this is no model"
bad "a name twice" "${M}header: " twice "$W"
bad "another shape" "${M}tensor '$W': shape[0] is 16, not 32" shape "$W" "[16, 64]"
bad "another rank" "${M}tensor '$W': rank 3, not 2" shape "$W" "[32, 32, 1]"
bad "a shape that does not fit" "${M}tensor '$W': data_offsets do not fit dtype and shape" shape "$W" "[32, 33]"
bad "a shape beyond all numbers" "${M}tensor '$W': shape overflows" shape "$W" "[4611686018427387904, 4611686018427387904]"
bad "another type" "${M}tensor '$W': dtype I16, not F32, F16 or BF16" dtype "$W" I16
bad "a type of another size" "${M}tensor '$W': data_offsets do not fit" dtype "$W" F64
bad "an unknown type" "${M}tensor '$W': dtype 'F4' is not supported" dtype "$W" F4
bad "offsets outside" "${M}tensor '$W': data_offsets beyond the end of the file" offsets "$W" "[9000000, 9002048]"
bad "offsets below nothing" "${M}tensor '$W': data_offsets" offsets "$W" "[-2048, 0]"
bad "offsets that overlap" "data_offsets overlap those of '" overlap
bad "an array that is missing" "${M}no tensor '$W'" drop "$W"
bad "NaN" "${M}tensor '$W': non-finite value" value "$W" 2046 007e
bad "infinity in a table" "${M}tensor 'embeddings.word_embeddings.weight': non-finite value" value embeddings.word_embeddings.weight 0 007c
bad "infinity in a vector" "${M}tensor 'embeddings.LayerNorm.bias': non-finite value" value embeddings.LayerNorm.bias 2 00fc

C="'m/config.json': "
bad "no JSON" "$C" text config.json '{"model_type":"bert",'
bad "an array" "$C" text config.json '[]'
bad "a field twice" "$C" text config.json '{"model_type":"bert","model_type":"bert"}'
bad "deep JSON" "'m/config.json': " deep config.json
bad "deep JSON of the modules" "'m/modules.json': " deep modules.json
bad "an unknown family" "${C}model_type 'mystery' is not supported" config config.json model_type '"mystery"'
bad "a size that is text" "${C}hidden_size: " config config.json hidden_size '"32"'
bad "a size that lies" "'m/model.safetensors': tensor '" config config.json hidden_size 64
bad "a size that lies by much" "'m/" config config.json hidden_size 1073741824
bad "no size" "${C}hidden_size: " config config.json hidden_size 0
bad "more layers" "${C}num_hidden_layers: 3, but there is no array 'encoder.layer.2." config config.json num_hidden_layers 3
bad "many more layers" "'m/" config config.json num_hidden_layers 4000000000
bad "heads that do not divide" "'m/config.json': " config config.json num_attention_heads 5
bad "an inner size that lies" "tensor 'encoder.layer.0.intermediate.dense.weight': shape[0] is 64, not 1000000" config config.json intermediate_size 1000000
bad "a vocabulary that lies" "'m/" config config.json vocab_size 1000000000
bad "an activation that is none" "${C}hidden_act: 'mish' is not supported" config config.json hidden_act '"mish"'
bad "a vocabulary beyond the table" "'m" vocabulary
LIMIT=4000000000 bad "a terabyte of nothing" "${M}" sparse

python3 damage.py "$DATA/encoders/vit" v config config.json image_size 1000000000
run "a picture's size that lies" 1 limited extract-img -m v p.pgm
err_has "is told" "'v/config.json': image_size: "
python3 damage.py "$DATA/encoders/vit" v config config.json image_size 64
run "a picture's size that does not fit" 1 limited extract-img -m v p.pgm
err_has "is told" "'v/preprocessor_config.json': pictures of 32 x 32, but image_size is 64 x 64"
rm v/preprocessor_config.json
run "nor fit the weights" 1 limited extract-img -m v p.pgm
err_has "is told too" "'v/config.json': image_size is 64, but tensor 'vit.embeddings.position_embeddings' makes it 32"
python3 damage.py "$DATA/encoders/vit" v config config.json patch_size 0
run "patches of no size" 1 limited extract-img -m v p.pgm
err_has "is told" "'v/config.json': patch_size: "
run "a model of the other kind" 1 extract-img -m "$DATA/encoders/sentence" p.pgm
err_has "is told" "does not encode pictures"
run "a folder that is none" 1 embed-text -m absent t.txt
err_has "is told" "'absent': No such file or directory"
mkdir empty
run "an empty folder" 1 embed-text -m empty t.txt
err_has "is told" "'empty': no model.safetensors in this directory"
run "a text" 1 embed-text -m t.txt t.txt
err_has "is told" "'t.txt': unsupported (looks like text)"

# Packed files.
embed-text -q -o want.vp -m "$DATA/encoders/sentence" --packed s.packed t.txt
run "a packed file alone" 0 embed-text -q -o got.vp -m s.packed t.txt
same "gives the same" want.vp got.vp
run "another precision" 1 embed-text -m s.packed --precision int8 t.txt
err_has "is told" "'s.packed': packed with --precision f32, not int8"
head -c 20000 s.packed >cut.packed
run "a cut packed file" 1 embed-text -m cut.packed t.txt
err_has "is told" "'cut.packed': "
cp s.packed flip.packed
printf 'X' | dd of=flip.packed bs=1 seek=300 conv=notrunc 2>/dev/null
run "a changed header" 1 embed-text -m flip.packed t.txt
err_has "is told" "'flip.packed': header: checksum mismatch"
run "a packed file that is damaged is made anew" 0 embed-text -q -o got.vp -m "$DATA/encoders/sentence" --packed flip.packed t.txt
same "and gives the same" want.vp got.vp
same "and is the same" s.packed flip.packed
size=$(wc -c <s.packed)
printf 'X' | dd of=flip.packed bs=1 seek=$((size - 4000)) conv=notrunc 2>/dev/null
run "changed data" 3 vec-info -q --check flip.packed
err_has "is told" "'flip.packed': checksum mismatch"
run "a sound one" 0 vec-info -q --check s.packed
cp t.txt mine
run "a file of another kind" 1 embed-text -m "$DATA/encoders/sentence" --packed mine t.txt
err_has "is told" "'mine': not a packed file; it stays"
same "and stays" t.txt mine
