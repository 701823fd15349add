/* Every system call, 2018 spelling; docs/syscalls.md is the manual. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS
#include <syscalls/zx.h>

/* The deadline that is `nanoseconds` from now; ZX_TIME_INFINITE if that is too late for the type.
 */
zx_time_t zx_deadline_after(zx_duration_t nanoseconds);
/* The first name of zx_clock_get in 2018. */
zx_status_t zx_clock_get_new(zx_clock_t clock, zx_time_t* time);

/* The same calls with the options after the sizes. 2018 changed the order. */

static inline zx_status_t zx_vmar_allocate_old(zx_handle_t parent, uint64_t offset, uint64_t size,
                                               uint32_t flags, zx_handle_t* child,
                                               zx_vaddr_t* child_address) {
    return zx_vmar_allocate(parent, flags, offset, size, child, child_address);
}

static inline zx_status_t zx_vmar_map_old(zx_handle_t vmar, uint64_t vmar_offset, zx_handle_t vmo,
                                          uint64_t vmo_offset, uint64_t size, uint32_t flags,
                                          zx_vaddr_t* mapped_address) {
    return zx_vmar_map(vmar, flags, vmar_offset, vmo, vmo_offset, size, mapped_address);
}

static inline zx_status_t zx_vmar_protect_old(zx_handle_t vmar, zx_vaddr_t address, uint64_t size,
                                              uint32_t flags) {
    return zx_vmar_protect(vmar, flags, address, size);
}
__END_CDECLS
