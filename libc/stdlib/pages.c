/* See internal/pages.h. Each call makes one VMO, which exists as long as its mapping. */
#include <internal/pages.h>

#include <zircon/process.h>
#include <zircon/syscalls.h>

void* pages_map(size_t size) {
    zx_handle_t vmo;
    if (zx_vmo_create(size, 0, &vmo) != ZX_OK)
        return NULL;
    zx_vaddr_t address;
    zx_status_t status = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0,
                                     vmo, 0, size, &address);
    zx_handle_close(vmo);
    return status == ZX_OK ? (void*)address : NULL;
}

void pages_unmap(void* pages, size_t size) {
    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)pages, size);
}
