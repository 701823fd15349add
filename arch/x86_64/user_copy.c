#include <arch/user_copy.h>

#include <arch/context.h>

#include "cpu_internal.h"

#define TOUCHED_BETWEEN_LOOKS (64ul << 10) /* bytes, between two checks for a kill */

struct fault_entry {
    uintptr_t instruction, fixup;
};
extern struct fault_entry fault_table_start[], fault_table_end[];

/* Sorts the table by insertion: the linker leaves it nearly in order. */
void user_copy_init(void) {
    for (struct fault_entry* next = fault_table_start + 1; next < fault_table_end; next++) {
        struct fault_entry moved = *next, *to = next;
        for (; to > fault_table_start && to[-1].instruction > moved.instruction; to--)
            *to = to[-1];
        *to = moved;
    }
}

uintptr_t user_copy_fixup(uintptr_t rip) {
    const struct fault_entry *first = fault_table_start, *end = fault_table_end;
    while (first < end) {
        const struct fault_entry* middle = first + (end - first) / 2;
        if (middle->instruction == rip)
            return middle->fixup;
        if (middle->instruction < rip)
            first = middle + 1;
        else
            end = middle;
    }
    return 0;
}

static bool copy(void* to, const void* from, size_t size) {
    user_access_open();
    bool is_copied =
        size >= BULK_COPY_MIN ? bulk_copy(to, from, size) == 0 : user_access_copy(to, from, size);
    user_access_close();
    return is_copied;
}

bool user_copy_in(void* to, uintptr_t from_user, size_t size) {
    return user_range_is_valid(from_user, size) && copy(to, (const void*)from_user, size);
}

bool user_copy_out(uintptr_t to_user, const void* from, size_t size) {
    return user_range_is_valid(to_user, size) && copy((void*)to_user, from, size);
}

static bool touch(uintptr_t address, bool is_write) {
    uint8_t byte;
    user_access_open();
    bool is_present = is_write ? user_access_touch(address, sizeof(byte))
                               : user_access_copy(&byte, (const void*)address, sizeof(byte));
    user_access_close();
    return is_present;
}

bool user_fault_in(uintptr_t address, size_t size, bool is_write) {
    if (!user_range_is_valid(address, size))
        return false;
    uintptr_t end = address + size;
    for (uintptr_t at = address;;) {
        uintptr_t span_end = MIN(end, at + TOUCHED_BETWEEN_LOOKS);
        for (; at < span_end; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
            if (!touch(at, is_write))
                return false;
        if (at >= end)
            return true;
        if (context_is_killed())
            return false;
    }
}
