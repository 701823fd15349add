#include <object/resource.h>

#include <mm/slab.h>

static void resource_destroy(struct object* object) {
    heap_free(object);
}

static const struct object_ops resource_ops = {
    .type = ZX_OBJ_TYPE_RESOURCE,
    .name = "resource",
    .default_rights = RESOURCE_DEFAULT_RIGHTS,
    .destroy = resource_destroy,
};

struct object* resource_create(void) {
    struct object* resource = heap_alloc(sizeof(*resource));
    if (resource)
        object_init(resource, &resource_ops, NULL, 0);
    return resource;
}
