/* The object behind a VMO handle: a name and a reference to the memory. */
#pragma once

#include <abi/limits.h>
#include <object/object.h>

struct vmo;

#define VMO_DEFAULT_RIGHTS                                                                   \
    (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHTS_PROPERTY | \
     ZX_RIGHT_SIGNAL)
/* A VMO nobody may write: the boot archive. */
#define VMO_READ_ONLY_RIGHTS \
    (ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY)

struct vmo_object {
    struct object object;
    struct vmo* vmo; /* a reference */
    char name[ZX_MAX_NAME_LEN];
};

/* One reference; consumes the caller's reference to `vmo`, on failure (NULL: no memory) too. */
struct vmo_object* vmo_object_create(struct vmo* vmo);

static inline struct vmo* vmo_from_object(struct object* object) {
    return CONTAINER_OF(object, struct vmo_object, object)->vmo;
}
