/* Where new regions go, for kernel/mm only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <lib/address.h>

struct vmar;

/* Finds a place for `size` bytes in the VMAR; 0: there is none. The address space's lock is held.
 */
virtual_address_t vmar_place_locked(struct vmar* vmar, size_t size, bool is_compact);
bool vmar_is_free_locked(const struct vmar* vmar, virtual_address_t base, size_t size);
