/* A VMAR of eight pages to map in, and what stands there. */
#pragma once

#include <reach.h>
#include <zircon/syscalls.h>

#define PAGE PAGE_SIZE_BYTES
#define READ ZX_VM_PERM_READ
#define WRITE ZX_VM_PERM_WRITE
#define EXECUTE ZX_VM_PERM_EXECUTE
#define ANY_CHILD \
    (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)

struct place {
    zx_handle_t vmar, vmo; /* the VMO has eight pages, too */
    zx_vaddr_t base;
};
void place_create(struct place* place);
void place_destroy(const struct place* place);
zx_status_t map_at(const struct place* place, uint32_t options, size_t page, size_t pages);
/* No page of it is mapped. */
void place_expect_empty(const struct place* place);
