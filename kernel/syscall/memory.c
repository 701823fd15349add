#include <syscalls/prototypes.h>

#include <mm/aspace.h>
#include <mm/protect.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_copy.h>
#include <object/vmar_object.h>
#include <object/vmo_object.h>
#include <syscall/handle_helpers.h>

#define CAN_MAP_MASK (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE)

/* --- VMOs ----------------------------------------------------------------------------------- */

zx_status_t sys_vmo_create(uint64_t size, uint32_t options, user_out(zx_handle_t) out) {
    if (options & ~ZX_VMO_NON_RESIZABLE)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_VMO);
    if (status != ZX_OK)
        return status;
    struct vmo* vmo;
    status = vmo_create(size, &vmo);
    if (status != ZX_OK)
        return status;
    struct vmo_object* object = vmo_object_create(vmo);
    if (!object)
        return ZX_ERR_NO_MEMORY;
    object->is_resizable = !(options & ZX_VMO_NON_RESIZABLE);
    return handle_install_out(&object->object, VMO_DEFAULT_RIGHTS, out);
}

typedef zx_status_t vmo_copy_t(struct vmo* vmo, uintptr_t user, uint64_t offset, size_t size);

/* 2017: copies up to the end of the VMO, and writes the size copied to `actual`, which may be NULL.
 * OUT_OF_RANGE: the offset is past the end. */
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

/* `actual` NULL: 2018. */
static zx_status_t transfer(zx_handle_t handle, zx_rights_t right, vmo_copy_t* copy,
                            uintptr_t buffer, uint64_t offset, size_t size,
                            const user_out(size_t) * actual) {
    struct object* object;
    zx_status_t status = handle_get(handle, ZX_OBJ_TYPE_VMO, right, &object);
    if (status != ZX_OK)
        return status;
    struct vmo* vmo = vmo_from_object(object);
    status = actual ? copy_up_to_end(copy, vmo, buffer, offset, size, actual->address)
                    : copy(vmo, buffer, offset, size);
    return handle_put(object, status);
}

zx_status_t sys_vmo_read(zx_handle_t vmo, user_out(void) buffer, uint64_t offset, size_t size) {
    return transfer(vmo, ZX_RIGHT_READ, vmo_read_user, buffer.address, offset, size, NULL);
}

zx_status_t sys_vmo_write(zx_handle_t vmo, user_in(void) buffer, uint64_t offset, size_t size) {
    return transfer(vmo, ZX_RIGHT_WRITE, vmo_write_user, buffer.address, offset, size, NULL);
}

zx_status_t sys_mx_vmo_read(zx_handle_t vmo, user_out(void) buffer, uint64_t offset, size_t size,
                            user_out(size_t) actual) {
    return transfer(vmo, ZX_RIGHT_READ, vmo_read_user, buffer.address, offset, size, &actual);
}

zx_status_t sys_mx_vmo_write(zx_handle_t vmo, user_in(void) buffer, uint64_t offset, size_t size,
                             user_out(size_t) actual) {
    return transfer(vmo, ZX_RIGHT_WRITE, vmo_write_user, buffer.address, offset, size, &actual);
}

zx_status_t sys_vmo_get_size(zx_handle_t vmo, user_out(uint64_t) size) {
    struct object* object;
    zx_status_t status = handle_get(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_NONE, &object);
    if (status != ZX_OK)
        return status;
    uint64_t bytes = vmo_size(vmo_from_object(object));
    object_release(object);
    return user_write(size, &bytes, 1) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

/* The clone's handle has WRITE even if the original's has not, because the clone gets its own copy
 * of a page that is written. */
zx_status_t sys_vmo_clone(zx_handle_t vmo, uint32_t options, uint64_t offset, uint64_t size,
                          user_out(zx_handle_t) out) {
    if ((options & ~ZX_VMO_CLONE_NON_RESIZEABLE) != ZX_VMO_CLONE_COPY_ON_WRITE)
        return ZX_ERR_INVALID_ARGS;
    struct object* object;
    zx_rights_t rights;
    zx_status_t status = process_check_policy(ZX_POL_NEW_VMO);
    if (status != ZX_OK)
        return status;
    status = handle_get_with_rights(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ,
                                    &object, &rights);
    if (status != ZX_OK)
        return status;
    struct vmo_object* clone;
    status = vmo_object_clone(vmo_object_from(object), offset, size, &clone);
    object_release(object);
    if (status != ZX_OK)
        return status;
    clone->is_resizable = !(options & ZX_VMO_CLONE_NON_RESIZEABLE);
    return handle_install_out(&clone->object, rights | ZX_RIGHT_WRITE | ZX_RIGHTS_PROPERTY, out);
}

/* --- VMARs ---------------------------------------------------------------------------------- */

/* Returns the permissions that a handle's rights allow for a mapping. */
static inline uint32_t vmar_permissions_of(zx_rights_t rights) {
    return (rights & ZX_RIGHT_READ ? ZX_VM_PERM_READ : 0) |
           (rights & ZX_RIGHT_WRITE ? ZX_VM_PERM_WRITE : 0) |
           (rights & ZX_RIGHT_EXECUTE ? ZX_VM_PERM_EXECUTE : 0);
}

/* A job's policy may kill a process that asks for a writable and executable mapping; so the caller
 * must hold no object. Whether such a mapping is denied depends on the address space that is mapped
 * to, and is checked there. */
static inline void vmar_obey_policy(uint32_t permissions) {
    const uint32_t both = ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE;
    if ((permissions & both) == both) {
        zx_status_t is_allowed = process_check_policy(ZX_POL_VMAR_WX);
        (void)is_allowed;
    }
}

/* vmar_map for the calling process; writes the address to user memory at `out`. INVALID_ARGS also
 * if `out` is bad; then nothing is mapped. */
static inline zx_status_t vmar_map_out(struct vmar* vmar, const struct vmar_map_request* request,
                                       uintptr_t out) {
    if ((request->options & VMAR_PERMISSIONS) & ~request->allowed)
        return ZX_ERR_ACCESS_DENIED;
    if (!user_fault_in(out, sizeof(zx_vaddr_t), true))
        return ZX_ERR_INVALID_ARGS;
    virtual_address_t mapped;
    zx_status_t status = vmar_map(vmar, request, &mapped);
    if (status != ZX_OK)
        return status;
    if (user_write_bytes(out, &mapped, sizeof(mapped)))
        return ZX_OK;
    (void)vmar_unmap(vmar, mapped, ALIGN_UP(request->size, (size_t)PAGE_SIZE_BYTES));
    return ZX_ERR_INVALID_ARGS;
}

/* Where a call maps: a VMAR, or the whole address space of a process (2016). */
struct place {
    struct object* object; /* what the handle names; a reference */
    struct vmar* vmar;
    uint32_t permissions; /* that the handle allows to a mapping */
};

/* `type`: of the handle, VMAR or PROCESS. */
static ALWAYS_INLINE zx_status_t get_place(zx_handle_t handle, zx_obj_type_t type,
                                           struct place* place) {
    bool is_process = type == ZX_OBJ_TYPE_PROCESS;
    zx_rights_t needed = is_process ? ZX_RIGHT_WRITE : ZX_RIGHT_NONE, rights;
    zx_status_t status = handle_get_with_rights(handle, type, needed, &place->object, &rights);
    if (status != ZX_OK)
        return status;
    place->vmar = is_process ? aspace_root(process_from(place->object)->aspace)
                             : vmar_object_from(place->object)->vmar;
    place->permissions = is_process ? VMAR_PERMISSIONS : vmar_permissions_of(rights);
    return ZX_OK;
}

/* 2016: maps at the address that stands at `address`. ALLOC_BASE is a hint: if the place is not
 * free, another one is chosen. */
static zx_status_t map_near(struct vmar* root, struct vmar_map_request* request, uintptr_t address,
                            uint32_t flags) {
    if (flags & (ZX_VM_FLAG_2016_FIXED | ZX_VM_FLAG_2016_ALLOC_BASE)) {
        uintptr_t wanted;
        if (!user_copy_in(&wanted, address, sizeof(wanted)))
            return ZX_ERR_INVALID_ARGS;
        request->options |= ZX_VM_SPECIFIC;
        request->vmar_offset = wanted - vmar_base(root);
        zx_status_t status = vmar_map_out(root, request, address);
        if (status == ZX_OK || (flags & ZX_VM_FLAG_2016_FIXED))
            return status;
        request->options &= ~ZX_VM_SPECIFIC;
        request->vmar_offset = 0;
    }
    return vmar_map_out(root, request, address);
}

/* Maps what the rights of both handles allow; they limit a later vmar_protect too. `options`: those
 * of the caller's generation. */
static ALWAYS_INLINE zx_status_t map(zx_handle_t place_handle, zx_obj_type_t place_type,
                                     uint32_t options, zx_handle_t vmo,
                                     struct vmar_map_request* request, uintptr_t address) {
    struct place place;
    struct object* object;
    zx_rights_t rights;
    vmar_obey_policy(options);
    zx_status_t status = get_place(place_handle, place_type, &place);
    if (status != ZX_OK)
        return status;
    status = handle_get_with_rights(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_MAP, &object, &rights);
    if (status != ZX_OK)
        return handle_put(place.object, status);
    request->vmo = vmo_from_object(object);
    request->allowed = place.permissions & vmar_permissions_of(rights);
    if (options & ZX_VM_REQUIRE_NON_RESIZABLE && vmo_object_from(object)->is_resizable)
        status = ZX_ERR_NOT_SUPPORTED;
    else if (place_type == ZX_OBJ_TYPE_PROCESS)
        status = map_near(place.vmar, request, address, options);
    else
        status = vmar_map_out(place.vmar, request, address);
    return handle_put(place.object, handle_put(object, status));
}

static ALWAYS_INLINE zx_status_t unmap(zx_handle_t handle, zx_obj_type_t type, uintptr_t address,
                                       size_t size) {
    struct place place;
    zx_status_t status = get_place(handle, type, &place);
    if (status != ZX_OK)
        return status;
    return handle_put(place.object, vmar_unmap(place.vmar, address, size));
}

static zx_status_t protect(zx_handle_t handle, zx_obj_type_t type, uint32_t permissions,
                           uintptr_t address, size_t size) {
    if (permissions & ~VMAR_PERMISSIONS)
        return ZX_ERR_INVALID_ARGS;
    vmar_obey_policy(permissions);
    struct place place;
    zx_status_t status = get_place(handle, type, &place);
    if (status != ZX_OK)
        return status;
    if (permissions & ~place.permissions)
        return handle_put(place.object, ZX_ERR_ACCESS_DENIED);
    return handle_put(place.object, vmar_protect(place.vmar, permissions, address, size));
}

zx_status_t sys_vmar_map(zx_handle_t vmar, uint32_t options, size_t vmar_offset, zx_handle_t vmo,
                         uint64_t vmo_offset, size_t size, user_out(zx_vaddr_t) mapped_address) {
    struct vmar_map_request request = {
        .options = options & ~ZX_VM_REQUIRE_NON_RESIZABLE,
        .vmar_offset = vmar_offset,
        .vmo_offset = vmo_offset,
        .size = size,
    };
    if (!vmar_map_options_are_valid(request.options))
        return ZX_ERR_INVALID_ARGS;
    return map(vmar, ZX_OBJ_TYPE_VMAR, options, vmo, &request, mapped_address.address);
}

zx_status_t sys_vmar_unmap(zx_handle_t vmar, zx_vaddr_t address, size_t size) {
    return unmap(vmar, ZX_OBJ_TYPE_VMAR, address, size);
}

zx_status_t sys_vmar_protect(zx_handle_t vmar, uint32_t options, zx_vaddr_t address, size_t size) {
    return protect(vmar, ZX_OBJ_TYPE_VMAR, options, address, size);
}

/* Returns the VMAR options that allow these mapping permissions. */
static uint32_t can_map_of(uint32_t permissions) {
    return (permissions & ZX_VM_PERM_READ ? ZX_VM_CAN_MAP_READ : 0) |
           (permissions & ZX_VM_PERM_WRITE ? ZX_VM_CAN_MAP_WRITE : 0) |
           (permissions & ZX_VM_PERM_EXECUTE ? ZX_VM_CAN_MAP_EXECUTE : 0);
}

static zx_status_t allocate(const struct vmar_object* parent, uint32_t options, size_t offset,
                            size_t size, user_out(zx_handle_t) child_out,
                            user_out(zx_vaddr_t) address_out) {
    if (!user_fault_in(child_out.address, sizeof(zx_handle_t), true) ||
        !user_fault_in(address_out.address, sizeof(zx_vaddr_t), true))
        return ZX_ERR_INVALID_ARGS;
    struct vmar* child;
    virtual_address_t base;
    zx_status_t status = vmar_allocate(parent->vmar, options, offset, size, &child, &base);
    if (status != ZX_OK)
        return status;
    struct vmar_object* object = vmar_object_create(parent->aspace, child);
    if (!object)
        status = ZX_ERR_NO_MEMORY;
    else if (!user_write(address_out, &base, 1))
        status = handle_put(&object->object, ZX_ERR_INVALID_ARGS);
    else
        status = handle_install_out(&object->object, VMAR_DEFAULT_RIGHTS, child_out);
    if (status != ZX_OK)
        (void)vmar_destroy(child);
    vmar_release(child);
    return status;
}

zx_status_t sys_vmar_allocate(zx_handle_t vmar, uint32_t options, size_t offset, size_t size,
                              user_out(zx_handle_t) child, user_out(zx_vaddr_t) child_address) {
    if (options & ~VMAR_ALLOCATE_OPTIONS)
        return ZX_ERR_INVALID_ARGS;
    struct place place;
    zx_status_t status = get_place(vmar, ZX_OBJ_TYPE_VMAR, &place);
    if (status != ZX_OK)
        return status;
    if ((options & CAN_MAP_MASK) & ~can_map_of(place.permissions))
        return handle_put(place.object, ZX_ERR_ACCESS_DENIED);
    return handle_put(place.object, allocate(vmar_object_from(place.object), options, offset, size,
                                             child, child_address));
}

zx_status_t sys_vmar_destroy(zx_handle_t vmar) {
    struct object* object;
    zx_status_t status = handle_get(vmar, ZX_OBJ_TYPE_VMAR, ZX_RIGHT_NONE, &object);
    if (status != ZX_OK)
        return status;
    return handle_put(object, vmar_destroy(vmar_object_from(object)->vmar));
}

/* --- 2016: the memory of a process, named by the process -------------------------------------- */

#define MAP_VM_FLAGS (VMAR_PERMISSIONS | ZX_VM_FLAG_2016_FIXED | ZX_VM_FLAG_2016_ALLOC_BASE)

zx_status_t sys_mx_process_map_vm(zx_handle_t process, zx_handle_t vmo, uint64_t offset,
                                  size_t size, user_inout(uintptr_t) address, uint32_t flags) {
    struct vmar_map_request request = {
        .options = flags & VMAR_PERMISSIONS,
        .vmo_offset = offset,
        .size = size,
    };
    if (flags & ZX_VM_FLAG_2016_DMA)
        return ZX_ERR_NOT_SUPPORTED;
    if (flags & ~MAP_VM_FLAGS)
        return ZX_ERR_INVALID_ARGS;
    return map(process, ZX_OBJ_TYPE_PROCESS, flags, vmo, &request, address.address);
}

zx_status_t sys_mx_process_protect_vm(zx_handle_t process, uintptr_t address, size_t size,
                                      uint32_t protection) {
    return protect(process, ZX_OBJ_TYPE_PROCESS, protection, address, size);
}

zx_status_t sys_mx_process_unmap_vm(zx_handle_t process, uintptr_t address, size_t size) {
    return unmap(process, ZX_OBJ_TYPE_PROCESS, address, size);
}
