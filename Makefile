# Sealane: one makefile, objects out of the tree under build/.
#
#   make                        the daemon and the shell
#   make test                   everything that can be tested here
#   make SAN=address,undefined  the same under sanitizers, in a folder of its own
#   make unit ROOM=rib          the unit tests of one room
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: bench-rib bench-growth all unit test sim sim-soak examples interop demo lab bench check layers install clean setup fuzz-all fuzz-clang fuzz-canary corpus

SAN     ?=
VERSION := 0.1.0
CC      ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
comma   := ,
BUILD   ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

PREFIX  ?= /usr
DESTDIR ?=

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wmissing-prototypes -Wstrict-prototypes \
            -Wpointer-arith -Wundef -Wvla $(if $(SAN),-Wno-conversion) -Werror
OPT      ?= $(if $(SAN),-O1,-O2)
CFLAGS   := -std=c11 -D_GNU_SOURCE -g $(OPT) $(WARNINGS) -fno-omit-frame-pointer -fstack-protector-strong -fPIE -MMD -MP \
            -I. -I$(BUILD)/gen -DSEALANE_VERSION='"$(VERSION)"' $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -DSEALANE_SLOW_CHECKS,-D_FORTIFY_SOURCE=2)
LDFLAGS  := -pie -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))
# The daemon is optimised across its rooms (a seventh of the time of a full table). Objects are fat, so
# that tests and tools link as fast as ever.
LTO      ?= $(if $(SAN)$(findstring clang,$(CC)),,yes)
ifneq ($(LTO),)
CFLAGS   += -flto=auto -ffat-lto-objects
LDFLAGS  += -fno-lto
DAEMON_LDFLAGS := -flto=auto
endif

# ---- Rooms: every .c file of a folder belongs to its library ----
proto_src   := $(filter-out %_fuzz.c,$(wildcard proto/base/*.c proto/*.c))
rib_src     := $(wildcard rib/*.c)
policy_src  := $(wildcard policy/*.c)
core_src    := $(wildcard bgpd/core/*.c)
config_src  := $(filter-out %_fuzz.c,$(wildcard bgpd/config/*.c))
control_src := $(filter-out %_fuzz.c,$(wildcard bgpd/control/*.c))
io_src      := $(filter-out %_fuzz.c,$(wildcard bgpd/io/*.c))
cli_src     := $(filter-out %_fuzz.c,$(wildcard bgpd/cli/*.c))
sim_src     := $(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
archive = $(BUILD)/lib$(1).a

ROOMS := proto rib policy core config control io cli
archives_of_rooms := $(foreach r,$(ROOMS),$(if $($(r)_src),$(call archive,$(r))))

all: $(archives_of_rooms) $(if $(wildcard bgpd/main.c),$(BUILD)/sealaned) $(if $(wildcard bgpd/cli/main.c),$(BUILD)/sealane)

define room_rule
$(call archive,$(1)): $(call objects,$(if $(filter cli,$(1)),$(filter-out bgpd/cli/main.c,$($(1)_src)),$($(1)_src)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(if $($(r)_src),$(eval $(call room_rule,$(r)))))

# ---- The control protocol: generated from one .proto file ----
CONTROL_GEN := $(BUILD)/gen/proto/control.pb-c
$(CONTROL_GEN).c: proto/control.proto
	@mkdir -p $(@D)
	@echo "  PROTOC  $<"
	@protoc-c --c_out=$(BUILD)/gen $<
$(CONTROL_GEN).h: $(CONTROL_GEN).c ;
control_gen_obj := $(BUILD)/obj/gen/control.pb-c.o
$(control_gen_obj): $(CONTROL_GEN).c
	@mkdir -p $(@D)
	@$(CC) $(filter-out $(WARNINGS),$(CFLAGS)) -c -o $@ $<
$(call objects,$(control_src) $(cli_src) $(wildcard bgpd/control/*_fuzz.c bgpd/cli/*_fuzz.c tests/unit/control/*.c tests/unit/cli/*.c)): | $(if $(wildcard proto/control.proto),$(CONTROL_GEN).h)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(CFLAGS) $(EXTRA_CFLAGS) -c -o $@ $<

# The YANG modules travel inside the daemon, so that nothing has to be installed to start it.
yang_files := $(wildcard bgpd/config/yang/*.yang)
ifneq ($(yang_files),)
$(BUILD)/gen/yang_modules.h: $(yang_files) bgpd/config/embed_yang.sh
	@mkdir -p $(@D)
	@sh bgpd/config/embed_yang.sh $(yang_files) > $@
$(call objects,$(config_src)): | $(BUILD)/gen/yang_modules.h
endif

core_libs   := $(call archive,core) $(call archive,policy) $(call archive,rib) $(call archive,proto)
DAEMON_LIBS := -lev -lyang -lprotobuf-c -lmnl -lpcre2-8 -lpthread -lm
$(BUILD)/sealaned: $(BUILD)/obj/bgpd/main.o $(call archive,io) $(call archive,config) $(call archive,control) $(core_libs) $(control_gen_obj)
	@echo "  LD      $@"
	@$(CC) $(filter-out -fno-lto,$(LDFLAGS)) $(OPT) $(DAEMON_LDFLAGS) -o $@ $(filter %main.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(control_gen_obj) $(DAEMON_LIBS)

$(BUILD)/sealane: $(BUILD)/obj/bgpd/cli/main.o $(call archive,cli) $(call archive,proto) $(control_gen_obj)
	@echo "  LD      $@"
	@$(CC) $(LDFLAGS) -o $@ $(filter %main.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(control_gen_obj) -ledit -ljson-c -lprotobuf-c

# ---- Unit tests: tests/unit/<room>/test_*.c, one program each, linked with what the room may use ----
unit_src := $(wildcard tests/unit/*/test_*.c)
unit_bin := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(unit_src))
room_libs_base    := proto
room_libs_proto   := proto
room_libs_rib     := rib proto
room_libs_policy  := policy rib proto
room_libs_core    := core policy rib proto
room_libs_config  := config core policy rib proto
room_libs_control := control core policy rib proto
room_libs_io      := io core policy rib proto
room_libs_cli     := cli proto
room_libs_sim     := config core policy rib proto
room_links_config  := -lyang
room_links_sim     := -lyang
room_links_control := -lprotobuf-c -lev
room_links_io      := -lev -lmnl
room_links_cli     := -ledit -ljson-c -lprotobuf-c
TEST_LIBS := -lcheck -lsubunit -lm -lrt -lpthread -lpcre2-8

define unit_rule
$(BUILD)/unit/$(1): $(BUILD)/obj/tests/unit/$(1).o $(BUILD)/obj/tests/unit/main.o \
    $(foreach l,$(room_libs_$(patsubst %/,%,$(dir $(1)))),$(if $($(l)_src),$(call archive,$(l)))) $(if $(filter sim/%,$(1)),$(call objects,$(sim_src))) \
    $(if $(filter core/% config/%,$(1)),$(call objects,tests/sim/model_kernel.c tests/sim/model_routes.c)) \
    $(if $(filter control/% cli/%,$(1)),$(control_gen_obj))
	@mkdir -p $$(@D)
	@$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(TEST_LIBS) \
	    $(room_links_$(patsubst %/,%,$(dir $(1))))
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(unit_src)),$(eval $(call unit_rule,$(t))))
.SECONDARY:

# make unit            all of them        make unit ROOM=rib      one room
ROOM ?=
unit: $(if $(ROOM),$(filter $(BUILD)/unit/$(ROOM)/%,$(unit_bin)),$(unit_bin))
	@sh tests/run_unit.sh $^

# ---- Fuzzing: X_fuzz.c beside its decoder, with libFuzzer, from the seeds in tests/corpus/X ----
#   make fuzz-update FUZZ_S=600    one target        make fuzz-all    all of them, a while each
FUZZ_S   ?= 30
FUZZ_SAN := address,undefined
fuzz_src := $(wildcard proto/*_fuzz.c bgpd/*/*_fuzz.c)
fuzz_targets := $(filter-out canary,$(patsubst %_fuzz.c,%,$(notdir $(fuzz_src))))

# fuzz_rule FILE ROOM
define fuzz_rule
$(BUILD)/fuzz_$(patsubst %_fuzz.c,%,$(notdir $(1))): $(call objects,$(1)) $(foreach l,$(room_libs_$(2)),$(call archive,$(l))) \
    $(if $(filter control cli,$(2)),$(control_gen_obj))
	@$(CC) -pie -fsanitize=fuzzer,$(FUZZ_SAN) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) \
	    -Wl,--end-group $(room_links_$(2)) -lm -lpthread -lpcre2-8
endef
$(foreach f,$(fuzz_src),$(eval $(call fuzz_rule,$(f),$(notdir $(patsubst %/,%,$(dir $(f)))))))

fuzz_build = $(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link$(comma)$(FUZZ_SAN) BUILD=build/fuzz build/fuzz/fuzz_$(1)

fuzz-clang:
	@sh tests/setup.sh fuzz

fuzz-canary: fuzz-clang
	@$(call fuzz_build,canary)
	@mkdir -p build/fuzz/found
	@if build/fuzz/fuzz_canary -max_total_time=60 -artifact_prefix=build/fuzz/found/canary- >/dev/null 2>&1; then \
	    echo 'fuzz: the canary survived: nothing would be found'; exit 1; else echo 'fuzz: the canary died as it must'; fi

$(addprefix fuzz-,$(fuzz_targets)): fuzz-%: fuzz-clang
	@$(call fuzz_build,$*)
	@mkdir -p build/fuzz/corpus/$* build/fuzz/found
	build/fuzz/fuzz_$* -max_total_time=$(FUZZ_S) -timeout=5 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/found/$*- build/fuzz/corpus/$* tests/corpus/$*

# Rewrites the seeds with the encoders of today.
corpus: $(BUILD)/obj/tests/corpus/write_seeds.o $(call archive,proto)
	@mkdir -p $(addprefix tests/corpus/,$(fuzz_targets))
	@$(CC) $(LDFLAGS) -o $(BUILD)/write_seeds $^
	@$(BUILD)/write_seeds

fuzz-all: fuzz-canary $(addprefix fuzz-,$(fuzz_targets))

# make soak: real-time tests that want the machine for themselves: BFD at 50 ms (64 sessions under busy cores, and
# while a million routes are loaded, installed and judged anew), a hold time of 3 s beside a million routes
soak: all $(BUILD)/bench/bgp_load
	@SEALANE_BUILD=$(BUILD) SEALANE_ROUTES=1000000 python3 tests/hold_under_load.py
	@SEALANE_BUILD=$(BUILD) python3 tests/bfd_load.py --interval 50 --prefixes 1000000
	@for i in 1 2 3 4 5; do SEALANE_SOAK=1 $(MAKE) --no-print-directory unit ROOM=io || exit 1; done

# ---- Simulator ----
#   make sim SEED=7    one seed, with its story        make sim-soak    new seeds until one fails
SEED      ?=
SOAK_SEED ?= $(shell date +%s)
$(BUILD)/sim: $(call objects,$(sim_src) $(wildcard tests/sim/main.c)) $(call archive,config) $(core_libs)
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lyang -lm -lpcre2-8

sim: $(BUILD)/sim
	@$(BUILD)/sim $(if $(SEED),--seeds 1 --verbose --seed $(SEED))

sim-soak: $(BUILD)/sim
	@seed=$(SOAK_SEED); while nice $(BUILD)/sim --seeds 1000 --seed $$seed; do seed=$$((seed + 1000)); done; exit 1

# ---- Micro-benchmarks of the tables, built when asked for ----
bench_objs := $(call objects,tests/bench/table_gen.c)
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(bench_objs) $(call archive,rib) $(call archive,proto)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lm
bench-rib: $(BUILD)/bench/wire_bench $(BUILD)/bench/rib_bench $(BUILD)/bench/prefix_bench
	@$(BUILD)/bench/wire_bench $(PREFIXES)
	@$(BUILD)/bench/prefix_bench $(PREFIXES)
	@$(BUILD)/bench/rib_bench $(PREFIXES) $(RIB_PEERS)

# ---- What people type ----
setup:
	@sh tests/setup.sh test

demo:
	@sh tests/setup.sh demo
	@$(MAKE) --no-print-directory -j2 all
	@SEALANE_BUILD=$(BUILD) python3 tests/lab/demo.py

lab:
	@sh tests/setup.sh demo
	@$(MAKE) --no-print-directory -j2 all
	@SEALANE_BUILD=$(BUILD) python3 tests/lab/lab.py $(if $(PEERS),--peers=$(PEERS)) $(LAB)

test:
	@sh tests/setup.sh test
	@$(MAKE) --no-print-directory -j2 all layers
	@SEALANE_BUILD=$(BUILD) SAN=$(SAN) sh tests/run_all.sh

layers:
	@sh tests/check/layers.sh

# ---- Benchmarks: ratios to a peer in the same run ----
#   make bench                  Sealane and BIRD        make bench PEERS=all    and the others
#   make bench BENCH='--scenario "next hop" --prefixes 100000 --runs 1'   part of it, smaller
$(BUILD)/bench/bgp_load: $(call objects,$(addprefix tests/bench/,bgp_load.c load_session.c load_message.c load_check.c table.c)) $(call archive,proto)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)
$(BUILD)/bench/kernel_bench: $(call objects,tests/bench/kernel_bench.c tests/bench/table.c) $(call archive,proto)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lmnl

bench: all $(BUILD)/bench/bgp_load $(BUILD)/bench/kernel_bench
	@SEALANE_BUILD=$(BUILD) python3 tests/bench/bench.py --write $(BENCH)
bench-growth: all $(BUILD)/bench/bgp_load
	@SEALANE_BUILD=$(BUILD) python3 tests/bench/bench.py --growth --prefixes 4000000 --write $(BENCH)

# ---- Checks that need no run ----
check: layers
	@sh tests/check/run.sh

clean:
	rm -rf build

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/sealane
	install -d $(DESTDIR)$(PREFIX)/share/yang/modules/sealane $(DESTDIR)$(PREFIX)/share/doc/sealane/examples
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(BUILD)/sealaned $(DESTDIR)$(PREFIX)/sbin/sealaned
	install -m 755 $(BUILD)/sealane $(DESTDIR)$(PREFIX)/bin/sealane
	install -m 644 $(yang_files) $(DESTDIR)$(PREFIX)/share/yang/modules/sealane
	install -m 644 $(wildcard examples/*.conf) $(DESTDIR)$(PREFIX)/share/doc/sealane/examples
	install -m 644 docs/man/sealane.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 docs/man/sealane.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 docs/man/sealaned.8 $(DESTDIR)$(PREFIX)/share/man/man8

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
