/* Every system call, 2016 and 2017 spelling; docs/syscalls.md is the manual. */
#pragma once

#include <magenta/types.h>
#include <zircon/syscalls.h>

__BEGIN_CDECLS
#include <syscalls/mx.h>

/* The deadline that is `nanoseconds` from now; ZX_TIME_INFINITE if that is too late for the type.
 */
mx_time_t mx_deadline_after(mx_duration_t nanoseconds);
/* The time of the clock; 0 if there is no such clock. 2017 and 2016. */
mx_time_t mx_time_get(uint32_t clock);
mx_time_t mx_current_time(uint32_t clock);

/* In 2017 the options of these calls came after the sizes; otherwise the calls are the same. */

static inline mx_status_t mx_vmar_allocate(mx_handle_t parent, size_t offset, size_t size,
                                           uint32_t flags, mx_handle_t* child,
                                           uintptr_t* child_address) {
    return zx_vmar_allocate(parent, flags, offset, size, child, child_address);
}

static inline mx_status_t mx_vmar_map(mx_handle_t vmar, size_t vmar_offset, mx_handle_t vmo,
                                      uint64_t vmo_offset, size_t size, uint32_t flags,
                                      uintptr_t* mapped_address) {
    return zx_vmar_map(vmar, flags, vmar_offset, vmo, vmo_offset, size, mapped_address);
}

static inline mx_status_t mx_vmar_protect(mx_handle_t vmar, uintptr_t address, size_t size,
                                          uint32_t flags) {
    return zx_vmar_protect(vmar, flags, address, size);
}
__END_CDECLS
