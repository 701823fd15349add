#include <arch/user_copy.h>

#include "user_copy_internal.h"

size_t user_touch_raw(void* address, bool is_write);

struct fault_entry {
    uintptr_t instruction, fixup;
};
extern const struct fault_entry fault_table_start[], fault_table_end[];

uintptr_t user_copy_fixup(uintptr_t rip) {
    for (const struct fault_entry* entry = fault_table_start; entry < fault_table_end; entry++)
        if (entry->instruction == rip)
            return entry->fixup;
    return 0;
}

bool user_fault_in(uintptr_t address, size_t size, bool is_write) {
    if (!user_range_is_valid(address, size))
        return false;
    uintptr_t end = address + size;
    for (uintptr_t at = address; at < end; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
        if (user_touch_raw((void*)at, is_write) != 0)
            return false;
    return true;
}
