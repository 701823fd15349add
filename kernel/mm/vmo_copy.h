/* Reading and writing VMOs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>

struct vmo;

/* Copies between kernel memory and the VMO. OUT_OF_RANGE: not all inside. NO_MEMORY. CANCELED: the
 * thread was killed; a part may have been copied. */
zx_status_t vmo_read(struct vmo* vmo, void* to, uint64_t offset, size_t size);
zx_status_t vmo_write(struct vmo* vmo, const void* from, uint64_t offset, size_t size);
/* vmo_read and vmo_write between user memory and the VMO. INVALID_ARGS: bad user address. No lock
 * held. */
zx_status_t vmo_read_user(struct vmo* vmo, uintptr_t to_user, uint64_t offset, size_t size);
zx_status_t vmo_write_user(struct vmo* vmo, uintptr_t from_user, uint64_t offset, size_t size);
