#include <object/handle_table.h>

#include <arch/user_copy.h>
#include <debug/panic.h>
#include <lib/units.h>
#include <mm/slab.h>
#include <sched/thread.h>

#define FIRST_DIRECTORY_ROOM 4u
#define GENERATION_COUNT 8191u /* 1 to 8191 */
#define CLOSED UINT32_MAX
#define MOVE_CHUNK 64u /* handles taken out in one lock hold */
#define SLOTS_PER_UNIT 16u

/* Where the chunks are. Look-ups read the directory without a lock, which two rules make safe:
 * 1. Each place points to a chunk. A place whose own chunk does not exist points to the first
 *    chunk, where no tag can match.
 * 2. A directory that became too small is kept until the table is destroyed. */
struct handle_directory {
    struct handle_directory* previous;
    struct handle_slot* chunks[];
};

static inline bool is_empty(const struct handle_table* table) {
    return table->free_count == table->slot_count;
}

zx_status_t handle_fault(struct handle_table* table, zx_status_t status) {
    if (table->on_fault)
        table->on_fault(table, status);
    return status;
}

zx_status_t handle_fault_and_enable(struct handle_table* table, zx_status_t status) {
    preempt_enable();
    return handle_fault(table, status);
}

/* --- giving up an entry ------------------------------------------------------------------------
 */

static void release_reference(struct object* object) {
    object_release(object);
    object_collect_if_due();
}

void handle_release_last(struct object* object) {
    if (object->ops->on_zero_handles)
        object->ops->on_zero_handles(object);
    release_reference(object);
}

/* Step 2 of LAST_HANDLE (object.h): the handle count was lowered before this function reads the
 * flag. */
void handle_release_with_work(struct object* object) {
    if (atomic_load_explicit(&object->is_last_handle_awaited, memory_order_relaxed))
        object_notify_last_handle(object);
    if (object_may_hold_handles(object))
        object->ops->on_handle_released(object);
    release_reference(object);
}

/* Gives up an entry that was just taken out of the table, and ends the waits that were begun
 * through its value. */
static void release_taken(struct handle_table* table, zx_handle_t value, struct handle handle) {
    if (handle.rights & HANDLE_WAS_OBSERVED)
        object_handle_observers_cancel(handle.object, table, value);
    handle_release(handle);
}

/* --- growing -----------------------------------------------------------------------------------
 */

/* Relaxed: the table's lock is held, or no other thread uses the table any more. */
static struct handle_directory* directory_of(const struct handle_table* table) {
    struct handle_slot** chunks = atomic_load_explicit(&table->chunks, memory_order_relaxed);
    return chunks ? CONTAINER_OF(chunks, struct handle_directory, chunks[0]) : NULL;
}

static uint32_t directory_room(const struct handle_table* table) {
    return table->chunks ? table->chunk_mask + 1 : 0;
}

/* Makes a directory with twice as many places. `first_chunk` fills the places whose chunks do not
 * exist yet.
 *
 * The release stores let a look-up run without a lock: it sees a complete directory. The mask is
 * written last, so a look-up with the new mask never reads the old, smaller directory. */
static bool directory_grow(struct handle_table* table, struct handle_slot* first_chunk) {
    struct handle_directory* old = directory_of(table);
    uint32_t old_room = directory_room(table);
    uint32_t room = old ? old_room * 2 : FIRST_DIRECTORY_ROOM;
    struct handle_directory* directory =
        heap_alloc(sizeof(*directory) + room * sizeof(directory->chunks[0]));
    if (!directory)
        return false;
    directory->previous = old;
    for (uint32_t i = 0; i < room; i++)
        directory->chunks[i] = i < old_room ? old->chunks[i] : first_chunk;
    atomic_store_explicit(&table->chunks, directory->chunks, memory_order_release);
    atomic_store_explicit(&table->chunk_mask, room - 1, memory_order_release);
    return true;
}

/* Adds the slots of a new chunk to the free list. `value` is the value that the first slot will
 * have.
 *
 * Slots that follow each other in the list lie in different cache lines. Using a handle writes to
 * its slot, and handles made one after the other are often for different threads. Unrolling the
 * loop saves 300 instructions for each new process. */
static void append_chunk(struct handle_table* table, struct handle_slot* chunk, uint32_t value) {
    const uint32_t slots_in_line = CACHE_LINE_SIZE / sizeof(struct handle_slot);
    struct handle_slot** end = table->free_end;
    for (uint32_t first = 0; first < slots_in_line; first++)
#pragma GCC unroll 8
        for (uint32_t i = first; i < HANDLE_CHUNK_SLOTS; i += slots_in_line) {
            atomic_init(&chunk[i].tag, (value + i) ^ HANDLE_FREE_MARK);
#ifdef JACINTH_DEBUG
            chunk[i].debug = (struct lock_debug){.class = LOCK_HANDLE_SLOT};
#endif
            *end = &chunk[i];
            end = &chunk[i].next_free;
        }
    table->free_end = end;
    table->free_count += HANDLE_CHUNK_SLOTS;
}

/* Adds one chunk. Its address is published last, with a release store: a look-up that finds the
 * chunk finds its slots initialized. */
static zx_status_t grow_locked(struct handle_table* table) {
    uint32_t number = table->slot_count / HANDLE_CHUNK_SLOTS;
    if (number == HANDLE_CHUNK_COUNT)
        return ZX_ERR_NO_RESOURCES;
    struct handle_slot* chunk = heap_alloc(HANDLE_CHUNK_SLOTS * sizeof(*chunk));
    if (!chunk)
        return ZX_ERR_NO_MEMORY;
    struct handle_slot* first_chunk = number == 0 ? chunk : handle_table_slot(table, 0);
    if (number >= directory_room(table) && !directory_grow(table, first_chunk)) {
        heap_free(chunk);
        return ZX_ERR_NO_MEMORY;
    }
    append_chunk(table, chunk, table->first_generation << HANDLE_INDEX_BITS | table->slot_count);
    __atomic_store_n(&table->chunks[number], chunk, __ATOMIC_RELEASE);
    table->slot_count += HANDLE_CHUNK_SLOTS;
    return ZX_OK;
}

/* If memory runs out, the spare slots are used: then it is enough that `count` slots are free. */
zx_status_t handle_table_grow_locked(struct handle_table* table, uint32_t count) {
    if (table->spare == CLOSED)
        return ZX_ERR_BAD_STATE;
    while (table->free_count < count + table->spare) {
        zx_status_t status = grow_locked(table);
        if (status != ZX_OK)
            return table->free_count >= count ? ZX_OK : status;
    }
    return ZX_OK;
}

/* --- a table's life ------------------------------------------------------------------------------
 */

/* Tables that exist at the same time start with different generations. So a value of one process is
 * not likely to mean anything in another. */
static uint32_t next_first_generation(void) {
    static _Atomic uint32_t tables_made;
    /* relaxed: only the number matters */
    uint32_t number = atomic_fetch_add_explicit(&tables_made, 1, memory_order_relaxed);
    return (number % GENERATION_COUNT) * 3643u % GENERATION_COUNT + 1;
}

/* No other thread knows the table yet; the lock is held because grow_locked asks for it. */
zx_status_t handle_table_init(struct handle_table* table) {
    *table = (struct handle_table){
        .spare = HANDLE_SPARE_SLOTS,
        .first_generation = next_first_generation(),
    };
    table->free_end = &table->free_head;
    spinlock_init(&table->lock, LOCK_HANDLE_TABLE);
    spin_lock(&table->lock);
    zx_status_t status = grow_locked(table);
    spin_unlock(&table->lock);
    if (status != ZX_OK)
        handle_table_destroy(table);
    return status;
}

/* The newest chunk goes first. */
bool handle_table_destroy_some(struct handle_table* table, int64_t* units) {
    ASSERT(is_empty(table));
    for (; table->slot_count > 0; *units -= 1) {
        if (*units <= 0)
            return true;
        table->free_count = table->slot_count -= HANDLE_CHUNK_SLOTS;
        heap_free(handle_table_slot(table, (zx_handle_t)table->slot_count));
    }
    for (struct handle_directory *directory = directory_of(table), *previous; directory;
         directory = previous) {
        previous = directory->previous;
        heap_free(directory);
    }
    atomic_store_explicit(&table->chunks, NULL, memory_order_relaxed);
    return false;
}

void handle_table_destroy(struct handle_table* table) {
    int64_t units = UNITS_WITHOUT_END;
    (void)handle_table_destroy_some(table, &units);
}

/* Takes up to `limit` handles out of one chunk of slots, from slot `*index` on. */
static uint32_t take_some(struct handle_table* table, uint32_t* index, uint32_t limit,
                          struct handle* handles, zx_handle_t* values) {
    uint32_t count = 0, at = *index;
    uint32_t end = ALIGN_UP(at + 1, HANDLE_CHUNK_SLOTS);
    struct handle_slot* slot = handle_table_slot(table, (zx_handle_t)at);
    for (; at < end && count < limit && !is_empty(table); at++, slot++) {
        if (likely(!handle_slot_has_value(slot, at, &values[count])))
            continue;
        if (handle_table_remove_locked(table, values[count], &handles[count]))
            count++;
    }
    *index = at;
    return count;
}

/* The lock is dropped before the entries are released. The release may run destructors, and other
 * threads can use the table meanwhile. */
bool handle_table_close_some(struct handle_table* table, int64_t* units) {
    struct handle handles[MOVE_CHUNK];
    zx_handle_t values[MOVE_CHUNK];
    bool is_done = false;
    while (!is_done && *units > 0) {
        spin_lock(&table->lock);
        table->spare = CLOSED;
        uint32_t before = table->closed_count;
        uint32_t limit = (uint32_t)MIN(*units, (int64_t)MOVE_CHUNK);
        uint32_t count = take_some(table, &table->closed_count, limit, handles, values);
        uint32_t looked_at = table->closed_count - before;
        is_done = table->closed_count >= table->slot_count || is_empty(table);
        spin_unlock(&table->lock);
        for (uint32_t i = 0; i < count; i++)
            release_taken(table, values[i], handles[i]);
        *units -= count + looked_at / SLOTS_PER_UNIT;
    }
    return !is_done;
}

/* --- one handle ------------------------------------------------------------------------------ */

zx_status_t handle_table_check(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                               zx_rights_t rights) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, value, type, rights, &slot);
    if (status == ZX_OK)
        handle_let_go(slot, value);
    return status;
}

zx_status_t handle_table_get(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                             zx_rights_t rights, struct object** object) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, value, type, rights, &slot);
    if (status != ZX_OK)
        return status;
    *object = slot->object;
    object_reference(*object);
    handle_let_go(slot, value);
    return ZX_OK;
}

zx_status_t handle_table_get_with_rights(struct handle_table* table, zx_handle_t value,
                                         zx_obj_type_t type, zx_rights_t rights,
                                         struct object** object, zx_rights_t* handle_rights) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, value, type, rights, &slot);
    if (status != ZX_OK)
        return status;
    *object = slot->object;
    *handle_rights = handle_slot_rights(slot);
    object_reference(slot->object);
    handle_let_go(slot, value);
    return ZX_OK;
}

/* One attempt, in one lock hold: the original cannot be closed between the look-up and the copy.
 * Writes the new value to user memory first, because this can fail; no later step can.
 * *is_user_fault: the page may not be present. `may_grow`: false only for the first attempt. */
static ALWAYS_INLINE zx_status_t try_to_duplicate(struct handle_table* table, zx_handle_t value,
                                                  zx_rights_t wanted, uintptr_t out_user,
                                                  bool may_grow, bool* is_user_fault) {
    struct handle_slot* slot;
    zx_rights_t rights;
    spin_lock(&table->lock);
    zx_status_t status =
        handle_table_check_locked(table, value, ZX_OBJ_TYPE_NONE, ZX_RIGHT_DUPLICATE, &slot);
    if (likely(status == ZX_OK))
        status = handle_derive_rights(handle_slot_rights(slot), wanted, &rights);
    if (likely(status == ZX_OK) && unlikely(!handle_table_has_room_locked(table, 1)))
        status = may_grow ? handle_table_reserve_locked(table, 1) : ZX_ERR_NO_MEMORY;
    *is_user_fault =
        likely(status == ZX_OK) &&
        unlikely(!user_write_word(out_user, (uint32_t)handle_slot_next_value(table->free_head)));
    if (unlikely(*is_user_fault))
        status = ZX_ERR_INVALID_ARGS;
    if (likely(status == ZX_OK))
        (void)handle_slot_copy(table, slot, rights);
    spin_unlock(&table->lock);
    return status;
}

/* After a failed attempt. */
static NOINLINE zx_status_t duplicate_again(struct handle_table* table, zx_handle_t value,
                                            zx_rights_t wanted, uintptr_t out_user) {
    zx_status_t status;
    bool is_user_fault;
    do
        status = try_to_duplicate(table, value, wanted, out_user, true, &is_user_fault);
    while (is_user_fault && user_fault_in(out_user, sizeof(value), true) &&
           !thread_is_killed(thread_current()));
    return status == ZX_OK ? ZX_OK : handle_fault(table, status);
}

zx_status_t handle_table_duplicate(struct handle_table* table, zx_handle_t value,
                                   zx_rights_t wanted, uintptr_t out_user) {
    bool is_user_fault;
    zx_status_t status = try_to_duplicate(table, value, wanted, out_user, false, &is_user_fault);
    return likely(status == ZX_OK) ? ZX_OK : duplicate_again(table, value, wanted, out_user);
}

static NOINLINE zx_status_t close_observed(struct handle_table* table, zx_handle_t value,
                                           struct handle handle) {
    preempt_enable();
    release_taken(table, value, handle);
    return ZX_OK;
}

/* Preemption is enabled only after the checks, so fewer values have to be kept across the call. */
zx_status_t handle_table_close(struct handle_table* table, zx_handle_t value) {
    struct handle handle;
    spin_lock(&table->lock);
    bool was_there = handle_table_remove_locked(table, value, &handle);
    spin_unlock_inner(&table->lock);
    if (unlikely(!was_there))
        return handle_fault_and_enable(table, ZX_ERR_BAD_HANDLE);
    if (unlikely(handle.rights & HANDLE_WAS_OBSERVED))
        return close_observed(table, value, handle);
    preempt_enable();
    handle_release(handle);
    return ZX_OK;
}

/* Writes the new value to user memory first, because this can fail; no later step can.
 * *is_user_fault: the page was not present. The caller brings it in and tries again. */
static zx_status_t replace_locked(struct handle_table* table, zx_handle_t value, zx_rights_t wanted,
                                  uintptr_t out_user, struct object** observed,
                                  bool* is_user_fault) {
    struct handle_slot* slot;
    if (!handle_table_find_locked(table, value, &slot)) {
        handle_fault(table, ZX_ERR_BAD_HANDLE);
        return ZX_ERR_BAD_HANDLE;
    }
    zx_rights_t rights;
    zx_status_t status = handle_derive_rights(handle_slot_rights(slot), wanted, &rights);
    if (status == ZX_OK)
        status = handle_table_reserve_locked(table, 1);
    if (status != ZX_OK)
        return status;
    *is_user_fault = !user_write_word(out_user, handle_slot_next_value(table->free_head));
    if (*is_user_fault)
        return ZX_ERR_INVALID_ARGS;
    struct object* object = slot->object;
    handle_slot_fill(table, object, rights);
    /* cannot fail: it was found above */
    (void)handle_take_locked(handle_table_chunks(table), value, &slot);
    if (slot->marked_rights & HANDLE_WAS_OBSERVED) {
        *observed = object;
        object_reference(object);
    }
    handle_slot_append_free(table, slot);
    return ZX_OK;
}

/* Tries again while the page of `out_user` is missing, unless the thread was killed. The observers
 * of the old value are cancelled after the unlock. */
zx_status_t handle_table_replace(struct handle_table* table, zx_handle_t value, zx_rights_t rights,
                                 uintptr_t out_user) {
    struct object* observed = NULL;
    bool is_user_fault;
    zx_status_t status;
    do {
        is_user_fault = false;
        spin_lock(&table->lock);
        status = replace_locked(table, value, rights, out_user, &observed, &is_user_fault);
        spin_unlock(&table->lock);
    } while (is_user_fault && user_fault_in(out_user, sizeof(value), true) &&
             !thread_is_killed(thread_current()));
    if (observed) {
        object_handle_observers_cancel(observed, table, value);
        object_release(observed);
    }
    return status;
}

/* --- many handles ---------------------------------------------------------------------------- */

/* All handles leave the table in one lock hold. They are released after the unlock, because the
 * release may run destructors. */
zx_status_t handle_table_close_many(struct handle_table* table, const zx_handle_t* values,
                                    uint32_t count) {
    struct handle handles[MOVE_CHUNK];
    zx_status_t status = ZX_OK;
    ASSERT(count <= MOVE_CHUNK);
    spin_lock(&table->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (handle_table_remove_locked(table, values[i], &handles[i]))
            continue;
        handles[i].object = NULL;
        if (values[i] != ZX_HANDLE_INVALID)
            status = ZX_ERR_BAD_HANDLE;
    }
    spin_unlock(&table->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (handles[i].object)
            release_taken(table, values[i], handles[i]);
    }
    return status;
}
