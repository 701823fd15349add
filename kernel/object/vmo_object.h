/* The object behind a VMO handle: a name, a reference to the memory, and a count of clones.
 *
 * Rules for VMO objects:
 * - A clone is a VMO of its own, with its parent's name: a snapshot. Later writes to either VMO do
 *   not reach the other (mm/vmo_fork.c).
 * - The parent counts its clones. ZERO_CHILDREN is shown while none of them exists.
 * - A clone counts as long as its memory exists, so also while it is only mapped.
 * - Parent and clone do not keep each other alive. A clone finds its parent through a small
 *   structure that outlives both, the origin. */
#pragma once

#include <abi/limits.h>
#include <object/object.h>

struct vmo;
struct vmo_origin;

#define VMO_DEFAULT_RIGHTS                                                                   \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHTS_PROPERTY | \
     ZX_RIGHT_SIGNAL)
/* For a VMO that no program may write: the boot archive. */
#define VMO_READ_ONLY_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY)

struct vmo_object {
    struct object object; /* its lock guards `name` and `origin` */
    struct vmo* vmo;      /* a reference */
    bool is_resizable;    /* set before another thread knows the object */
    char name[ZX_MAX_NAME_LEN];
    struct vmo_origin* origin; /* a reference; NULL: never cloned */
};

/* Returns an object with one reference. Consumes the caller's reference to `vmo`, even on failure
 * (NULL: no memory). */
struct vmo_object* vmo_object_create(struct vmo* vmo);
/* Makes a clone of a part of the VMO, with one reference. Errors as vmo_create_clone. */
MUST_CHECK zx_status_t vmo_object_clone(struct vmo_object* parent, uint64_t offset, uint64_t size,
                                        struct vmo_object** out);

static inline struct vmo_object* vmo_object_from(struct object* object) {
    return CONTAINER_OF(object, struct vmo_object, object);
}
static inline struct vmo* vmo_from_object(struct object* object) {
    return vmo_object_from(object)->vmo;
}
