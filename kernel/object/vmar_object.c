#include <object/vmar_object.h>

#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/vmar.h>

static struct slab_cache vmar_object_cache =
    SLAB_CACHE_INITIALIZER(vmar_object_cache, "VMAR object", sizeof(struct vmar_object));

static void vmar_object_destroy(struct object* object) {
    struct vmar_object* vmar_object = vmar_object_from(object);
    vmar_release(vmar_object->vmar);
    aspace_release(vmar_object->aspace);
    slab_free(&vmar_object_cache, vmar_object);
}

static const struct object_ops vmar_object_ops = {
    .type = ZX_OBJ_TYPE_VMAR,
    .name = "VMAR",
    .default_rights = VMAR_DEFAULT_RIGHTS,
    .destroy = vmar_object_destroy,
};

struct vmar_object* vmar_object_create(struct aspace* aspace, struct vmar* vmar) {
    struct vmar_object* vmar_object = slab_alloc(&vmar_object_cache);
    if (!vmar_object)
        return NULL;
    object_init(&vmar_object->object, &vmar_object_ops, NULL, 0);
    aspace_reference(aspace);
    vmar_reference(vmar);
    vmar_object->aspace = aspace;
    vmar_object->vmar = vmar;
    return vmar_object;
}
