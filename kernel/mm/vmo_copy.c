#include <mm/vmo_copy.h>

#include <abi/errors.h>
#include <arch/context.h>
#include <arch/user_copy.h>
#include <lib/string.h>
#include <mm/vmo_fork.h>
#include <mm/vmo_internal.h>

/* Copies a part of one page, with the VMO's lock held. False: user memory is not present. */
static bool copy_part(char* in_page, uintptr_t other, size_t size, bool is_write, bool is_user) {
    if (is_user)
        return is_write ? user_copy_in(in_page, other, size) : user_copy_out(other, in_page, size);
    memcpy(is_write ? in_page : (char*)other, is_write ? (char*)other : in_page, size);
    return true;
}

/* Copies page by page. Under the VMO's lock no page fault can be resolved: if a user page is not
 * present, the copy fails, the lock is dropped, and the page is faulted in. The whole user range is
 * checked before the first byte.
 *
 * The loop checks for a kill before each page but the first, and before each new try. */
static zx_status_t copy_pages(struct vmo* vmo, uint64_t offset, size_t size, uintptr_t other,
                              bool is_write, bool is_user) {
    if (offset > vmo->size || size > vmo->size - offset)
        return ZX_ERR_OUT_OF_RANGE;
    if (is_user && !user_fault_in(other, size, !is_write))
        return ZX_ERR_INVALID_ARGS;
    for (size_t done = 0; done < size;) {
        size_t index = (offset + done) >> PAGE_SHIFT;
        size_t in_page = (offset + done) % PAGE_SIZE;
        size_t part = MIN(size - done, PAGE_SIZE - in_page);
        physical_address_t physical;
        bool is_shared;
        bool is_copied = false;
        spin_lock(&vmo->lock);
        enum vmo_page_result result = vmo_page_locked(vmo, index, is_write, &physical, &is_shared);
        if (result == VMO_PAGE_OK)
            is_copied = copy_part((char*)physical_to_virtual(physical) + in_page, other + done,
                                  part, is_write, is_user);
        spin_unlock(&vmo->lock);
        if (result == VMO_PAGE_NO_MEMORY)
            return ZX_ERR_NO_MEMORY;
        if (result == VMO_PAGE_SHARED) {
            zx_status_t status = vmo_fork_page(vmo, index);
            if (status != ZX_OK)
                return status;
        } else if (is_copied) {
            done += part;
        } else if (!user_fault_in(other + done, part, !is_write)) {
            return ZX_ERR_INVALID_ARGS;
        }
        if (done < size && context_is_killed())
            return ZX_ERR_CANCELED;
    }
    return ZX_OK;
}

zx_status_t vmo_read(struct vmo* vmo, void* to, uint64_t offset, size_t size) {
    return copy_pages(vmo, offset, size, (uintptr_t)to, false, false);
}

zx_status_t vmo_write(struct vmo* vmo, const void* from, uint64_t offset, size_t size) {
    return copy_pages(vmo, offset, size, (uintptr_t)from, true, false);
}

zx_status_t vmo_read_user(struct vmo* vmo, uintptr_t to_user, uint64_t offset, size_t size) {
    return copy_pages(vmo, offset, size, to_user, false, true);
}

zx_status_t vmo_write_user(struct vmo* vmo, uintptr_t from_user, uint64_t offset, size_t size) {
    return copy_pages(vmo, offset, size, from_user, true, true);
}
