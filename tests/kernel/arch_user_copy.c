/* The fault table: see arch/x86_64/user_copy.c. */

#include <stddef.h>
#include <stdint.h>

#include "selftest.h"

struct fault_entry {
    uintptr_t instruction, fixup;
};
extern const struct fault_entry fault_table_start[], fault_table_end[];
extern const char text_start[], text_end[];
uintptr_t user_copy_fixup(uintptr_t rip);

SELFTEST(user_copy, every_instruction_that_may_fault_is_found) {
    size_t count = (size_t)(fault_table_end - fault_table_start);
    EXPECT(count > 0);
    for (size_t i = 0; i < count; i++) {
        EXPECT_EQUAL(user_copy_fixup(fault_table_start[i].instruction), fault_table_start[i].fixup);
        EXPECT(i == 0 || fault_table_start[i - 1].instruction < fault_table_start[i].instruction);
    }
}

SELFTEST(user_copy, no_other_instruction_may_fault) {
    size_t at = 0, count = (size_t)(fault_table_end - fault_table_start);
    for (uintptr_t rip = (uintptr_t)text_start; rip < (uintptr_t)text_end; rip++) {
        if (at < count && rip == fault_table_start[at].instruction)
            at++;
        else
            EXPECT_EQUAL(user_copy_fixup(rip), 0);
    }
    EXPECT_EQUAL(at, count);
    EXPECT_EQUAL(user_copy_fixup(0), 0);
    EXPECT_EQUAL(user_copy_fixup(UINTPTR_MAX), 0);
}
