#include <object/vmo_object.h>

#include <mm/slab.h>
#include <mm/vmo.h>

static struct slab_cache vmo_object_cache =
    SLAB_CACHE_INITIALIZER(vmo_object_cache, "VMO object", sizeof(struct vmo_object));

static struct vmo_object* from_object(struct object* object) {
    return CONTAINER_OF(object, struct vmo_object, object);
}

static char* vmo_object_name(struct object* object) {
    return from_object(object)->name;
}

static void vmo_object_destroy(struct object* object) {
    struct vmo_object* vmo_object = from_object(object);
    vmo_release(vmo_object->vmo);
    slab_free(&vmo_object_cache, vmo_object);
}

static const struct object_ops vmo_object_ops = {
    .type = ZX_OBJ_TYPE_VMO,
    .name = "VMO",
    .default_rights = VMO_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .destroy = vmo_object_destroy,
    .name_buffer = vmo_object_name,
};

struct vmo_object* vmo_object_create(struct vmo* vmo) {
    struct vmo_object* vmo_object = slab_alloc(&vmo_object_cache);
    if (!vmo_object) {
        vmo_release(vmo);
        return NULL;
    }
    object_init(&vmo_object->object, &vmo_object_ops, NULL, 0);
    vmo_object->vmo = vmo;
    vmo_object->name[0] = '\0';
    return vmo_object;
}
