#include <object/vmo_object.h>

#include <abi/errors.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmo.h>
#include <mm/vmo_fork.h>

static struct slab_cache vmo_object_cache =
    SLAB_CACHE_INITIALIZER(vmo_object_cache, "VMO object", sizeof(struct vmo_object));

/* --- how clones find their parent ------------------------------------------------------------- */

struct vmo_origin {
    struct vmo_end end;          /* called when the memory of a clone is freed */
    _Atomic uint32_t references; /* one of the parent, and one of each clone that exists */
    struct spinlock lock;        /* OBJECT: guards `parent` */
    struct vmo_object* parent;   /* borrowed; NULL: it was destroyed, or is being destroyed */
    size_t clone_count;          /* the clones that exist; under the parent's lock */
};

static struct slab_cache vmo_origin_cache =
    SLAB_CACHE_INITIALIZER(vmo_origin_cache, "VMO origin", sizeof(struct vmo_origin));

/* Acquire and release order: the thread that frees the origin comes after all others' use of it. */
static void origin_release(struct vmo_origin* origin) {
    if (atomic_fetch_sub_explicit(&origin->references, 1, memory_order_acq_rel) == 1)
        slab_free(&vmo_origin_cache, origin);
}

/* Returns the parent with a reference; NULL: it is gone. The lock keeps the parent's memory during
 * object_try_reference: the parent's destructor takes the same lock, in origin_leave. The lock is
 * dropped here, because no thread may hold two OBJECT locks. */
static struct vmo_object* origin_parent(struct vmo_origin* origin) {
    spin_lock(&origin->lock);
    struct vmo_object* parent = origin->parent;
    if (parent && !object_try_reference(&parent->object))
        parent = NULL;
    spin_unlock(&origin->lock);
    return parent;
}

/* Called when the parent is destroyed. From here on clones do not find the parent. */
static void origin_leave(struct vmo_origin* origin) {
    spin_lock(&origin->lock);
    origin->parent = NULL;
    spin_unlock(&origin->lock);
    origin_release(origin);
}

/* Called when the memory of a clone is freed. */
static void clone_ended(struct vmo_end* end) {
    struct vmo_origin* origin = CONTAINER_OF(end, struct vmo_origin, end);
    struct vmo_object* parent = origin_parent(origin);
    if (parent) {
        spin_lock(parent->object.lock);
        if (--origin->clone_count == 0)
            object_update_signals_locked(&parent->object, 0, ZX_VMO_ZERO_CHILDREN);
        spin_unlock(parent->object.lock);
        object_release(&parent->object);
    }
    origin_release(origin);
}

/* Returns the parent's origin, with one more reference. Makes it for the first clone. NULL: no
 * memory. Relaxed: the parent has a reference. */
static struct vmo_origin* origin_get_locked(struct vmo_object* parent) {
    if (!parent->origin) {
        struct vmo_origin* origin = slab_alloc(&vmo_origin_cache);
        if (!origin)
            return NULL;
        *origin = (struct vmo_origin){
            .end = {clone_ended},
            .references = 1,
            .lock = SPINLOCK_INITIALIZER(LOCK_OBJECT),
            .parent = parent,
        };
        parent->origin = origin;
    }
    atomic_fetch_add_explicit(&parent->origin->references, 1, memory_order_relaxed);
    return parent->origin;
}

/* --- life ------------------------------------------------------------------------------------- */

static char* vmo_object_name(struct object* object) {
    return vmo_object_from(object)->name;
}

static bool vmo_object_destroy_some(struct object* object, int64_t* units) {
    struct vmo_object* vmo_object = vmo_object_from(object);
    if (vmo_release_some(vmo_object->vmo, units))
        return true;
    if (vmo_object->origin)
        origin_leave(vmo_object->origin);
    slab_free(&vmo_object_cache, vmo_object);
    return false;
}

static const struct object_ops vmo_object_ops = {
    .type = ZX_OBJ_TYPE_VMO,
    .name = "VMO",
    .default_rights = VMO_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .destroy_some = vmo_object_destroy_some,
    .name_buffer = vmo_object_name,
};

struct vmo_object* vmo_object_create(struct vmo* vmo) {
    struct vmo_object* vmo_object = slab_alloc(&vmo_object_cache);
    if (!vmo_object) {
        vmo_release(vmo);
        return NULL;
    }
    object_init(&vmo_object->object, &vmo_object_ops, NULL, ZX_VMO_ZERO_CHILDREN);
    vmo_object->vmo = vmo;
    vmo_object->is_resizable = false;
    vmo_object->name[0] = '\0';
    vmo_object->origin = NULL;
    return vmo_object;
}

/* Counts the clone before another thread can end it: vmo_set_end comes after the count. */
static zx_status_t add_clone(struct vmo_object* parent, struct vmo_object* clone) {
    spin_lock(parent->object.lock);
    struct vmo_origin* origin = origin_get_locked(parent);
    if (origin) {
        origin->clone_count++;
        object_update_signals_locked(&parent->object, ZX_VMO_ZERO_CHILDREN, 0);
        memcpy(clone->name, parent->name, sizeof(clone->name));
    }
    spin_unlock(parent->object.lock);
    if (!origin)
        return ZX_ERR_NO_MEMORY;
    vmo_set_end(clone->vmo, &origin->end);
    return ZX_OK;
}

zx_status_t vmo_object_clone(struct vmo_object* parent, uint64_t offset, uint64_t size,
                             struct vmo_object** out) {
    struct vmo* vmo;
    zx_status_t status = vmo_create_clone(parent->vmo, offset, size, &vmo);
    if (status != ZX_OK)
        return status;
    struct vmo_object* clone = vmo_object_create(vmo);
    if (!clone)
        return ZX_ERR_NO_MEMORY;
    status = add_clone(parent, clone);
    if (status == ZX_OK)
        *out = clone;
    else
        object_release(&clone->object);
    return status;
}
