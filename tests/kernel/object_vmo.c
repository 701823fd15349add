/* VMO objects: how a parent counts its clones, with all CPUs at it. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmo.h>
#include <object/vmo_object.h>

#include "all_cpus.h"
#include "selftest.h"

#define ROUNDS 500u

static struct vmo_object* parent;
static _Atomic uint32_t failures;

static bool create(void) {
    struct vmo* vmo;
    atomic_store(&failures, 0);
    parent = NULL;
    if (vmo_create(PAGE_SIZE, &vmo) == ZX_OK)
        parent = vmo_object_create(vmo);
    return parent;
}

/* While this CPU has a clone, the parent shows so. */
static void clone_and_drop(void* cpu) {
    (void)cpu;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct vmo_object* clone;
        if (vmo_object_clone(parent, 0, PAGE_SIZE, &clone) != ZX_OK) {
            atomic_fetch_add(&failures, 1);
            return;
        }
        if (object_signals(&parent->object) & ZX_VMO_ZERO_CHILDREN)
            atomic_fetch_add(&failures, 1);
        cpu_relax();
        if (object_signals(&parent->object) & ZX_VMO_ZERO_CHILDREN)
            atomic_fetch_add(&failures, 1);
        object_release(&clone->object);
    }
}

SELFTEST(vmo_object, clones_of_all_cpus_are_counted) {
    EXPECT(create());
    EXPECT(run_on_all_cpus(clone_and_drop));
    EXPECT_EQUAL(atomic_load(&failures), 0);
    EXPECT_EQUAL(object_signals(&parent->object), ZX_VMO_ZERO_CHILDREN);
    object_release(&parent->object);
}

static struct vmo_object* family[CPU_MAX + 1];
static _Atomic uint32_t arrived;

/* Each CPU drops one of a parent and its clones, all at once. */
static void drop_one(void* cpu) {
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < cpu_count())
        cpu_relax();
    object_release(&family[(uintptr_t)cpu]->object);
}

SELFTEST(vmo_object, a_parent_and_its_clones_go_at_once) {
    size_t objects_before = object_count();
    bool is_made = true;
    for (unsigned i = 0; i < 50 && is_made; i++) {
        is_made = create();
        if (!is_made)
            break;
        family[i % cpu_count()] = parent;
        for (unsigned k = 0; k < cpu_count() && is_made; k++)
            if (k != i % cpu_count())
                is_made = vmo_object_clone(parent, 0, PAGE_SIZE, &family[k]) == ZX_OK;
        atomic_store(&arrived, 0);
        is_made = is_made && run_on_all_cpus(drop_one);
    }
    EXPECT(is_made);
    EXPECT_EQUAL(object_count(), objects_before);
}
