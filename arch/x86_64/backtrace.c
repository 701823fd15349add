#include <arch/backtrace.h>

#include <stdbool.h>

#include <arch/layout.h>
#include <arch/paging.h>
#include <lib/compiler.h>

extern const char kernel_start[], kernel_end[];

/* Before paging_init the kernel's page table does not exist, and the only stack lies in the image.
 */
static bool is_readable(uintptr_t address) {
    physical_address_t physical;
    uint32_t flags;
    if (!IS_ALIGNED(address, sizeof(uintptr_t)) || address < PHYSICAL_MAP_BASE)
        return false;
    if (page_table_kernel()->root.value == 0)
        return address >= (uintptr_t)kernel_start && address < (uintptr_t)kernel_end;
    return page_table_query(page_table_kernel(), address, &physical, &flags) &&
           !(flags & PAGING_UNCACHED);
}

size_t backtrace_collect(uintptr_t frame_pointer, uintptr_t* addresses, size_t limit) {
    if (!frame_pointer)
        frame_pointer = (uintptr_t)__builtin_frame_address(0);
    size_t count = 0;
    /* Two words: the caller's frame pointer and the return address, in one page or two. */
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
