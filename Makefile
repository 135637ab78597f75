# piecework: `make` builds build/piecework, `make help` lists the rest.
#
# `make` alone needs cc, make, pkg-config and the libraries, and names what is missing; `make demo` and
# `make test` install what is missing first (native/tools/deps.sh).
#
# MODE picks one of the builds below; each has its own directory, so that they never mix:
#   release (default)   build/          what users run
#   san                 build/san/      ASan + UBSan, what the tests run
#   valgrind            build/valgrind/ plain -O1 -g
#   fuzz                build/fuzz/     clang with libFuzzer

MODE ?= release
MAKEFLAGS += --no-print-directory
# Begins a recipe: says in short what is made; make V=1 shows whole command lines instead.
say = $(if $(V),,@echo "  $(1) $@" &&)
O := build$(if $(filter-out release,$(MODE)),/$(MODE))
BIN := $(O)/piecework

LIBS := libuv libcurl msgpack libcjson sqlite3 libgit2 yaml-0.1 libpcre2-8
# msgpack-c was renamed between 4 and 7
PKGS = $(patsubst msgpack,$(shell pkg-config --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack),$(LIBS))

WARN := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror=implicit-function-declaration
FLAGS_release  := -O2 -g
FLAGS_san      := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_valgrind := -O1 -g
FLAGS_fuzz     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
ifeq ($(MODE),fuzz)
CC := clang
endif
CPPFLAGS += -Inative/src -I$(O)/gen -D_GNU_SOURCE -MMD -MP
CFLAGS += -std=gnu11 $(WARN) $(FLAGS_$(MODE)) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# libcurl and libgit2 are opened at their first use (lib/curl_api.h, git_api.h): their headers are needed here,
# the libraries are not.
LDLIBS += $(shell pkg-config --libs $(filter-out libcurl libgit2,$(PKGS)) 2>/dev/null) -lm
LDFLAGS += $(filter -fsanitize% -g,$(FLAGS_$(MODE)))

# Lowest layer first; an archive may only need the ones before it.
LAYERS := base lib wire patch model journal core plan review work view front
ARCHIVES := $(foreach l,$(LAYERS),$(O)/$(l).a)
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))

.PHONY: build
build: $(BIN) doc/tags  ## compile build/piecework (needs cc, make, pkg-config and the libraries)

# Stops with one message when something is missing, instead of a page of compiler errors.
ifneq ($(shell pkg-config --exists $(PKGS) 2>/dev/null && command -v $(CC) >/dev/null && echo yes),yes)
NEEDS := needs
endif
.PHONY: needs
needs:
	@sh native/tools/deps.sh check build

$(BIN): $(O)/obj/main.o $(call reverse,$(ARCHIVES))
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Plugin managers make it too; packages do not. Written as a whole: an editor may be reading it.
doc/tags: doc/piecework.txt native/tools/tags.awk
	@awk -f native/tools/tags.awk doc/piecework.txt | LC_ALL=C sort >$@.new && mv $@.new $@

# Files that become part of the binary (base/embedded.h).
EMBED_model := $(wildcard native/data/*)
EMBED_plan := $(wildcard native/templates/*.md)
EMBED_work := $(wildcard native/prompts/*.md)
EMBEDDERS := model plan work

define layer
$(O)/$(1).a: $(patsubst native/src/%.c,$(O)/obj/%.o,$(wildcard native/src/$(1)/*.c)) $(if $(EMBED_$(1)),$(O)/obj/gen_$(1).o)
	@rm -f $$@
	$$(call say,AR) $(AR) rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer,$(l))))

$(O)/obj/%.o: native/src/%.c | $(NEEDS)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

HOSTCC ?= $(CC)

$(O)/gen/embed: native/tools/embed.c | $(NEEDS)
	@mkdir -p $(@D)
	$(call say,CC) $(HOSTCC) -O1 -o $@ $<

define embed
$(O)/gen/gen_$(1).c: $(O)/gen/embed $(EMBED_$(1))
	$$(call say,GEN) $(O)/gen/embed gen_$(1) native/ $(EMBED_$(1)) > $$@.tmp && mv $$@.tmp $$@
$(O)/obj/gen_$(1).o: $(O)/gen/gen_$(1).c
	@mkdir -p $$(@D)
	$$(call say,CC) $$(CC) $$(CPPFLAGS) $$(CFLAGS) -c -o $$@ $$<
endef
$(foreach t,$(EMBEDDERS),$(eval $(call embed,$(t))))

# Unit tests: tests/native/LAYER/t_x.c links the layers up to LAYER, so that a layer is tested without
# those above it.
upto = $(if $(1),$(firstword $(1)) $(if $(filter $(2),$(firstword $(1))),,$(call upto,$(wordlist 2,$(words $(1)),$(1)),$(2))))
define layer_tests
$(O)/tests/$(1)/%: tests/native/$(1)/%.c $(call reverse,$(foreach l,$(call upto,$(LAYERS),$(1)),$(O)/$(l).a))
	@mkdir -p $$(@D)
	$$(call say,LD) $(CC) $(CPPFLAGS) -Itests/native $(CFLAGS) $(LDFLAGS) -o $$@ $$(filter tests/%.c %.a,$$^) $(LDLIBS)
endef
$(foreach l,$(LAYERS),$(eval $(call layer_tests,$(l))))
UNIT_TESTS := $(patsubst tests/native/%.c,$(O)/tests/%,$(wildcard tests/native/*/t_*.c))

# Fuzzers: with clang's libFuzzer (`make fuzz`), and with a plain main over their corpora (`make test`).
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
$(O)/fuzz/%: tests/fuzz/fuzz_%.c $(if $(filter fuzz,$(MODE)),,tests/fuzz/replay_main.c) $(call reverse,$(ARCHIVES))
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(CPPFLAGS) -Itests/native $(CFLAGS) $(LDFLAGS) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) -o $@ $(filter tests/%.c %.a,$^) $(LDLIBS)

.PHONY: units fuzzers
units: $(UNIT_TESTS)
fuzzers: $(patsubst %,$(O)/fuzz/%,$(FUZZERS))

.PHONY: deps demo test test-native test-editor test-e2e test-provider lint format fuzz valgrind bench bench-cost doc clean help
deps:  ## install what building, the demo and the tests need
	@sh native/tools/deps.sh install build demo test

demo:  ## a recorded request, from plan to review, in a scratch directory (installs what is missing)
	@sh native/tools/deps.sh install build demo
	@$(MAKE) build
	@sh tests/demo/demo.sh "$(abspath $(BIN))"

test:  ## every test, under ASan and UBSan (installs what is missing)
	@sh native/tools/deps.sh install build test
	@$(MAKE) build
	@$(MAKE) MODE=san build units fuzzers
	@sh tests/run.sh native fuzz provider editor e2e

test-native:  ## unit tests and fuzzing corpora of the engine
	@$(MAKE) MODE=san build units fuzzers
	@sh tests/run.sh native fuzz

test-provider:  ## the fake model provider's own tests
	@sh tests/run.sh provider

test-editor:  ## the Lua layer in Neovim and Vim
test-e2e:  ## whole journeys: engine, provider, git, editors
test-editor test-e2e:
	@$(MAKE) build
	@$(MAKE) MODE=san build
	@sh tests/run.sh $(@:test-%=%)

lint:  ## layers, foreign types, vim. only in host/, banned calls, sizes, luacheck, formatting
	@sh tests/lint/lint.sh

format:  ## rewrite the C sources as .clang-format says
	clang-format -i $$(git ls-files 'native/*.c' 'native/*.h' 'tests/*.c' 'tests/*.h')

fuzz:  ## run every fuzzer for FUZZ_SECONDS (60) with clang's libFuzzer
	@sh native/tools/deps.sh install build fuzz
	@$(MAKE) MODE=fuzz fuzzers
	@sh tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZERS)

valgrind:  ## the unit tests and one whole journey under valgrind
	@sh native/tools/deps.sh install build test valgrind
	@$(MAKE) MODE=valgrind build units
	@sh tests/run.sh valgrind

bench:  ## performance as ratios, in one run (NAME=tasks: one of tests/bench/bench_*)
	@$(MAKE) build
	@sh tests/bench/bench.sh $(NAME)

bench-cost:  ## what delegating saves: four workloads, two providers' list prices, scripted replies
	@$(MAKE) build
	@python3 tests/bench/cost.py

doc:  ## help tags, and what of the help is generated
	@sh native/tools/doc.sh

clean:  ## remove build/
	rm -rf build

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

-include $(shell find $(O)/obj $(O)/tests $(O)/fuzz -name '*.d' 2>/dev/null)
