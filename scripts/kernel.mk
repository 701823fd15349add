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

# The first link has an empty symbol table. The table stands behind everything else, so the addresses of the
# first link are those of the second.
$(OUT)/jacinth_without_symbols.elf: $(KERNEL_OBJECTS) $(OUT)/symbols_none.o linker.ld $(OUT)/KERNEL_OBJECTS
	$(call say,LINK)$(LINK_KERNEL) $(filter %.o,$^) -o $@
$(KERNEL): $(OUT)/jacinth_without_symbols.elf $(OUT)/symbols.o
	$(call say,LINK)$(LINK_KERNEL) $(KERNEL_OBJECTS) $(OUT)/symbols.o -o $@

$(OUT)/symbols_none.S: scripts/symbols.py
	@mkdir -p $(@D)
	@$(PYTHON) scripts/symbols.py $@
$(OUT)/symbols.S: $(OUT)/jacinth_without_symbols.elf scripts/symbols.py scripts/elf_symbols.py
	$(call say,SYMBOLS)$(PYTHON) scripts/symbols.py $@ $<
$(OUT)/symbols.o $(OUT)/symbols_none.o: %.o: %.S
	@$(CC) -m64 -c $< -o $@

-include $(KERNEL_OBJECTS:.o=.d)
