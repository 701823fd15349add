# The compilers, which of the flags we want they know, the two shapes, and how a source becomes an object.

PYTHON ?= python3

# A cross compiler if there is one; else the machine's own tools, which must make x86-64 code.
ifndef CROSS_COMPILE
CROSS_COMPILE := $(firstword $(foreach prefix,x86_64-elf- x86_64-linux-gnu-,$(if $(shell command -v $(prefix)gcc),$(prefix))))
endif
ifeq ($(COMPILER),clang)
CC := clang --target=x86_64-linux-gnu
else ifeq ($(COMPILER),gcc)
CC := $(CROSS_COMPILE)gcc
else
$(error COMPILER is gcc or clang)
endif
LD := $(CROSS_COMPILE)ld
AR := $(CROSS_COMPILE)ar
STRIP := $(CROSS_COMPILE)strip

# $(call known-flags,FLAGS): those that the compiler accepts. One question as a rule; one for each flag with
# a compiler that does not know them all.
accepts = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo yes)
known-flags = $(if $(call accepts,$(1)),$(1),$(foreach flag,$(1),$(if $(call accepts,$(flag)),$(flag))))

WARNINGS := -Wall -Wextra $(call known-flags,-Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wpointer-arith -Wwrite-strings -Wno-address-of-packed-member)
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif

# Debug information and __FILE__ name files as seen from the top of the tree, so that two builds of one
# commit are the same bytes wherever they are made.
COMMON_FLAGS := -std=gnu17 -O2 -g -m64 -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
    -Ibuild/generated -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-asynchronous-unwind-tables \
    -fno-omit-frame-pointer -fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-offset=40 \
    $(WARNINGS) $(call known-flags,-fcf-protection=none -ffile-prefix-map=$(CURDIR)=. -gno-record-gcc-switches)

ifeq ($(BUILD),debug)
COMMON_FLAGS += -DJACINTH_DEBUG
else ifneq ($(BUILD),release)
$(error BUILD is debug or release)
endif

# QUICK=0 leaves the special paths for common cases out (lib/compiler.h).
OUT := build/$(BUILD)
ifeq ($(QUICK),0)
COMMON_FLAGS += -DJACINTH_QUICK=0
OUT := build/$(BUILD)-plain
else ifdef QUICK_OFF
OUT := build/quick-report
endif
ifeq ($(COMPILER),clang)
OUT := $(OUT)-clang
endif

# $(call say,WHAT)COMMAND prints one short line for each file made; V=1 shows the commands.
ifeq ($(V),1)
say =
else
say = @printf '  %-8s%s\n' '$(1)' '$@';
endif

# $(call remember,FILE,TEXT): rewrites FILE, now, if TEXT is another than last time. What depends on FILE is remade
# when, say, flags changed or a source file went away.
define remember
ifneq ($$(wildcard $(1)) $$(strip $(2)),$(1) $$(strip $$(file <$(1))))
$$(shell mkdir -p $(dir $(1)))$$(file >$(1),$(2))
endif
endef

# --- what is made from the definition of the system calls

GENERATED := build/generated/syscalls
GENERATED_FILES := $(addprefix $(GENERATED)/,numbers.h prototypes.h table.c zx.h mx.h stubs.S noted_stubs.S manual.md)

$(GENERATED_FILES) &: kernel/abi/syscalls.def scripts/syscalls.py
	@printf '  %-8s%s\n' GEN $(GENERATED)
	@$(PYTHON) scripts/syscalls.py kernel/abi/syscalls.def $(GENERATED)

# $(call compile-rules,TO,FROM,VARIABLE): objects below $(OUT)/TO are made of the sources below FROM, with the
# flags in VARIABLE.
define compile-rules
$(OUT)/$(1)/%.o: $(2)/% $(OUT)/$(3) | $(GENERATED_FILES)
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $$($(3)) -MD -MP -c $$< -o $$@
endef
