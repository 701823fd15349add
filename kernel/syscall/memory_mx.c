/* The memory calls of 2016 and 2017 that 2018 replaced by other calls. */
#include <syscalls/prototypes.h>

#include <mm/aspace.h>
#include <mm/protect.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_copy.h>
#include <task/process.h>
#include <object/vmo_object.h>
#include <syscall/handle_helpers.h>
#include <syscall/vmar_helpers.h>

/* --- 2017: reads and writes that stop at the VMO's end ---------------------------------------- */

/* Copies between the VMO and user memory, up to the end of the VMO, and writes the size copied to
 * `actual`, which may be NULL. OUT_OF_RANGE: the offset is past the end. */
typedef zx_status_t vmo_copy_t(struct vmo* vmo, uintptr_t user, uint64_t offset, size_t size);

static zx_status_t copy_up_to_end(vmo_copy_t* copy, struct vmo* vmo, uintptr_t buffer,
                                  uint64_t offset, size_t size, uintptr_t actual) {
    if (offset > vmo_size(vmo))
        return ZX_ERR_OUT_OF_RANGE;
    if (actual && !user_fault_in(actual, sizeof(size), true))
        return ZX_ERR_INVALID_ARGS;
    size = MIN(size, vmo_size(vmo) - offset);
    zx_status_t status = copy(vmo, buffer, offset, size);
    if (status == ZX_OK && actual && !user_write_bytes(actual, &size, sizeof(size)))
        return ZX_ERR_INVALID_ARGS;
    return status;
}

static zx_status_t transfer(zx_handle_t vmo, zx_rights_t right, vmo_copy_t* copy, uintptr_t buffer,
                            uint64_t offset, size_t size, uintptr_t actual) {
    struct object* object;
    zx_status_t status = handle_get(vmo, ZX_OBJ_TYPE_VMO, right, &object);
    if (status != ZX_OK)
        return status;
    return handle_put(object,
                      copy_up_to_end(copy, vmo_from_object(object), buffer, offset, size, actual));
}

zx_status_t sys_mx_vmo_read(zx_handle_t vmo, user_out(void) buffer, uint64_t offset, size_t size,
                            user_out(size_t) actual) {
    return transfer(vmo, ZX_RIGHT_READ, vmo_read_user, buffer.address, offset, size,
                    actual.address);
}

zx_status_t sys_mx_vmo_write(zx_handle_t vmo, user_in(void) buffer, uint64_t offset, size_t size,
                             user_out(size_t) actual) {
    return transfer(vmo, ZX_RIGHT_WRITE, vmo_write_user, buffer.address, offset, size,
                    actual.address);
}

/* --- 2016: the memory of a process, named by the process -------------------------------------- */

#define MAP_VM_FLAGS (VMAR_PERMISSIONS | ZX_VM_FLAG_2016_FIXED | ZX_VM_FLAG_2016_ALLOC_BASE)

static zx_status_t get_root(zx_handle_t process, struct object** object, struct vmar** root) {
    zx_status_t status = handle_get(process, ZX_OBJ_TYPE_PROCESS, ZX_RIGHT_WRITE, object);
    if (status == ZX_OK)
        *root = aspace_root(process_from(*object)->aspace);
    return status;
}

/* ALLOC_BASE is a hint: if the place is not free, another one is chosen. */
static zx_status_t map(struct vmar* root, struct vmar_map_request* request,
                       user_inout(uintptr_t) address, uint32_t flags) {
    if (flags & (ZX_VM_FLAG_2016_FIXED | ZX_VM_FLAG_2016_ALLOC_BASE)) {
        uintptr_t wanted;
        if (!user_read(&wanted, address, 1))
            return ZX_ERR_INVALID_ARGS;
        request->options |= ZX_VM_SPECIFIC;
        request->vmar_offset = wanted - vmar_base(root);
        zx_status_t status = vmar_map_out(root, request, address.address);
        if (status == ZX_OK || (flags & ZX_VM_FLAG_2016_FIXED))
            return status;
        request->options &= ~ZX_VM_SPECIFIC;
        request->vmar_offset = 0;
    }
    return vmar_map_out(root, request, address.address);
}

zx_status_t sys_mx_process_map_vm(zx_handle_t process, zx_handle_t vmo, uint64_t offset,
                                  size_t size, user_inout(uintptr_t) address, uint32_t flags) {
    if (flags & ZX_VM_FLAG_2016_DMA)
        return ZX_ERR_NOT_SUPPORTED;
    if (flags & ~MAP_VM_FLAGS)
        return ZX_ERR_INVALID_ARGS;
    vmar_obey_policy(flags);
    struct object *process_object, *vmo_object;
    struct vmar* root;
    zx_rights_t rights;
    zx_status_t status = get_root(process, &process_object, &root);
    if (status != ZX_OK)
        return status;
    status = handle_get_with_rights(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_MAP, &vmo_object, &rights);
    if (status != ZX_OK)
        return handle_put(process_object, status);
    struct vmar_map_request request = {
        .options = flags & VMAR_PERMISSIONS,
        .allowed = vmar_permissions_of(rights),
        .vmo = vmo_from_object(vmo_object),
        .vmo_offset = offset,
        .size = size,
    };
    status = map(root, &request, address, flags);
    return handle_put(process_object, handle_put(vmo_object, status));
}

zx_status_t sys_mx_process_protect_vm(zx_handle_t process, uintptr_t address, size_t size,
                                      uint32_t protection) {
    if (protection & ~VMAR_PERMISSIONS)
        return ZX_ERR_INVALID_ARGS;
    vmar_obey_policy(protection);
    struct object* object;
    struct vmar* root;
    zx_status_t status = get_root(process, &object, &root);
    if (status != ZX_OK)
        return status;
    return handle_put(object, vmar_protect(root, protection, address, size));
}

zx_status_t sys_mx_process_unmap_vm(zx_handle_t process, uintptr_t address, size_t size) {
    struct object* object;
    struct vmar* root;
    zx_status_t status = get_root(process, &object, &root);
    if (status != ZX_OK)
        return status;
    return handle_put(object, vmar_unmap(root, address, size));
}
