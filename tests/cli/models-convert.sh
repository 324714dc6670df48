# tools/pth2safetensors: what torch.save wrote, and pickles that do more.
# shellcheck shell=sh
if ! command -v python3 >/dev/null; then
	skip "pth2safetensors" "no python3"
	return 0
fi
convert=$ROOT/tools/pth2safetensors
for f in zip.pth stream.pth inner.pt; do
	run "$f is converted" 0 "$convert" "$DATA/pth/$f" out.safetensors
	same "$f as the reference writes it" out.safetensors "$DATA/pth/expected.safetensors"
	rm -f out.safetensors
done
for f in hostile-zip.pth hostile-stream.pth hostile.pkl; do
	run "$f is refused" 1 "$convert" "$DATA/pth/$f" out.safetensors
	err_has "$f by the name it wants" "'$DATA/pth/$f': it wants posix.system"
done
if [ -e hostile-was-here ] || [ -e out.safetensors ]; then
	no "nothing was run or written"
else
	ok "nothing was run or written"
fi
printf 'hello' >text.pth
run "a text is refused" 1 "$convert" text.pth out.safetensors
err_has "with a sentence" "not a file of torch.save"
run "no file" 1 "$convert" absent.pth out.safetensors
err_has "with a sentence" "No such file"
run "usage" 2 "$convert" one
cat >damage.py <<'PY'
"""Every prefix, and every byte changed: refused with a sentence, or read."""
import importlib.machinery, importlib.util, io, struct, sys, zipfile
loader = importlib.machinery.SourceFileLoader("p", sys.argv[1])
p = importlib.util.module_from_spec(importlib.util.spec_from_loader("p", loader))
sys.dont_write_bytecode = True
loader.exec_module(p)
data = open(sys.argv[2], "rb").read()
tried = read = 0

def attempt(b):
    global tried, read
    tried += 1
    try:
        for t in p.arrays(p.read_stream(io.BytesIO(b))).values():
            t.bytes()
        read += 1
    except (p.Refused, struct.error, MemoryError):
        return False
    return True

for i in range(len(data)):
    assert not attempt(data[:i]), i
    for x in (1, 0x80, 0xff):
        attempt(data[:i] + bytes([data[i] ^ x]) + data[i + 1:])
assert attempt(data)
print(tried > 4 * len(data), 0 < read < tried)
PY
run "damaged streams are refused" 0 python3 damage.py "$convert" "$DATA/pth/stream.pth"
out_is "all of them tried" "True True"

run "a model that is not known" 2 env MODELS="$PWD/m" "$ROOT/tools/models" nosuch
err_has "is named" "'nosuch' is not one of minilm, efficientnet-lite0, ge2e"
if python3 -m pip --version >/dev/null 2>&1; then
	run "without the network" 1 env MODELS="$PWD/m" PIP_NO_INDEX=1 PIP_RETRIES=0 "$ROOT/tools/models" ge2e
	err_has "a model cannot be had" "cannot fetch Resemblyzer 0.1.4: needs python3 with pip, and the network"
	is "and nothing is left" "$(ls -A m)" ""
else
	skip "without the network" "no pip"
fi
