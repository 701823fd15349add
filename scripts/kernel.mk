# The kernel: every source file of its rooms, the in-kernel tests (SELFTESTS=0 leaves them out), and a second
# link with the symbol table.

KERNEL := $(OUT)/jacinth.elf
KERNEL_FLAGS := $(COMMON_FLAGS) -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
    -mstack-protector-guard-reg=gs -Ikernel -Iarch/x86_64/include -Iarch/pc/include

SELFTESTS ?= 1
KERNEL_SOURCES := $(sort $(wildcard arch/*/*.[cS] kernel/*.c kernel/*/*.c) \
    $(if $(filter-out 0,$(SELFTESTS)),$(wildcard tests/kernel/*.c)))
KERNEL_OBJECTS := $(KERNEL_SOURCES:%=$(OUT)/%.o) $(OUT)/generated/table.c.o

$(eval $(call remember,$(OUT)/KERNEL_FLAGS,$(CC) $(KERNEL_FLAGS)))
$(eval $(call remember,$(OUT)/KERNEL_OBJECTS,$(KERNEL_OBJECTS)))
$(foreach folder,arch kernel tests/kernel,$(eval $(call compile-rules,$(folder),$(folder),KERNEL_FLAGS)))
$(eval $(call compile-rules,generated,$(GENERATED),KERNEL_FLAGS))

LINK_KERNEL := $(LD) -m elf_x86_64 -nostdlib -static --build-id=none -z max-page-size=4096 -z noexecstack \
    $(if $(shell $(LD) --help | grep -e no-warn-rwx-segments),--no-warn-rwx-segments) -T linker.ld

# QUICK_OFF=NAME leaves out the special path of that name alone (lib/compiler.h). Only the objects of the two rooms that
# have special paths, in sources and headers, depend on it.
ifdef QUICK_OFF
QUICK_OBJECTS := $(patsubst %,$(OUT)/%.o,$(wildcard kernel/ipc/*.c kernel/syscall/*.c))
$(eval $(call remember,$(OUT)/QUICK_OFF,$(QUICK_OFF)))
$(QUICK_OBJECTS): $(OUT)/QUICK_OFF
$(QUICK_OBJECTS): KERNEL_FLAGS += -DJACINTH_QUICK_OFF=\"$(QUICK_OFF)\"
endif

# $(call link-kernel,NAME,OBJECTS). The first link has an empty symbol table. The table stands behind everything else, so
# the addresses of the first link are those of the second.
define link-kernel
$(OUT)/$(1)_without_symbols.elf: $(2) $(OUT)/symbols_none.o linker.ld $(OUT)/KERNEL_OBJECTS
	$$(call say,LINK)$$(LINK_KERNEL) $$(filter %.o,$$^) -o $$@
$(OUT)/$(1)_symbols.S: $(OUT)/$(1)_without_symbols.elf scripts/symbols.py scripts/elf_symbols.py
	$$(call say,SYMBOLS)$$(PYTHON) scripts/symbols.py $$@ $$<
$(OUT)/$(1).elf: $(OUT)/$(1)_without_symbols.elf $(OUT)/$(1)_symbols.o
	$$(call say,LINK)$$(LINK_KERNEL) $(2) $(OUT)/$(1)_symbols.o -o $$@
endef

$(OUT)/symbols_none.S: scripts/symbols.py
	@mkdir -p $(@D)
	@$(PYTHON) scripts/symbols.py $@
$(addprefix $(OUT)/,symbols_none.o jacinth_symbols.o jacinth_with_tests_symbols.o): %.o: %.S
	@$(CC) -m64 -c $< -o $@

# Of the release shape there are two kernels, made of the same objects: the one that users run has no tests, nor their
# buffers. The debug kernel has both.
ifeq ($(BUILD),release)
TESTED_KERNEL := $(OUT)/jacinth_with_tests.elf
$(eval $(call link-kernel,jacinth,$(filter-out $(OUT)/tests/%,$(KERNEL_OBJECTS))))
$(eval $(call link-kernel,jacinth_with_tests,$(KERNEL_OBJECTS)))
else
TESTED_KERNEL := $(KERNEL)
$(eval $(call link-kernel,jacinth,$(KERNEL_OBJECTS)))
endif

# The kernel that the command line needs.
BOOTED_KERNEL = $(if $(findstring jacinth.selftest,$(CMDLINE)),$(TESTED_KERNEL),$(KERNEL))

-include $(KERNEL_OBJECTS:.o=.d)
