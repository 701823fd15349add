/* The inline part of handle_table.h: the functions that most calls run. Those that end in `_locked`
 * are called with the table locked. Only kernel/object uses handle_table_slot, handle_chunks, and
 * the functions that begin with handle_slot_. */
#pragma once

#include <arch/user_copy.h>
#include <object/handle_table.h>

#define HANDLE_CHUNK_SLOTS 128u
#define HANDLE_CHUNK_COUNT (PROCESS_MAX_HANDLES / HANDLE_CHUNK_SLOTS)
/* Growth keeps this many slots free, so that a slot freed just now waits behind them. */
#define HANDLE_SPARE_SLOTS 64u

/* The slow paths of handle_release: the handle count has just become 0; object.release_work is not
 * 0. */
void handle_release_last(struct object* object);
void handle_release_with_work(struct object* object);

/* Gives up an entry without a value: drops its handle count and its reference. No lock held. */
static inline void handle_release(struct handle handle) {
    struct object* object = handle.object;
    /* Step 2 of LAST_HANDLE (object.h). A locked instruction, so the count is lowered before
     * release_work is read. */
    if (atomic_fetch_sub_explicit(&object->handle_count, 1, memory_order_acq_rel) == 1)
        handle_release_last(object);
    else if (unlikely(object_has_release_work(object)))
        handle_release_with_work(object);
    else
        object_release(object);
}

/* --- look-up ---------------------------------------------------------------------------------- */

/* A copy of the directory's place and size, which stays valid during a call. */
struct handle_chunks {
    struct handle_slot* const* places;
    uint32_t mask;
};

/* The mask is read first (acquire), and directory_grow writes it last (release). So the directory
 * that is read next has at least as many places as the mask says. */
static ALWAYS_INLINE struct handle_chunks handle_table_chunks(const struct handle_table* table) {
    uint32_t mask = atomic_load_explicit(&table->chunk_mask, memory_order_acquire);
    return (struct handle_chunks){
        .places = atomic_load_explicit(&table->chunks, memory_order_relaxed),
        .mask = mask,
    };
}

/* Returns the slot in which `value` is if it is in use. The caller compares the tag. Acquire: pairs
 * with the release store in grow_locked, so the slots of the chunk are initialized. */
static ALWAYS_INLINE struct handle_slot* handle_slot_of(struct handle_chunks chunks,
                                                        zx_handle_t value) {
    uint32_t place = (uint32_t)value / HANDLE_CHUNK_SLOTS & chunks.mask;
    struct handle_slot* chunk = __atomic_load_n(&chunks.places[place], __ATOMIC_ACQUIRE);
    return &chunk[(uint32_t)value % HANDLE_CHUNK_SLOTS];
}

static ALWAYS_INLINE struct handle_slot* handle_table_slot(const struct handle_table* table,
                                                           zx_handle_t value) {
    return handle_slot_of(handle_table_chunks(table), value);
}

/* Holds the slot if it is in use under `value`.
 *
 * A handle that is not there may come back: a transfer that fails puts its handles back before it
 * unlocks the table. So the second attempt is made under the table's lock. */
static ALWAYS_INLINE bool handle_slot_hold(struct handle_table* table, struct handle_slot* slot,
                                           zx_handle_t value) {
    uint32_t held = (uint32_t)value ^ HANDLE_HELD_MARK;
    if (likely(handle_slot_change_tag(slot, value, held)))
        return true;
    spin_lock_inner(&table->lock);
    bool is_there = handle_slot_change_tag(slot, value, held);
    spin_unlock_inner(&table->lock);
    return is_there;
}

/* Holds the slot of `value` until handle_let_go, if its entry is of `type` (NONE: any) and has
 * `rights`. Else BAD_HANDLE, WRONG_TYPE or ACCESS_DENIED, checked in this order, and nothing is
 * held; the caller reports that (handle_fault). Preemption is off, and stays off. */
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_hold_inner(struct handle_table* table,
                                                              zx_handle_t value, zx_obj_type_t type,
                                                              zx_rights_t rights,
                                                              struct handle_slot** slot) {
    *slot = handle_table_slot(table, value);
#ifdef JACINTH_DEBUG
    lock_order_acquire(&(*slot)->debug, (uintptr_t)__builtin_return_address(0));
#endif
    if (unlikely(!handle_slot_hold(table, *slot, value)))
        return ZX_ERR_BAD_HANDLE;
    zx_status_t status = handle_slot_check(*slot, type, rights);
    if (unlikely(status != ZX_OK)) {
        handle_slot_put_back(*slot, value);
        return status;
    }
#ifdef JACINTH_DEBUG
    lock_order_acquired(&(*slot)->debug, (uintptr_t)__builtin_return_address(0));
#endif
    return ZX_OK;
}

/* Lets go of the slot, and leaves preemption off for a lock that was taken inside
 * (spin_lock_inner). */
static inline void handle_let_go_outer(struct handle_slot* slot, zx_handle_t value) {
#ifdef JACINTH_DEBUG
    lock_order_release(&slot->debug);
#endif
    handle_slot_put_back(slot, value);
}

/* handle_fault for a look-up that failed with preemption off; enables it. */
zx_status_t handle_fault_and_enable(struct handle_table* table, zx_status_t status);

/* handle_hold_inner for a caller with preemption on. Preemption is off while the slot is held. A
 * failure is reported (handle_fault). */
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_hold(struct handle_table* table,
                                                        zx_handle_t value, zx_obj_type_t type,
                                                        zx_rights_t rights,
                                                        struct handle_slot** slot) {
    preempt_disable();
    zx_status_t status = handle_hold_inner(table, value, type, rights, slot);
    if (unlikely(status != ZX_OK)) {
        status = handle_fault_and_enable(table, status);
        ASSUME(status != ZX_OK); /* so the compiler drops callers' code for OK here */
    }
    return status;
}

static inline void handle_let_go(struct handle_slot* slot, zx_handle_t value) {
    handle_let_go_outer(slot, value);
    preempt_enable();
}

/* Whether `value` is a handle; *slot is its slot then. */
static inline bool handle_table_find_locked(const struct handle_table* table, zx_handle_t value,
                                            struct handle_slot** slot) {
    *slot = handle_table_slot(table, value);
    return handle_slot_is_used_locked(*slot, value);
}

/* OK if `value` is a handle and passes handle_slot_check; else BAD_HANDLE or an error of
 * handle_slot_check. */
static inline zx_status_t handle_table_check_locked(const struct handle_table* table,
                                                    zx_handle_t value, zx_obj_type_t type,
                                                    zx_rights_t rights, struct handle_slot** slot) {
    if (unlikely(!handle_table_find_locked(table, value, slot)))
        return ZX_ERR_BAD_HANDLE;
    return handle_slot_check(*slot, type, rights);
}

/* --- adding and removing, with the table locked -------------------------------------------------
 */

zx_status_t handle_table_grow_locked(struct handle_table* table, uint32_t count);

static inline bool handle_table_has_room_locked(const struct handle_table* table, uint32_t count) {
    return table->free_count > table->spare && table->free_count - table->spare >= count;
}

/* Makes room for `count` handles, to be added before the lock is dropped. NO_MEMORY; NO_RESOURCES:
 * the table is full; BAD_STATE: it is closed. */
MUST_CHECK static inline zx_status_t handle_table_reserve_locked(struct handle_table* table,
                                                                 uint32_t count) {
    return likely(handle_table_has_room_locked(table, count))
               ? ZX_OK
               : handle_table_grow_locked(table, count);
}

/* Uses the slot that has been free longest. There must be a free one. */
static inline zx_handle_t handle_slot_fill(struct handle_table* table, struct object* object,
                                           zx_rights_t rights) {
    struct handle_slot* slot = table->free_head;
    table->free_head = slot->next_free;
    if (unlikely(--table->free_count == 0))
        table->free_end = &table->free_head;
    return handle_slot_show(slot, object, rights);
}

static inline void handle_slot_append_free(struct handle_table* table, struct handle_slot* slot) {
    *table->free_end = slot;
    table->free_end = &slot->next_free;
    table->free_count++;
}

/* Takes the slot of `value` out of use; false: `value` is not in use. Waits for the thread that
 * holds the slot. That thread may want an OBJECT lock, so the caller must hold none. */
static ALWAYS_INLINE bool handle_take_locked(struct handle_chunks chunks, zx_handle_t value,
                                             struct handle_slot** slot) {
    *slot = handle_slot_of(chunks, value);
#ifdef JACINTH_DEBUG
    lock_order_acquire(&(*slot)->debug, (uintptr_t)__builtin_return_address(0));
#endif
    return likely(handle_slot_change_tag(*slot, value, handle_tag_after((uint32_t)value)));
}

/* Takes the handle out of the table; the caller owns the entry, whose rights still have
 * HANDLE_WAS_OBSERVED. False: there is no such handle. */
static ALWAYS_INLINE bool handle_table_remove_locked(struct handle_table* table, zx_handle_t value,
                                                     struct handle* handle) {
    struct handle_slot* slot;
    if (unlikely(!handle_take_locked(handle_table_chunks(table), value, &slot)))
        return false;
    *handle = (struct handle){slot->object, slot->marked_rights};
    handle_slot_append_free(table, slot);
    return true;
}

/* Returns the values that the next `count` entries will get. There is room for them
 * (handle_table_reserve_locked). */
static inline void handle_table_next_values_locked(const struct handle_table* table,
                                                   zx_handle_t* values, uint32_t count) {
    const struct handle_slot* slot = table->free_head;
    for (uint32_t i = 0; i < count; i++, slot = slot->next_free)
        values[i] = handle_slot_next_value(slot);
}

/* Adds the entries and consumes them. From here on all threads of the process can use them. */
static inline void handle_table_add_many_locked(struct handle_table* table,
                                                const struct handle* entries, uint32_t count) {
    struct handle_slot* slot = table->free_head;
    for (uint32_t i = 0; i < count; i++) {
        struct handle_slot* next = slot->next_free;
        (void)handle_slot_show(slot, entries[i].object, entries[i].rights);
        slot = next;
    }
    table->free_head = slot;
    table->free_count -= count;
    if (unlikely(table->free_count == 0))
        table->free_end = &table->free_head;
}

/* --- one handle ------------------------------------------------------------------------------ */

/* Adds `handle` to the table; consumes it on success only. NO_MEMORY; NO_RESOURCES: the table is
 * full; BAD_STATE: the process is dead. */
MUST_CHECK static inline zx_status_t handle_table_add(struct handle_table* table,
                                                      struct handle handle, zx_handle_t* value) {
    spin_lock(&table->lock);
    zx_status_t status = handle_table_reserve_locked(table, 1);
    *value = likely(status == ZX_OK) ? handle_slot_fill(table, handle.object, handle.rights)
                                     : ZX_HANDLE_INVALID;
    spin_unlock(&table->lock);
    return status;
}

/* Returns the rights of a new handle that is made from a handle with the rights `present`.
 * INVALID_ARGS: `wanted` has more. */
static inline zx_status_t handle_derive_rights(zx_rights_t present, zx_rights_t wanted,
                                               zx_rights_t* rights) {
    *rights = wanted == ZX_RIGHT_SAME_RIGHTS ? present : wanted;
    return unlikely(*rights & ~present) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* Adds a handle to the slot's object. There is room for it. */
static inline zx_handle_t handle_slot_copy(struct handle_table* table,
                                           const struct handle_slot* slot, zx_rights_t rights) {
    struct object* object = slot->object;
    object_reference(object);
    object_handle_added(object);
    return handle_slot_fill(table, object, rights);
}
