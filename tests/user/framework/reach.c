#include "reach.h"

#include <zircon/syscalls.h>

bool is_readable(zx_vaddr_t address) {
    zx_handle_t vmo;
    if (zx_vmo_create(PAGE_SIZE_BYTES, 0, &vmo) != ZX_OK)
        return false;
    bool is_readable = zx_vmo_write(vmo, (void*)address, 0, 1) == ZX_OK;
    zx_handle_close(vmo);
    return is_readable;
}

/* What stands there is read first, and written back. */
bool is_writable(zx_vaddr_t address) {
    zx_handle_t vmo;
    if (zx_vmo_create(PAGE_SIZE_BYTES, 0, &vmo) != ZX_OK)
        return false;
    bool is_writable = zx_vmo_write(vmo, (void*)address, 0, 1) == ZX_OK &&
                       zx_vmo_read(vmo, (void*)address, 0, 1) == ZX_OK;
    zx_handle_close(vmo);
    return is_writable;
}
