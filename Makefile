# SPDX-License-Identifier: GPL-2.0-only
#
# Leat's build, a pipeline to be read from top to bottom:
# deps -> bpf -> skeleton -> leat -> tests -> install. `make help` lists the targets.
#
# Everything made lies in $(BUILD). Two people who build in one checkout at once give
# each his own: make BUILD=/tmp/mine. A part alone is built by naming its sources:
# make unit BUILD=/tmp/mine AGENT_SRC="$(echo agent/model/*.c agent/config/*.c)".

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      := gcc
CLANG   ?= clang
BPFTOOL  = $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
V       ?= 0

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

# say,VERB,WHAT: one short line a step; V=1 shows the commands instead
ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
endif

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror

# ---- deps: Debian packages -------------------------------------------------

.PHONY: deps
deps: ## install what building and testing need (Debian packages, as root)
	$(Q)tools/install-deps

# pkg-config is asked when the first object is made, not before: deps may just have brought it
PACKAGES   := libbpf yaml-0.1 libevent_core libevent_extra libcurl jansson libmnl
PKG_CFLAGS  = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS    = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)) -lelf -lz -lm)$(PKG_LIBS)

# ---- bpf: the data path ----------------------------------------------------

BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Iinclude -I/usr/include/x86_64-linux-gnu \
	-Wall -Wextra -Werror

$(BUILD)/lb.bpf.o: bpf/lb.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# ---- skeleton --------------------------------------------------------------

$(BUILD)/lb.skel.h: $(BUILD)/lb.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name lb > $@

# ---- leat: the agent -------------------------------------------------------

AGENT_SRC := $(wildcard agent/*.c agent/*/*.c)
AGENT_OBJ := $(AGENT_SRC:%.c=$(BUILD)/%.o)
LIB_OBJ   := $(filter-out $(BUILD)/agent/main.o,$(AGENT_OBJ))

# _GNU_SOURCE is defined empty, so that a file may define it as well
CPPFLAGS += -Iinclude -Iagent -I$(BUILD) -D_GNU_SOURCE=
CFLAGS   ?= -O2 -g
HARDEN   := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
C_ALL     = -std=gnu11 $(WARN) $(CPPFLAGS) $(PKG_CFLAGS)

$(BUILD)/agent/%.o: agent/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(C_ALL) $(CFLAGS) $(HARDEN) -MMD -MP -c $< -o $@

$(filter $(BUILD)/agent/dataplane/%,$(AGENT_OBJ)): | $(BUILD)/lb.skel.h

$(BUILD)/libleat.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/leat: $(BUILD)/agent/main.o $(BUILD)/libleat.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pie -Wl,-z,relro,-z,now $^ $(PKG_LIBS) -o $@

.PHONY: all
all: $(BUILD)/leat ## the data path and the agent: build/leat

# ---- tests: unit (sanitized, no privileges) --------------------------------

SAN     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_OBJ := $(LIB_OBJ:$(BUILD)/%=$(BUILD)/san/%)

$(BUILD)/san/%.o: %.c
	$(call say,CC-SAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(C_ALL) $(SAN) -MMD -MP -c $< -o $@

$(filter $(BUILD)/san/agent/dataplane/%,$(SAN_OBJ)): | $(BUILD)/lb.skel.h

$(BUILD)/san/libleat.a: $(SAN_OBJ)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

# one program a tests/unit/test_*.c; other files there are linked with each of them
UNIT_SRC     := $(wildcard tests/unit/test_*.c)
UNIT_BIN     := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
UNIT_SUPPORT := $(patsubst %.c,$(BUILD)/san/%.o,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))

$(BUILD)/unit/%: $(BUILD)/san/tests/unit/%.o $(UNIT_SUPPORT) $(BUILD)/san/libleat.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN) $(LDFLAGS) $^ $(PKG_LIBS) -lcmocka -lm -o $@

.PHONY: unit
unit: $(UNIT_BIN) ## unit tests under ASan and UBSan; no privileges
	$(Q)tools/test-run unit $(UNIT_BIN)

# ---- tests: packet (the shipped object under BPF_PROG_TEST_RUN, as root) ---
#
# in mounts of their own: where the machine has no bpffs, the tests mount one

PACKET_SRC     := $(wildcard tests/packet/test_*.c)
PACKET_BIN     := $(PACKET_SRC:tests/packet/%.c=$(BUILD)/packet/%)
PACKET_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(PACKET_SRC),$(wildcard tests/packet/*.c)))

$(BUILD)/tests/packet/%.o: tests/packet/%.c | $(BUILD)/lb.skel.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(C_ALL) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/packet/%: $(BUILD)/tests/packet/%.o $(PACKET_SUPPORT) $(BUILD)/libleat.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -lcmocka -lpthread -lm -o $@

.PHONY: packet
packet: $(PACKET_BIN) ## packet tests on the shipped object; root
	$(Q)unshare --mount tools/test-run packet $(PACKET_BIN)

# ---- tests: e2e (namespaces, real servers and clients, as root) ------------

E2E_TESTS := $(wildcard tests/e2e/test_*.sh)

# the program on the far end of the gateway's veths
$(BUILD)/e2e/%.bpf.o: tests/e2e/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

.PHONY: e2e
e2e: all $(BUILD)/e2e/pass.bpf.o ## end-to-end tests in network namespaces; root
	$(Q)tools/test-run e2e $(E2E_TESTS)

# ---- tests: lint -----------------------------------------------------------

.PHONY: lint
lint: all ## formatting, analyzers, include directions, house rules
	$(Q)tools/test-run lint tools/lint

# ---- tests: all of them ----------------------------------------------------

.PHONY: test
test: deps ## unit, packet, e2e and lint; ends with one line "N passed, N failed"
	@MAKE="$(MAKE)" BUILD="$(BUILD)" tools/test-all unit packet e2e lint

# ---- tests: other kernels --------------------------------------------------

.PHONY: vm
vm: all $(PACKET_BIN) ## packet tests on Debian's 6.1 kernel, in QEMU
	$(Q)tools/install-deps vm
	$(Q)BUILD="$(BUILD)" tests/vm/run $(PACKET_BIN)

# ---- fuzz: libFuzzer targets -----------------------------------------------

FUZZ     := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_OBJ := $(LIB_OBJ:$(BUILD)/%=$(BUILD)/fuzz/%)
FUZZ_SECONDS ?= 30

$(BUILD)/fuzz/%.o: %.c
	$(call say,CC-FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(C_ALL) $(FUZZ) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@

$(filter $(BUILD)/fuzz/agent/dataplane/%,$(FUZZ_OBJ)): | $(BUILD)/lb.skel.h

$(BUILD)/fuzz/libleat.a: $(FUZZ_OBJ)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/libleat.a
	$(call say,LD,$@)
	$(Q)$(CLANG) $(FUZZ) -fsanitize=fuzzer,address,undefined $^ $(PKG_LIBS) -o $@

.PHONY: fuzz
fuzz: $(FUZZ_BIN) ## each fuzz target for FUZZ_SECONDS (30)
	$(Q)for target in $(FUZZ_BIN); do \
		mkdir -p $(BUILD)/fuzz/corpus/$${target##*/}; \
		$$target -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus/$${target##*/} \
			$(wildcard tests/fuzz/corpus) || exit 1; \
	done

# ---- bench -----------------------------------------------------------------

# a program a tools/bench/bench_*.c; other files there are linked with each; every
# tools/bench/X.bpf.c is an object of its own with a skeleton, $(BUILD)/bench/X.skel.h
BENCH_BPF     := $(wildcard tools/bench/*.bpf.c)
BENCH_SKEL    := $(BENCH_BPF:tools/bench/%.bpf.c=$(BUILD)/bench/%.skel.h)
BENCH_SRC     := $(filter-out $(BENCH_BPF),$(wildcard tools/bench/bench_*.c))
BENCH_BIN     := $(BENCH_SRC:tools/bench/%.c=$(BUILD)/bench/%)
BENCH_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,\
	$(filter-out $(BENCH_BPF) $(BENCH_SRC),$(wildcard tools/bench/*.c)))

$(BUILD)/bench/%.bpf.o: tools/bench/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -Ibpf -MMD -MP -c $< -o $@

$(BUILD)/bench/%.skel.h: $(BUILD)/bench/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*) > $@

$(BUILD)/tools/bench/%.o: tools/bench/%.c | $(BENCH_SKEL) $(BUILD)/lb.skel.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(C_ALL) -I$(BUILD)/bench $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bench/bench_%: $(BUILD)/tools/bench/bench_%.o $(BENCH_SUPPORT) $(BUILD)/libleat.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -lpthread -lm -o $@

.PHONY: bench bench-control bench-table
bench: all $(BENCH_BIN) ## time the data path beside reference programs; root
	$(Q)for program in $(filter-out %/bench_control %/bench_table,$(BENCH_BIN)); do $$program || exit 1; done

bench-control: all $(BENCH_BIN) ## time the agent: check, start, reload, 10,000 probes; root
	$(Q)$(BUILD)/bench/bench_control

bench-table: $(BUILD)/bench/bench_table ## time the building of tables, count the slots that move
	$(Q)$(BUILD)/bench/bench_table

$(BUILD)/bench/feedback/load: tools/bench/feedback/load.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(C_ALL) $(CFLAGS) $< -lm -o $@

.PHONY: bench-feedback
bench-feedback: all $(BUILD)/bench/feedback/load $(BUILD)/e2e/pass.bpf.o ## least_response and adaptive against round_robin: p99, a picture; 6 minutes, root
	$(Q)tools/install-deps demo bench
	$(Q)BUILD="$(BUILD)" tools/bench/feedback/run

# the analyzers read what includes the skeletons
lint: $(BENCH_SKEL)

# ---- demo ------------------------------------------------------------------

.PHONY: demo
demo: deps all $(BUILD)/e2e/pass.bpf.o ## the whole thing in one minute, in namespaces; KEEP=1 leaves it up; root
	@BUILD="$(BUILD)" tools/demo

# demo installs first and builds then, in one make, whatever -j says
ifneq ($(filter demo,$(MAKECMDGOALS)),)
$(BUILD)/lb.bpf.o $(BUILD)/e2e/pass.bpf.o $(AGENT_OBJ): | deps
endif

# ---- install ---------------------------------------------------------------

.PHONY: install
install: all ## leat, an example configuration and the documents, below DESTDIR and PREFIX
	install -D -m 0755 $(BUILD)/leat $(DESTDIR)$(PREFIX)/sbin/leat
	install -D -m 0644 lb.yaml $(DESTDIR)$(PREFIX)/share/doc/leat/lb.yaml
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/leat README.md CHANGELOG.md $(wildcard docs/*.md)
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(wildcard docs/*.8)

# ---- for people and their tools --------------------------------------------

.PHONY: compile_commands
compile_commands: ## compile_commands.json for editors and clang-tidy
	$(call say,GEN,compile_commands.json)
	$(Q)tools/compile-commands '$(C_ALL) $(CFLAGS) -I$(BUILD)/bench' '$(BPF_CFLAGS) -Ibpf' \
		> compile_commands.json

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9_-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile
	@echo '  Variables: V=1 shows commands, BUILD=dir, PREFIX, DESTDIR, KEEP=1 (demo), FUZZ_SECONDS'

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD) compile_commands.json

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
