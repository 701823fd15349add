# User mode: the C library, one program for each folder of user/ (bin/NAME) and of tests/user/ (test/NAME), the
# benchmark (bench/bench), and the boot archives they travel in: one with everything, and one without tests and
# benchmark, for CD images. A folder of source files is all a new program needs.

BOOTFS := $(OUT)/bootfs.cpio
SYSTEM_BOOTFS := $(OUT)/system.cpio
USER_FLAGS := $(COMMON_FLAGS) -fPIE -fvisibility=hidden -ffunction-sections -fdata-sections \
    -mstack-protector-guard-reg=fs -isystem libc/include -Ikernel
LIBC_FLAGS := $(USER_FLAGS) -Ilibc
TEST_FLAGS := $(USER_FLAGS) -Itests/user/framework

$(eval $(call remember,$(OUT)/LIBC_FLAGS,$(CC) $(LIBC_FLAGS)))
$(eval $(call remember,$(OUT)/USER_FLAGS,$(CC) $(USER_FLAGS)))
$(eval $(call remember,$(OUT)/TEST_FLAGS,$(CC) $(TEST_FLAGS)))
$(eval $(call compile-rules,libc,libc,LIBC_FLAGS))
$(eval $(call compile-rules,libc/generated,$(GENERATED),LIBC_FLAGS))
$(eval $(call compile-rules,user,user,USER_FLAGS))
$(eval $(call compile-rules,tests/user,tests/user,TEST_FLAGS))
$(eval $(call compile-rules,tests/bench,tests/bench,USER_FLAGS))

# --- libraries: libc for every program, libtest for the test programs. The linker finds libtest's system call stubs,
# which note errors, before those of libc.

LIBC := $(OUT)/libc.a
LIBC_SOURCES := $(sort $(wildcard libc/*/*.[cS]))
LIBTEST := $(OUT)/libtest.a
LIBTEST_SOURCES := $(sort $(wildcard tests/user/framework/*.[cS]))

# $(call library,FILE,OBJECTS)
define library
$(eval $(call remember,$(1).objects,$(2)))
$(1): $(2) $(1).objects
	@rm -f $$@
	$$(call say,AR)$$(AR) rcsD $$@ $$(filter %.o,$$^)
endef
$(eval $(call library,$(LIBC),$(LIBC_SOURCES:%=$(OUT)/%.o) $(OUT)/libc/generated/stubs.S.o))
$(eval $(call library,$(LIBTEST),$(LIBTEST_SOURCES:%=$(OUT)/%.o) $(OUT)/libc/generated/noted_stubs.S.o))

# --- programs

LINK_USER := $(LD) -m elf_x86_64 -pie --no-dynamic-linker -nostdlib --build-id=none -z text -z noexecstack \
    -z relro -z separate-code -z max-page-size=4096 --gc-sections -e _start

sources-in = $(sort $(wildcard $(1)/*.[cS] $(1)/*/*.[cS]))
programs-in = $(foreach folder,$(patsubst %/,%,$(wildcard $(1)/*/)),$(if $(call sources-in,$(folder)),$(folder)))
TEST_PROGRAMS := $(filter-out tests/user/framework,$(call programs-in,tests/user))

# $(call program,NAME IN THE ARCHIVE,SOURCES,LIBRARIES)
define program
ARCHIVED += $(1)
PROGRAM_SOURCES += $(2)
$(eval $(call remember,$(OUT)/programs/$(1).objects,$(2)))
$(OUT)/programs/$(1): $(patsubst %,$(OUT)/%.o,$(2)) $(3) $(OUT)/programs/$(1).objects
	$$(call say,LINK)$$(LINK_USER) $$(filter %.o,$$^) --start-group $(3) --end-group -o $$@
endef
$(foreach folder,$(call programs-in,user),\
    $(eval $(call program,bin/$(notdir $(folder)),$(call sources-in,$(folder)),$(LIBC))))
$(foreach folder,$(TEST_PROGRAMS),\
    $(eval $(call program,test/$(notdir $(folder)),$(call sources-in,$(folder)),$(LIBTEST) $(LIBC))))
$(eval $(call program,bench/bench,$(sort $(wildcard tests/bench/*.c tests/bench/jacinth/*.c)),$(LIBC)))
$(eval $(call program,bench/tiny,tests/bench/tiny/main.c,$(LIBC)))

# Into the archive they go without debug information.
$(OUT)/root/%: $(OUT)/programs/%
	@mkdir -p $(@D)
	@$(STRIP) -o $@ $<
# $(call archive,FILE,NAMES IN THE ARCHIVE)
define archive
$(eval $(call remember,$(1).names,$(2)))
$(1): $(2:%=$(OUT)/root/%) $(1).names scripts/mkbootfs.py
	$$(call say,ARCHIVE)$$(PYTHON) scripts/mkbootfs.py $$@ $(foreach name,$(2),$(name)=$(OUT)/root/$(name))
endef
$(eval $(call archive,$(BOOTFS),$(ARCHIVED)))
$(eval $(call archive,$(SYSTEM_BOOTFS),$(filter bin/%,$(ARCHIVED))))

USER_SOURCES := $(LIBC_SOURCES) $(LIBTEST_SOURCES) $(PROGRAM_SOURCES)
-include $(USER_SOURCES:%=$(OUT)/%.d)
