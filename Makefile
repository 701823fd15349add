# Jacinth: every command a person types. `make help` lists them.
#
# What is built stands in build/: generated/ (from kernel/abi/syscalls.def), debug/ and release/ (the two shapes).
# How the kernel, the programs and the image are made stands in scripts/*.mk; adding a source file
# needs no change there.

BUILD ?= debug
COMPILER ?= gcc
QUICK ?= 1
CPUS ?= 2
MEM ?= 1G
CMDLINE ?=
TURNS ?=
SEEDS ?= 10
FIRST ?= 1
SEED ?= 1
COUNT ?= 20
PATHS ?=
QEMU ?= qemu-system-x86_64
WERROR ?= 0

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
endif

# The tools are looked for once, before anything else: make makes this file first, then starts anew.
TOOLS := $(if $(filter clang,$(COMPILER))$(filter check format test-clang,$(MAKECMDGOALS)),check,$(if $(filter run% debug iso test soak bench% quick-report profile screenshot races replay mutants,$(MAKECMDGOALS)),run,build))
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),all)),)
include build/tools-$(TOOLS).mk
include scripts/toolchain.mk scripts/kernel.mk scripts/user.mk scripts/image.mk
endif
build/tools-%.mk: scripts/setup.sh
	@sh scripts/setup.sh $*
	@mkdir -p build && touch $@

.PHONY: all
all: $(KERNEL) $(TESTED_KERNEL) $(BOOTFS) $(if $(filter 0,$(QUICK)),,compile_commands.json) ## build the kernel, the user programs and the boot archive

.PHONY: run
run: $(if $(HAS_GRUB),$(ISO),$(BOOTED_KERNEL) $(BOOTFS)) ## boot in QEMU, the serial console on this terminal (Ctrl-a x leaves)
	@$(call run-qemu,$(if $(HAS_GRUB),-cdrom $(ISO),$(PVH_FLAGS)))

.PHONY: run-uefi
run-uefi: $(ISO) ## the same by UEFI
	@$(call run-qemu,-cdrom $(ISO) -bios $(OVMF))

.PHONY: run-pvh
run-pvh: $(BOOTED_KERNEL) $(BOOTFS) ## the same without GRUB: the quickest
	@$(call run-qemu,$(PVH_FLAGS))

.PHONY: debug
debug: $(BOOTED_KERNEL) $(BOOTFS) ## boot and wait for gdb: in another terminal, gdb -x scripts/gdb/jacinth.py
	@$(call run-qemu,$(PVH_FLAGS) -S -gdb tcp:127.0.0.1:$(GDB_PORT))

.PHONY: iso
iso: $(ISO) ## the CD image, for BIOS and UEFI: build/debug/jacinth.iso (tests: CMDLINE=jacinth.test=1)

.PHONY: test
test: ## build both shapes and run every test (TESTS=words: those whose names contain one)
	@$(MAKE) BUILD=debug all iso
	@$(MAKE) BUILD=release all iso
	@$(MAKE) BUILD=debug QUICK=0 all
	@$(PYTHON) scripts/run_tests.py --turns '$(TURNS)' $(TESTS)

.PHONY: soak
soak: ## the same, with what is left out there, and SEEDS interleavings of the CPUs from FIRST on: an hour or more
	@$(MAKE) BUILD=debug all iso
	@$(MAKE) BUILD=release all iso
	@$(MAKE) BUILD=debug QUICK=0 all
	@$(PYTHON) scripts/run_tests.py --soak --turns "$$(seq -s ' ' $(FIRST) $$(($(FIRST) + $(SEEDS) - 1)))" $(TESTS)

.PHONY: test-clang
test-clang: ## build both shapes with clang, warnings are errors, and run the kernel's tests and some programs
	@$(MAKE) COMPILER=clang WERROR=1 BUILD=release all
	@$(MAKE) COMPILER=clang WERROR=1 BUILD=debug all
	@$(PYTHON) scripts/run_tests.py --compiler clang $(TESTS)

.PHONY: races
races: $(KERNEL) $(TESTED_KERNEL) $(BOOTFS) ## look for races: SEEDS interleavings, from FIRST on, of the tests named like TESTS
	@$(PYTHON) scripts/races.py --seeds $(SEEDS) --first $(FIRST) --shape $(BUILD) $(TESTS)

.PHONY: mutants
mutants: ## put COUNT small mistakes into PATHS of the kernel, drawn by SEED: do the tests notice? (LIST=1: only show them)
	@$(PYTHON) scripts/mutants.py --seed $(SEED) --count $(COUNT) $(if $(LIST),--list) $(if $(CORE),--core) $(PATHS)

.PHONY: replay
replay: $(BOOTED_KERNEL) $(BOOTFS) ## one of them again: TURNS=seed CPUS=4 CMDLINE=jacinth.test=channel (GDB=1: waits for gdb)
	@$(PYTHON) scripts/replay.py $(if $(GDB),--gdb $(GDB_PORT)) $(BUILD) $(CPUS) $(or $(TURNS),1) '$(CMDLINE)'

.PHONY: bench
bench: ## what each operation costs, in guest instructions and in nanoseconds; writes build/bench.json
	@$(MAKE) BUILD=release all
	@$(PYTHON) scripts/bench.py

.PHONY: bench-save
bench-save: ## the same, and into docs/performance.md: with the change that made it better
	@$(MAKE) BUILD=release all
	@ADDR2LINE=$(CROSS_COMPILE)addr2line $(PYTHON) scripts/bench.py --save

.PHONY: bench-check
bench-check: ## fail if an operation got worse than docs/performance.json says (part of make test)
	@$(MAKE) BUILD=release all
	@$(PYTHON) scripts/bench_tests.py

.PHONY: quick-report
quick-report: ## what each special path for a common case saves (lib/compiler.h); fail if one saves too little
	@$(MAKE) BUILD=release all
	@$(PYTHON) scripts/quick_report.py

.PHONY: profile
profile: ## where the instructions of an operation go: make profile OP=channel_64
	@$(MAKE) BUILD=release all
	@ADDR2LINE=$(CROSS_COMPILE)addr2line $(PYTHON) scripts/profile_operation.py $(OP)

.PHONY: check
check: all ## formatting, clang-tidy, cppcheck; warnings are errors
	@$(PYTHON) scripts/check.py

.PHONY: format
format: ## lay the sources out as .clang-format says
	@$(PYTHON) scripts/check.py --format

.PHONY: docs
docs: $(GENERATED)/manual.md ## write docs/syscalls.md anew from kernel/abi/syscalls.def
	@cp $(GENERATED)/manual.md docs/syscalls.md

.PHONY: screenshot
screenshot: $(ISO) ## write docs/boot.png, the screen after booting
	@$(PYTHON) scripts/screenshot.py $(ISO) docs/boot.png help ls mem "run hello"

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build compile_commands.json

.PHONY: help
help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-19s %s\n", $$1, $$2}'
	@echo 'Variables: BUILD=debug|release COMPILER=gcc|clang CPUS=2 MEM=1G CMDLINE="jacinth.test=1" QEMU=... CROSS_COMPILE=... WERROR=1 V=1'
	@echo 'Mutants:   make mutants SEED=1 COUNT=20 PATHS="kernel/ipc kernel/mm/vmo.c" LIST=1 CORE=1'
	@echo 'Races:     make races SEEDS=10 FIRST=1 TESTS="channel user=task.kill"; make replay TURNS=seed CPUS=4 CMDLINE=jacinth.test=channel GDB=1'
