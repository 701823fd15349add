#include <object/handle_table.h>

#include <arch/user_copy.h>
#include <debug/console.h>
#include <debug/panic.h>
#include <mm/slab.h>
#include <sched/thread.h>

#define FIRST_CHUNK_ROOM 4u
#define GENERATION_COUNT 8191u /* 1 to 8191 */
#define CLOSED UINT32_MAX
#define MOVE_CHUNK 64u   /* handles closed in one lock hold */
#define SCAN_CHUNK 1024u /* slots looked at in one lock hold */

static inline struct handle_slot* slot_at(const struct handle_table* table, uint32_t index) {
    return &table->chunks[index / HANDLE_CHUNK_SLOTS][index % HANDLE_CHUNK_SLOTS];
}

static inline bool slot_is_used(const struct handle_slot* slot, uint32_t index) {
    return (slot->tag & HANDLE_INDEX_MASK) == index;
}

static inline bool is_empty(const struct handle_table* table) {
    return table->free_count == table->slot_count;
}

/* --- growing -----------------------------------------------------------------------------------
 */

static zx_status_t directory_grow(struct handle_table* table) {
    uint32_t room = table->chunk_room ? table->chunk_room * 2 : FIRST_CHUNK_ROOM;
    struct handle_slot** chunks = heap_alloc(room * sizeof(*chunks));
    if (!chunks)
        return ZX_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < table->chunk_room; i++)
        chunks[i] = table->chunks[i];
    heap_free(table->chunks);
    table->chunks = chunks;
    table->chunk_room = room;
    return ZX_OK;
}

/* One chunk more; its slots join the end of the free list in order. */
static zx_status_t grow_locked(struct handle_table* table) {
    uint32_t chunk_index = table->slot_count / HANDLE_CHUNK_SLOTS;
    if (chunk_index == HANDLE_CHUNK_COUNT)
        return ZX_ERR_NO_RESOURCES;
    if (chunk_index == table->chunk_room && directory_grow(table) != ZX_OK)
        return ZX_ERR_NO_MEMORY;
    struct handle_slot* chunk = heap_alloc(HANDLE_CHUNK_SLOTS * sizeof(*chunk));
    if (!chunk)
        return ZX_ERR_NO_MEMORY;
    uint32_t value = table->first_generation << HANDLE_INDEX_BITS | table->slot_count;
    for (uint32_t i = 0; i < HANDLE_CHUNK_SLOTS; i++)
        chunk[i] = (struct handle_slot){
            .next_free = &chunk[i + 1],
            .tag = (value + i) ^ HANDLE_FREE_MARK,
        };
    *table->free_end = chunk;
    table->free_end = &chunk[HANDLE_CHUNK_SLOTS - 1].next_free;
    table->free_count += HANDLE_CHUNK_SLOTS;
    table->chunks[chunk_index] = chunk;
    table->slot_count += HANDLE_CHUNK_SLOTS;
    return ZX_OK;
}

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

/* Tables that live at one time start with different generations, so that a value of one process is
 * not likely to mean anything in another. */
static uint32_t next_first_generation(void) {
    static _Atomic uint32_t tables_made;
    uint32_t number = atomic_fetch_add_explicit(&tables_made, 1, memory_order_relaxed);
    return (number % GENERATION_COUNT) * 3643u % GENERATION_COUNT + 1;
}

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

void handle_table_destroy(struct handle_table* table) {
    ASSERT(is_empty(table));
    for (uint32_t i = 0; i < table->slot_count / HANDLE_CHUNK_SLOTS; i++)
        heap_free(table->chunks[i]);
    heap_free(table->chunks);
    table->chunks = NULL;
    table->slot_count = table->free_count = 0;
}

/* What is owed to a handle that was taken out of a table. The entry keeps the object alive. */
static inline void cancel_observers(struct handle_table* table, struct object* object,
                                    zx_handle_t value) {
    if (unlikely(object_has_observers(object)))
        object_handle_observers_cancel(object, table, value);
}

/* Takes up to MOVE_CHUNK handles out, from slot `*index` on, of one chunk of slots. */
static uint32_t take_some(struct handle_table* table, uint32_t* index, struct handle* handles,
                          zx_handle_t* values) {
    uint32_t count = 0, at = *index;
    uint32_t end = ALIGN_UP(at + 1, HANDLE_CHUNK_SLOTS);
    struct handle_slot* slot = slot_at(table, at);
    for (; at < end && count < MOVE_CHUNK && !is_empty(table); at++, slot++) {
        if (likely(!slot_is_used(slot, at)))
            continue;
        values[count] = (zx_handle_t)slot->tag;
        handles[count++] = (struct handle){slot->object, slot->rights};
        handle_slot_free(table, slot, slot->tag);
    }
    *index = at;
    return count;
}

void handle_table_close_all(struct handle_table* table) {
    struct handle handles[MOVE_CHUNK];
    zx_handle_t values[MOVE_CHUNK];
    bool is_done = false;
    for (uint32_t index = 0; !is_done;) {
        spin_lock(&table->lock);
        table->spare = CLOSED;
        uint32_t count = take_some(table, &index, handles, values);
        is_done = index >= table->slot_count || is_empty(table);
        spin_unlock(&table->lock);
        for (uint32_t i = 0; i < count; i++) {
            cancel_observers(table, handles[i].object, values[i]);
            handle_release(handles[i]);
        }
    }
}

uint32_t handle_table_count(struct handle_table* table) {
    spin_lock(&table->lock);
    uint32_t count = table->slot_count - table->free_count;
    spin_unlock(&table->lock);
    return count;
}

/* --- one handle ------------------------------------------------------------------------------ */

zx_status_t handle_table_check(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                               zx_rights_t rights) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    zx_status_t status = handle_table_check_locked(table, value, type, rights, &slot);
    spin_unlock(&table->lock);
    return status;
}

zx_status_t handle_table_get(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                             zx_rights_t rights, struct object** object) {
    return handle_table_lookup(table, value, type, rights, object);
}

zx_status_t handle_table_get_with_rights(struct handle_table* table, zx_handle_t value,
                                         zx_obj_type_t type, zx_rights_t rights,
                                         struct object** object, zx_rights_t* handle_rights) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    zx_status_t status = handle_table_check_locked(table, value, type, rights, &slot);
    if (status == ZX_OK) {
        *object = slot->object;
        *handle_rights = slot->rights;
        object_reference(slot->object);
    }
    spin_unlock(&table->lock);
    return status;
}

zx_status_t handle_table_add(struct handle_table* table, struct handle handle, zx_handle_t* value) {
    spin_lock(&table->lock);
    zx_status_t status = handle_table_reserve_locked(table, 1);
    if (likely(status == ZX_OK))
        *value = handle_slot_fill(table, handle.object, handle.rights);
    spin_unlock(&table->lock);
    return status;
}

zx_status_t handle_table_remove(struct handle_table* table, zx_handle_t value,
                                struct handle* handle) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    if (!handle_table_find_locked(table, value, &slot)) {
        spin_unlock(&table->lock);
        return ZX_ERR_BAD_HANDLE;
    }
    *handle = (struct handle){slot->object, slot->rights};
    handle_slot_free(table, slot, (uint32_t)value);
    spin_unlock(&table->lock);
    cancel_observers(table, handle->object, value);
    return ZX_OK;
}

/* The new value is the only thing that can still fail when it is written, under the lock. */
static zx_status_t replace_locked(struct handle_table* table, zx_handle_t value, zx_rights_t wanted,
                                  uintptr_t out_user, struct object** observed,
                                  bool* is_user_fault) {
    struct handle_slot* slot;
    if (!handle_table_find_locked(table, value, &slot))
        return ZX_ERR_BAD_HANDLE;
    zx_rights_t rights;
    zx_status_t status = handle_derive_rights(slot->rights, wanted, &rights);
    if (status == ZX_OK)
        status = handle_table_reserve_locked(table, 1);
    if (status != ZX_OK)
        return status;
    zx_handle_t replacement = handle_slot_fill(table, slot->object, rights);
    *is_user_fault = !user_copy_out(out_user, &replacement, sizeof(replacement));
    if (*is_user_fault) {
        handle_table_take_back_locked(table, 1, &replacement);
        return ZX_ERR_INVALID_ARGS;
    }
    if (object_has_observers(slot->object)) {
        *observed = slot->object;
        object_reference(slot->object);
    }
    handle_slot_free(table, slot, (uint32_t)value);
    return ZX_OK;
}

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

void handle_table_take_back_locked(struct handle_table* table, uint32_t count,
                                   const zx_handle_t* values) {
    for (uint32_t i = 0; i < count; i++)
        handle_slot_free(table, slot_at(table, (uint32_t)values[i] & HANDLE_INDEX_MASK),
                         (uint32_t)values[i]);
}

zx_status_t handle_table_close_many(struct handle_table* table, const zx_handle_t* values,
                                    uint32_t count) {
    struct handle handles[MOVE_CHUNK];
    zx_status_t status = ZX_OK;
    ASSERT(count <= MOVE_CHUNK);
    spin_lock(&table->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct handle_slot* slot;
        if (handle_table_find_locked(table, values[i], &slot)) {
            handles[i] = (struct handle){slot->object, slot->rights};
            handle_slot_free(table, slot, (uint32_t)values[i]);
        } else {
            handles[i].object = NULL;
            if (values[i] != ZX_HANDLE_INVALID)
                status = ZX_ERR_BAD_HANDLE;
        }
    }
    spin_unlock(&table->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (!handles[i].object)
            continue;
        cancel_observers(table, handles[i].object, values[i]);
        handle_release(handles[i]);
    }
    return status;
}

uint32_t handle_table_describe(struct handle_table* table, uint32_t* index,
                               struct handle_description* entries, uint32_t room) {
    uint32_t count = 0;
    bool is_done = false;
    while (count == 0 && !is_done) {
        spin_lock(&table->lock);
        uint32_t end = MIN(table->slot_count, *index + SCAN_CHUNK);
        for (; *index < end && count < room; ++*index) {
            const struct handle_slot* slot = slot_at(table, *index);
            if (slot_is_used(slot, *index))
                entries[count++] = (struct handle_description){
                    .value = (zx_handle_t)slot->tag,
                    .rights = slot->rights,
                    .type = slot->object->ops->type,
                    .koid = slot->object->koid,
                };
        }
        is_done = *index >= table->slot_count;
        spin_unlock(&table->lock);
    }
    return count;
}

void handle_table_print(const struct handle_table* table) {
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const struct handle_slot* slot = slot_at(table, i);
        if (slot_is_used(slot, i))
            console_printf("    %08x  %-16s koid %-8lu rights %04x  signals %02x\n", slot->tag,
                           slot->object->ops->name, slot->object->koid, slot->rights,
                           object_signals(slot->object));
    }
}
