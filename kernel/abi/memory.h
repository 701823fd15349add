/* Options of the memory calls. Shared by kernel and user mode. */
#pragma once

#define ZX_VM_PERM_READ (1u << 0)
#define ZX_VM_PERM_WRITE (1u << 1)
#define ZX_VM_PERM_EXECUTE (1u << 2)
#define ZX_VM_COMPACT (1u << 3)
#define ZX_VM_SPECIFIC (1u << 4)
#define ZX_VM_SPECIFIC_OVERWRITE (1u << 5)
#define ZX_VM_CAN_MAP_SPECIFIC (1u << 6)
#define ZX_VM_CAN_MAP_READ (1u << 7)
#define ZX_VM_CAN_MAP_WRITE (1u << 8)
#define ZX_VM_CAN_MAP_EXECUTE (1u << 9)
#define ZX_VM_MAP_RANGE (1u << 10)             /* fault the whole range in at once */
#define ZX_VM_REQUIRE_NON_RESIZABLE (1u << 11) /* of vmar_map: refuse a VMO that can be resized */

#define ZX_VMO_NON_RESIZABLE (1u << 0)       /* of vmo_create */
#define ZX_VMO_CLONE_COPY_ON_WRITE (1u << 0) /* of vmo_clone, always */
#define ZX_VMO_CLONE_NON_RESIZEABLE (1u << 1)

/* Options of 2016 that later generations have not. In 2016 their values, and those of the
 * permissions, were different. */
#define ZX_VM_FLAG_2016_FIXED ZX_VM_SPECIFIC  /* exactly at the address */
#define ZX_VM_FLAG_2016_ALLOC_BASE (1u << 12) /* at the address if that is free, or elsewhere */
#define ZX_VM_FLAG_2016_DMA (1u << 13)        /* not supported */
