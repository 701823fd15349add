/* The object behind a VMAR handle.
 *
 * Rules for VMAR objects:
 * - The object holds references to the VMAR and to its address space. They do not know the object.
 * - To close the last handle unmaps nothing. Mappings end when they are unmapped, or when the VMAR
 *   or the process is destroyed.
 * - The address space's lock guards the VMAR (mm/vmar.h). The object's own lock guards only its
 *   signals. */
#pragma once

#include <object/object.h>

struct aspace;
struct vmar;

#define VMAR_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_EXECUTE)

struct vmar_object {
    struct object object;
    struct aspace* aspace; /* a reference */
    struct vmar* vmar;     /* a reference */
};

/* Returns an object with one reference. It takes references to `aspace` and `vmar` itself. NULL: no
 * memory. */
struct vmar_object* vmar_object_create(struct aspace* aspace, struct vmar* vmar);

static inline struct vmar_object* vmar_object_from(struct object* object) {
    return CONTAINER_OF(object, struct vmar_object, object);
}
