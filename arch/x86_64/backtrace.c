#include <arch/backtrace.h>

#include <stdbool.h>

#include <arch/layout.h>
#include <arch/paging.h>
#include <lib/compiler.h>

static bool is_readable(uintptr_t address) {
    physical_address_t physical;
    uint32_t flags;
    return address >= PHYSICAL_MAP_BASE && IS_ALIGNED(address, sizeof(uintptr_t)) &&
           page_table_query(page_table_kernel(), address, &physical, &flags);
}

size_t backtrace_collect(uintptr_t frame_pointer, uintptr_t* addresses, size_t limit) {
    if (!frame_pointer)
        frame_pointer = (uintptr_t)__builtin_frame_address(0);
    size_t count = 0;
    /* Two words: the caller's frame pointer and the return address. They lie in one page or the next. */
    while (count < limit && is_readable(frame_pointer) &&
           is_readable(frame_pointer + sizeof(uintptr_t))) {
        const uintptr_t* frame = (const uintptr_t*)frame_pointer;
        if (!frame[1])
            break;
        addresses[count++] = frame[1];
        if (frame[0] <= frame_pointer)
            break;
        frame_pointer = frame[0];
    }
    return count;
}
