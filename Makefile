# vecpipe.  make | demo | check | asan | fuzz | bench | lint | install | models
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
PROGPREFIX ?=
CFLAGS   ?= -O2 -g
WARN      = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wwrite-strings -Wvla
CPPFLAGS += -D_POSIX_C_SOURCE=200809L -Ilib -I$(BUILD)
HARDEN   ?= -fPIE -fstack-protector-strong
ALLC      = $(CC) -std=c11 $(CPPFLAGS) $(CFLAGS) $(HARDEN) -ffp-contract=off \
            -ffile-prefix-map=$(CURDIR)=. -pthread $(WARN) $(ISA) -MMD -MP
ALLLD     = $(CC) -pthread $(LDFLAGS) -pie -Wl,--as-needed -Wl,-z,relro,-z,now
LDLIBS   += -lpng16 -ljpeg -lcjson -lutf8proc -lz -lm

LIB   = $(BUILD)/libvecpipe.a
OBJ   = $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard lib/*/*.c)))
CMDS  = $(patsubst cmd/%.c,$(BUILD)/%,$(sort $(wildcard cmd/*.c)))
UNIT  = $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/check_*.c)))
FUZZ  = $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/fuzz/*.c)))

all: deps $(CMDS)

# One file per instruction set; the rest of the library stays baseline.
ifneq ($(filter x86_64 amd64,$(shell uname -m)),)
$(BUILD)/%_sse42.o:  ISA = -msse4.2
$(BUILD)/%_avx2.o:   ISA = -mavx2 -mfma -mf16c
$(BUILD)/%_avx512.o: ISA = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma
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

deps:
	@tools/deps build

check: deps-check $(CMDS) $(UNIT)
	BUILD=$(BUILD) tests/run.sh
deps-check:
	@tools/deps build check
asan:
	$(MAKE) BUILD=$(BUILD)/asan HARDEN= LDFLAGS='-fsanitize=address,undefined' \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' check
clean:
	rm -rf build
.PHONY: all demo check asan fuzz bench lint install uninstall clean deps deps-check models
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
