# The CD image, which boots by BIOS and by UEFI; how QEMU is started; what editors want to know.

ISO := $(OUT)/jacinth.iso

$(eval $(call remember,$(OUT)/CMDLINE,$(CMDLINE)))
# The tests are most of what there is: they go in only when the command line asks for one.
ISO_BOOTFS := $(if $(findstring jacinth.test,$(CMDLINE)),$(BOOTFS),$(SYSTEM_BOOTFS))
$(ISO): $(BOOTED_KERNEL) $(ISO_BOOTFS) $(OUT)/CMDLINE scripts/mkiso.sh
	$(call say,ISO)STRIP=$(STRIP) sh scripts/mkiso.sh $(BOOTED_KERNEL) $(ISO_BOOTFS) $@ '$(CMDLINE)'

GDB_PORT ?= 1234
OVMF ?= $(firstword $(wildcard /usr/share/ovmf/OVMF.fd /usr/share/qemu/OVMF.fd /usr/share/edk2/x64/OVMF.4m.fd))

QEMU_FLAGS = -cpu max -smp $(CPUS) -m $(MEM) -nographic -nic none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4
PVH_FLAGS = -kernel $(BOOTED_KERNEL) -initrd $(BOOTFS) -append '$(CMDLINE)'

# Without GRUB for PCs (on an Arm host, say) `make run` boots the kernel directly.
HAS_GRUB := $(wildcard /usr/lib/grub/i386-pc/moddep.lst)

# A machine that switched itself off in good order leaves status 1 behind: see machine_exit.
run-qemu = $(QEMU) $(QEMU_FLAGS) $(1); [ $$? -le 1 ]

compile_commands.json: scripts/compile_commands.py $(KERNEL_OBJECTS) $(BOOTFS)
	$(call say,WRITE)$(PYTHON) $< $@ \
	    '$(CC) $(KERNEL_FLAGS)' $(KERNEL_SOURCES) '$(CC) $(LIBC_FLAGS)' $(LIBC_SOURCES) \
	    '$(CC) $(TEST_FLAGS)' $(filter tests/%,$(USER_SOURCES)) '$(CC) $(USER_FLAGS)' $(filter user/%,$(USER_SOURCES))
