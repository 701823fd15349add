/* Changing the permissions of mappings. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/address.h>

struct vmar;

/* Changes the permissions of all mappings in the range, also those in VMARs inside this one.
 * NOT_FOUND: a part of the range is not mapped. ACCESS_DENIED as for vmar_map. On an error nothing
 * has changed. */
zx_status_t vmar_protect(struct vmar* vmar, uint32_t options, virtual_address_t address,
                         size_t size);
