/* The object behind a VMO handle: a name, a reference to the memory, and a count of clones.
 *
 * A clone is a VMO of its own, with its parent's name: a snapshot, which later writes of either do
 * not reach (mm/vmo_fork.c). The parent counts its clones. ZERO_CHILDREN is shown while none of
 * them lives. A clone lives as long as its memory, so also while it is only mapped.
 *
 * Neither keeps the other alive. Clones find their parent through a small structure that outlives
 * it, the origin. */
#pragma once

#include <abi/limits.h>
#include <object/object.h>

struct vmo;
struct vmo_origin;

#define VMO_DEFAULT_RIGHTS                                                                   \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHTS_PROPERTY | \
     ZX_RIGHT_SIGNAL)
/* A VMO nobody may write: the boot archive. */
#define VMO_READ_ONLY_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY)

struct vmo_object {
    struct object object; /* its lock guards what follows, from `name` on */
    struct vmo* vmo;      /* a reference */
    bool is_resizable;    /* set before anybody else knows the object */
    char name[ZX_MAX_NAME_LEN];
    struct vmo_origin* origin; /* a reference; NULL: was never cloned */
};

/* One reference; consumes the caller's reference to `vmo`, on failure (NULL: no memory) too. */
struct vmo_object* vmo_object_create(struct vmo* vmo);
/* A clone of a part of it, as vmo_create_clone; one reference. */
MUST_CHECK zx_status_t vmo_object_clone(struct vmo_object* parent, uint64_t offset, uint64_t size,
                                        struct vmo_object** out);

static inline struct vmo_object* vmo_object_from(struct object* object) {
    return CONTAINER_OF(object, struct vmo_object, object);
}
static inline struct vmo* vmo_from_object(struct object* object) {
    return vmo_object_from(object)->vmo;
}
