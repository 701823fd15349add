#include <object/object.h>

#include <abi/errors.h>
#include <abi/limits.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <lib/units.h>
#include <lock/spinlock.h>
#include <mm/slab.h>
#include <sched/cleaner.h>
#include <sched/thread.h>

/* koids start above 1024, so 0 and other small numbers never name an object */
static _Atomic uint64_t last_koid = 1024;
static _Atomic size_t live_objects; /* a statistic, so relaxed order is enough */
_Atomic bool object_collection_is_due;

#define DESTROY_UNITS 2u /* about what it costs to destroy any object */

void object_init(struct object* object, const struct object_ops* ops, struct spinlock* shared_lock,
                 zx_signals_t signals) {
    object->ops = ops;
    atomic_init(&object->references, 1);
    atomic_init(&object->handle_count, 0);
    atomic_init(&object->release_work, 0);
    atomic_init(&object->signals, signals);
    list_init(&object->observers);
    object->awaited = 0;
    object->name = NULL;
    object->koid = atomic_fetch_add_explicit(&last_koid, 1, memory_order_relaxed) + 1;
    if (shared_lock) {
        object->lock = shared_lock;
    } else {
        spinlock_init(&object->own_lock, LOCK_OBJECT);
        object->lock = &object->own_lock;
    }
    atomic_fetch_add_explicit(&live_objects, 1, memory_order_relaxed);
}

size_t object_count(void) {
    return atomic_load_explicit(&live_objects, memory_order_relaxed);
}

/* --- death ------------------------------------------------------------------------------------ */

/* The new last object needs a NULL destroy_next. It has one: destroy_next shares its place with
 * `name`, which is NULL by now. */
static void destroy_list_append(struct destroy_list* list, struct object* object) {
    if (list->first)
        list->last->destroy_next = object;
    else
        list->first = object;
    list->last = object;
}

/* The object was in a list before, so the list's `last` is right unless the list is empty. */
static void destroy_list_prepend(struct destroy_list* list, struct object* object) {
    if (!list->first)
        list->last = object;
    object->destroy_next = list->first;
    list->first = object;
}

/* The object is out of the list before its destructor runs: it may go in the same memory as another
 * object that is being destroyed. */
static inline bool destroy_some(struct destroy_list* list, int64_t* units) {
    struct object* object;
    while ((object = list->first) && *units > 0) {
        const struct object_ops* ops = object->ops;
        list->first = object->destroy_next;
        *units -= DESTROY_UNITS;
        if (ops->destroy) {
            ops->destroy(object);
        } else if (ops->destroy_some(object, units)) {
            destroy_list_prepend(list, object);
            return true;
        }
        atomic_fetch_sub_explicit(&live_objects, 1, memory_order_relaxed);
    }
    return object;
}

/* A destructor may release further objects. Those calls find thread->destroy_list set, append to it
 * and return. The outermost call destroys them one by one, so nothing recurses. There may be
 * millions of objects. A killed thread is more urgent than all programs, so it leaves them to the
 * cleaner. */
void object_release_last(struct object* object) {
    struct thread* thread = thread_current();
    ASSERT(list_is_empty(&object->observers));
    if (object->name) {
        heap_free(object->name);
        object->name = NULL;
    }
    if (thread->destroy_list) {
        destroy_list_append(thread->destroy_list, object);
        return;
    }
    lock_order_assert_none_held();
    struct destroy_list list = {object, object};
    bool has_more;
    thread->destroy_list = &list;
    do {
        int64_t units = UNITS_PER_PIECE;
        has_more = destroy_some(&list, &units);
    } while (has_more && !thread_is_killed(thread));
    thread->destroy_list = NULL;
    object_collect_if_due();
    if (has_more)
        object_leave_to_cleaner(&list);
}

void object_gather_begin(struct destroy_list* list) {
    struct thread* thread = thread_current();
    ASSERT(!thread->destroy_list);
    thread->destroy_list = list;
}

void object_gather_end(void) {
    thread_current()->destroy_list = NULL;
}

bool object_destroy_some(struct destroy_list* list, int64_t* units) {
    return destroy_some(list, units);
}

/* --- what is left to the cleaner ------------------------------------------------------------- */

/* The cleaner destroys the objects in batches. A batch is all that was left to the cleaner when the
 * batch before was done. Objects that only a batch's objects kept alive belong to it too. */
static struct spinlock left_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static struct destroy_list left;           /* under left_lock */
static uint32_t batches_begun;             /* under left_lock */
static _Atomic uint32_t batches_destroyed; /* written by the cleaner alone; so is `batch` */
static struct destroy_list batch;

static bool destroy_left(struct cleaning* cleaning);
static struct cleaning destroying = CLEANING_INITIALIZER(destroy_left);

void object_leave_to_cleaner(struct destroy_list* list) {
    if (list->first) {
        interrupt_state_t state = spin_lock_irqsave(&left_lock);
        if (left.first)
            left.last->destroy_next = list->first;
        else
            left.first = list->first;
        left.last = list->last;
        spin_unlock_irqrestore(&left_lock, state);
        list->first = NULL;
    } else if (!atomic_load_explicit(&object_collection_is_due, memory_order_relaxed)) {
        return;
    }
    cleaner_request(&destroying);
}

/* Begins the next batch. False: nothing is left. */
static bool begin_batch(void) {
    interrupt_state_t state = spin_lock_irqsave(&left_lock);
    batch = left;
    left.first = NULL;
    batches_begun += batch.first != NULL;
    spin_unlock_irqrestore(&left_lock, state);
    return batch.first;
}

/* Collecting is a piece of its own. Collecting and destroying take turns, because programs may note
 * suspects all the time. */
static bool destroy_left(struct cleaning* unused) {
    static bool has_collected;
    int64_t units = UNITS_PER_PIECE;
    (void)unused;
    has_collected = !has_collected && object_collection_is_due;
    if (has_collected) {
        object_collect();
        return true;
    }
    object_gather_begin(&batch);
    bool has_more = object_destroy_some(&batch, &units);
    object_gather_end();
    if (has_more)
        return true;
    atomic_store(&batches_destroyed, batches_begun);
    return begin_batch() || object_collection_is_due;
}

static bool is_batch_destroyed(void* number) {
    return (int32_t)(atomic_load(&batches_destroyed) - *(const uint32_t*)number) >= 0;
}

void object_await_cleaner(void) {
    interrupt_state_t state = spin_lock_irqsave(&left_lock);
    uint32_t number = batches_begun + (left.first != NULL);
    spin_unlock_irqrestore(&left_lock, state);
    (void)cleaner_wait_until(&destroying, is_batch_destroyed, &number);
}

/* --- the collector ---------------------------------------------------------------------------- */

static void (*collector)(void);

void object_set_collector(void (*collect)(void)) {
    collector = collect;
}

void object_collect(void) {
    collector();
}

/* --- signals ---------------------------------------------------------------------------------- */

void object_notify_observers_locked(struct object* object, zx_signals_t signals) {
    object->awaited = 0; /* computed anew: some observers may have left */
    LIST_FOR_EACH_SAFE(node, &object->observers) {
        struct observer* observer = LIST_ENTRY(node, struct observer, node);
        object->awaited |= observer->trigger;
        if (observer->trigger & signals)
            observer->on_match(observer, signals);
    }
}

/* The caller has removed the handle from its table, so no new observer can register through it. */
void object_handle_observers_cancel(struct object* object, const void* table, zx_handle_t value) {
    spin_lock(object->lock);
    LIST_FOR_EACH_SAFE(node, &object->observers) {
        struct observer* observer = LIST_ENTRY(node, struct observer, node);
        if (observer->on_handle_closed && observer->handle == value &&
            observer->handle_table == table)
            observer->on_handle_closed(observer);
    }
    spin_unlock(object->lock);
}

/* Step 1 (object.h). The store is sequentially consistent, because it must come before the load of
 * the count. */
zx_signals_t object_await_last_handle_locked(struct object* object) {
    atomic_store(&object->is_last_handle_awaited, true);
    return object_last_handle_signal(object);
}

/* The flag is cleared only under the lock, when no observer of LAST_HANDLE is left. */
void object_notify_last_handle(struct object* object) {
    spin_lock(object->lock);
    zx_signals_t signal = object_last_handle_signal(object);
    if (signal) {
        object_notify_observers_locked(object, object_signals(object) | signal);
        bool is_awaited = object->awaited & ZX_SIGNAL_LAST_HANDLE;
        atomic_store_explicit(&object->is_last_handle_awaited, is_awaited, memory_order_relaxed);
    }
    spin_unlock(object->lock);
}

/* --- names ------------------------------------------------------------------------------------ */

static char* name_of(struct object* object) {
    return object->ops->name_buffer ? object->ops->name_buffer(object) : object->name;
}

/* The lock keeps object_set_name from changing the name during the copy. */
void object_get_name(struct object* object, char* name) {
    memset(name, 0, ZX_MAX_NAME_LEN);
    spin_lock(object->lock);
    const char* kept = name_of(object);
    for (size_t i = 0; kept && i < ZX_MAX_NAME_LEN - 1 && kept[i] != '\0'; i++)
        name[i] = kept[i];
    spin_unlock(object->lock);
}

/* The buffer is allocated before the lock is taken. If another thread has set a name first, that
 * thread's buffer is used and this one freed. */
zx_status_t object_set_name(struct object* object, const char* name) {
    char* fresh = object->ops->name_buffer ? NULL : heap_alloc(ZX_MAX_NAME_LEN);
    if (!fresh && !object->ops->name_buffer)
        return ZX_ERR_NO_MEMORY;
    spin_lock(object->lock);
    if (fresh && !object->name) {
        object->name = fresh;
        fresh = NULL;
    }
    memcpy(name_of(object), name, ZX_MAX_NAME_LEN);
    spin_unlock(object->lock);
    if (fresh)
        heap_free(fresh);
    return ZX_OK;
}

/* --- the lock of a pair ------------------------------------------------------------------------
 */

static struct slab_cache peer_lock_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(peer_lock_cache, "peer lock", sizeof(struct peer_lock));

struct peer_lock* peer_lock_create(void) {
    struct peer_lock* lock = slab_alloc(&peer_lock_cache);
    if (lock) {
        spinlock_init(&lock->lock, LOCK_OBJECT);
        atomic_init(&lock->references, 2);
    }
    return lock;
}

/* Acquire and release order: the end that frees the lock comes after all use by the other end. */
void peer_lock_release(struct peer_lock* lock) {
    if (atomic_fetch_sub_explicit(&lock->references, 1, memory_order_acq_rel) == 1)
        slab_free(&peer_lock_cache, lock);
}

zx_koid_t peer_lock_related_koid(const struct object* end) {
    return peer_lock_of(end)->koids ^ end->koid;
}
