/* The handle table of a process: it maps a handle value to an entry (object, rights).
 *
 * A value is an index (18 bits) and a generation (13 bits, never 0), so that a stale value is
 * caught. Free slots are reused oldest first, and the table grows before the last few are used up.
 * So a value comes back only after half a million others. The table grows in chunks; look-up,
 * insertion and removal are O(1).
 *
 * Rules for handle tables:
 * - A call that uses a handle holds its slot (handle_hold), which is a lock of class HANDLE_SLOT.
 *   While the slot is held the entry stays. Threads that use different handles do not touch the
 *   same lock.
 * - Code that adds or removes handles holds the table's lock (class HANDLE_TABLE). It takes a slot
 *   out of use only while no thread holds the slot.
 * - So under the table's lock all entries stay, and their slots need not be held.
 * - OBJECT locks may be taken under both locks.
 * - A `struct handle` on its own (in a message) is an entry without a value. It owns one reference
 *   and one handle count of its object. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/errors.h>
#include <abi/limits.h>
#include <abi/rights.h>
#include <abi/types.h>
#include <arch/turns.h>
#include <arch/user_copy.h>
#include <lib/compiler.h>
#include <lock/spinlock.h>
#include <object/object.h>

struct handle {
    struct object* object;
    zx_rights_t rights;
};

/* `tag` is the handle's value while the slot is in use and not held. Otherwise it is a value with
 * an index bit flipped, which no look-up of this slot can match:
 *
 *   value                              in use
 *   value ^ HANDLE_HELD_MARK           in use, held
 *   next value ^ HANDLE_FREE_MARK      free, or taken out and not yet free */
struct handle_slot {
    _Atomic uint32_t tag;
    zx_rights_t marked_rights; /* the rights, and perhaps HANDLE_WAS_OBSERVED */
    union {
        struct object* object;         /* in use */
        struct handle_slot* next_free; /* free */
    };
#ifdef JACINTH_DEBUG
    struct lock_debug debug;
#endif
};

#define HANDLE_INDEX_BITS 18
#define HANDLE_INDEX_MASK ((1u << HANDLE_INDEX_BITS) - 1)
#define HANDLE_GENERATION_STEP (1u << HANDLE_INDEX_BITS)
#define HANDLE_FREE_MARK 1u
#define HANDLE_HELD_MARK 2u
/* A mark among the rights: a thread waited through this handle. Code that takes the handle away
 * must look for its observers. No handle has this bit as a right. */
#define HANDLE_WAS_OBSERVED ZX_RIGHT_SAME_RIGHTS
#define HANDLE_CHUNK_SLOTS 128u
#define HANDLE_CHUNK_COUNT (PROCESS_MAX_HANDLES / HANDLE_CHUNK_SLOTS)
/* Growth keeps this many slots free, so that a slot freed just now waits behind them. */
#define HANDLE_SPARE_SLOTS 64u

/* Where the chunks are. Look-ups read the directory without a lock, which two rules make safe:
 * 1. Each place points to a chunk. A place whose own chunk does not exist points to the first
 *    chunk, where no tag can match.
 * 2. A directory that became too small is kept until the table is destroyed. */
struct handle_directory {
    struct handle_directory* previous;
    struct handle_slot* chunks[];
};

/* A table never moves in memory: `free_end` may point into it. */
struct handle_table {
    struct spinlock lock;
    struct handle_slot** _Atomic chunks; /* the chunks of the newest handle_directory */
    /* the number of its places (a power of two) less 1; written after `chunks` */
    _Atomic uint32_t chunk_mask;
    uint32_t slot_count; /* the slots of all chunks */
    uint32_t free_count;
    struct handle_slot* free_head; /* the free slots, oldest first */
    /* where the next free slot is linked: `next_free` of the last one, or free_head */
    struct handle_slot** free_end;
    uint32_t spare; /* growth keeps so many slots free; UINT32_MAX: the table is closed */
    uint32_t first_generation; /* the generation of a new slot */
    bool may_have_windows;     /* an object here may have a window (object_ops.exchange_window) */
    /* Called when a look-up by a thread of the process fails. Locks may be held. NULL: no call. */
    void (*on_fault)(struct handle_table* table, zx_status_t status);
};

/* Reports a failed look-up to `on_fault`. A fast path does not call this: the slow path that runs
 * after it does. */
void handle_fault(struct handle_table* table, zx_status_t status);

zx_status_t handle_table_init(struct handle_table* table); /* NO_MEMORY */
void handle_table_destroy(struct handle_table* table);     /* the table is empty by now */

/* Gives up an entry without a value: drops its handle count and its reference. No lock held. The
 * two functions do the rare parts: when the handle count has just become 0, and when
 * object.release_work is set. */
void handle_release_last(struct object* object);
void handle_release_with_work(struct object* object);
static inline void handle_release(struct handle handle) {
    struct object* object = handle.object;
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

/* The slot in which `value` must be, if it is in use. The caller compares the tag. */
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

/* OK if the entry is of `type` (NONE: any) and has `rights`; else WRONG_TYPE or ACCESS_DENIED,
 * checked in this order. The slot is held, or the table locked, so the entry stays. */
static inline zx_status_t handle_slot_check(const struct handle_slot* slot, zx_obj_type_t type,
                                            zx_rights_t rights) {
    if (unlikely(type != ZX_OBJ_TYPE_NONE && slot->object->ops->type != type))
        return ZX_ERR_WRONG_TYPE;
    return likely((slot->marked_rights & rights) == rights) ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

static inline zx_rights_t handle_slot_rights(const struct handle_slot* slot) {
    return slot->marked_rights & ~HANDLE_WAS_OBSERVED;
}

/* Called before an observer is added through the handle. The slot is held, or the table locked, so
 * the entry stays. If one thread has the slot and another the table, both write the same value. */
static inline void handle_slot_note_observer(struct handle_slot* slot) {
    slot->marked_rights |= HANDLE_WAS_OBSERVED;
}

/* Changes the tag of a slot that is in use under `value`, and waits while another thread holds the
 * slot. False: the slot is not in use under `value`. Inline, because a call would cost the fast
 * path registers. */
static ALWAYS_INLINE bool handle_slot_change_tag(struct handle_slot* slot, zx_handle_t value,
                                                 uint32_t tag) {
    for (;;) {
        uint32_t present = (uint32_t)value;
        turn_point();
        if (likely(atomic_compare_exchange_strong_explicit(
                &slot->tag, &present, tag, memory_order_acquire, memory_order_relaxed)))
            return true;
        if (present != ((uint32_t)value ^ HANDLE_HELD_MARK))
            return false;
        cpu_relax();
    }
}

/* Lets other threads use the slot again. It was held, or taken out and not yet in the free list.
 * The release store pairs with the acquire in handle_slot_change_tag. */
static inline void handle_slot_put_back(struct handle_slot* slot, zx_handle_t value) {
    atomic_store_explicit(&slot->tag, (uint32_t)value, memory_order_release);
    turn_point();
}

/* Holds the slot if it is in use under `value`.
 *
 * A handle that is not there may come back: a transfer that fails puts the handles back which it
 * took, and unlocks the table afterwards. So the second attempt is made under the table's lock. */
static ALWAYS_INLINE bool handle_slot_hold(struct handle_table* table, struct handle_slot* slot,
                                           zx_handle_t value) {
    uint32_t held = (uint32_t)value ^ HANDLE_HELD_MARK;
    if (likely(handle_slot_change_tag(slot, value, held)))
        return true;
    spin_lock_inner(&table->lock);
    bool is_there = handle_slot_change_tag(slot, value, held);
    spin_unlock_inner(&table->lock);
    if (unlikely(!is_there))
        CALL_KEEPING_2(handle_fault, table, ZX_ERR_BAD_HANDLE);
    return is_there;
}

/* Holds the slot of `value` until handle_let_go, if its entry is of `type` (NONE: any) and has
 * `rights`. Else BAD_HANDLE, WRONG_TYPE or ACCESS_DENIED, checked in this order, and nothing is
 * held. Preemption is off, and stays off. */
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

/* The same for a caller with preemption on. It is off while the slot is held. */
MUST_CHECK static ALWAYS_INLINE zx_status_t handle_hold(struct handle_table* table,
                                                        zx_handle_t value, zx_obj_type_t type,
                                                        zx_rights_t rights,
                                                        struct handle_slot** slot) {
    preempt_disable();
    zx_status_t status = handle_hold_inner(table, value, type, rights, slot);
    if (unlikely(status != ZX_OK))
        preempt_enable();
    return status;
}

static inline void handle_let_go(struct handle_slot* slot, zx_handle_t value) {
    handle_let_go_outer(slot, value);
    preempt_enable();
}

/* Returns the object with a reference, checked as in handle_hold. Inline: most calls use it. */
MUST_CHECK static inline zx_status_t handle_table_lookup(struct handle_table* table,
                                                         zx_handle_t value, zx_obj_type_t type,
                                                         zx_rights_t rights,
                                                         struct object** object) {
    struct handle_slot* slot;
    zx_status_t status = handle_hold(table, value, type, rights, &slot);
    if (unlikely(status != ZX_OK))
        return status;
    *object = slot->object;
    object_reference(*object);
    handle_let_go(slot, value);
    return ZX_OK;
}

/* --- look-up with the table locked ------------------------------------------------------------ */

/* Whether the slot is in use under `value`; a thread may hold it. */
static inline bool handle_slot_is_used_locked(const struct handle_slot* slot, zx_handle_t value) {
    uint32_t tag = atomic_load_explicit(&slot->tag, memory_order_relaxed);
    return likely(((tag ^ (uint32_t)value) & ~HANDLE_HELD_MARK) == 0);
}

/* Whether `value` is a handle; *slot is its slot then. */
static inline bool handle_table_find_locked(const struct handle_table* table, zx_handle_t value,
                                            struct handle_slot** slot) {
    *slot = handle_table_slot(table, value);
    return handle_slot_is_used_locked(*slot, value);
}

/* OK if `value` is a handle and passes handle_slot_check; else BAD_HANDLE or the error of that. */
static inline zx_status_t handle_table_check_locked(const struct handle_table* table,
                                                    zx_handle_t value, zx_obj_type_t type,
                                                    zx_rights_t rights, struct handle_slot** slot) {
    if (unlikely(!handle_table_find_locked(table, value, slot)))
        return ZX_ERR_BAD_HANDLE;
    return handle_slot_check(*slot, type, rights);
}

/* --- slots, for the operations below ---------------------------------------------------------- */

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

/* The value that a free slot will have when it is used. */
static inline zx_handle_t handle_slot_next_value(const struct handle_slot* slot) {
    return (zx_handle_t)(atomic_load_explicit(&slot->tag, memory_order_relaxed) ^ HANDLE_FREE_MARK);
}

/* Puts an entry into a free slot. The release store of the tag comes last: a look-up that sees the
 * tag sees the entry too. */
static inline zx_handle_t handle_slot_show(struct handle_slot* slot, struct object* object,
                                           zx_rights_t rights) {
    zx_handle_t value = handle_slot_next_value(slot);
    slot->object = object;
    slot->marked_rights = rights;
    turn_point();
    atomic_store_explicit(&slot->tag, (uint32_t)value, memory_order_release);
    return value;
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

/* The tag of a slot that had `value` until now and becomes free. */
static inline uint32_t handle_tag_after(uint32_t value) {
    uint32_t next = value + HANDLE_GENERATION_STEP;
    if (unlikely((int32_t)next < 0)) /* generation 0 is never used */
        next = (value & HANDLE_INDEX_MASK) | HANDLE_GENERATION_STEP;
    return next ^ HANDLE_FREE_MARK;
}

/* Takes the slot of `value` out of use; false: there is none. Waits for the thread that holds the
 * slot. That thread may want an OBJECT lock, so the caller must hold none. */
static ALWAYS_INLINE bool handle_take_locked(struct handle_chunks chunks, zx_handle_t value,
                                             struct handle_slot** slot) {
    *slot = handle_slot_of(chunks, value);
#ifdef JACINTH_DEBUG
    lock_order_acquire(&(*slot)->debug, (uintptr_t)__builtin_return_address(0));
#endif
    return likely(handle_slot_change_tag(*slot, value, handle_tag_after((uint32_t)value)));
}

/* Takes the handle out of the table; the caller owns the entry, whose rights still have the mark.
 * False: there is no such handle. */
static ALWAYS_INLINE bool handle_table_remove_locked(struct handle_table* table, zx_handle_t value,
                                                     struct handle* handle) {
    struct handle_slot* slot;
    if (unlikely(!handle_take_locked(handle_table_chunks(table), value, &slot)))
        return false;
    *handle = (struct handle){slot->object, slot->marked_rights};
    handle_slot_append_free(table, slot);
    return true;
}

/* --- one handle ------------------------------------------------------------------------------ */

/* Whether a look-up would succeed: OK or its error. */
zx_status_t handle_table_check(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                               zx_rights_t rights);
/* handle_table_lookup out of line, for calls whose instructions are not counted. */
MUST_CHECK zx_status_t handle_table_get(struct handle_table* table, zx_handle_t value,
                                        zx_obj_type_t type, zx_rights_t rights,
                                        struct object** object);
/* The same, and returns the handle's rights too. */
MUST_CHECK zx_status_t handle_table_get_with_rights(struct handle_table* table, zx_handle_t value,
                                                    zx_obj_type_t type, zx_rights_t rights,
                                                    struct object** object,
                                                    zx_rights_t* handle_rights);

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
/* Takes the handle out of the table; the caller owns the entry. BAD_HANDLE. */
MUST_CHECK zx_status_t handle_table_remove(struct handle_table* table, zx_handle_t value,
                                           struct handle* handle);
/* Gives the handle a new value, written to `out_user`, and `rights`. BAD_HANDLE; INVALID_ARGS
 * (rights, bad user memory); errors of handle_table_add. On an error nothing has changed. */
MUST_CHECK zx_status_t handle_table_replace(struct handle_table* table, zx_handle_t value,
                                            zx_rights_t rights, uintptr_t out_user);
/* Closes all handles, in bounded preemptible steps. Nothing can be added any more. */
void handle_table_close_all(struct handle_table* table);
uint32_t handle_table_count(struct handle_table* table);

/* --- duplicate and close, inline: the most frequent of all ------------------------------------ */

/* The rights of a new handle made from a handle with `present`. INVALID_ARGS: `wanted` has more. */
static inline zx_status_t handle_derive_rights(zx_rights_t present, zx_rights_t wanted,
                                               zx_rights_t* rights) {
    *rights = wanted == ZX_RIGHT_SAME_RIGHTS ? present : wanted;
    return unlikely(*rights & ~present) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* Adds a second handle to the same object. BAD_HANDLE; ACCESS_DENIED without DUPLICATE;
 * INVALID_ARGS when `wanted` (SAME_RIGHTS: the same) is not a subset; errors of handle_table_add.
 */
MUST_CHECK zx_status_t handle_table_duplicate(struct handle_table* table, zx_handle_t value,
                                              zx_rights_t wanted, zx_handle_t* duplicate);

/* Adds a handle to the slot's object. There is room for it. */
static inline zx_handle_t handle_slot_copy(struct handle_table* table,
                                           const struct handle_slot* slot, zx_rights_t rights) {
    struct object* object = slot->object;
    object_reference(object);
    object_handle_added(object);
    return handle_slot_fill(table, object, rights);
}

/* The fast path of duplicate: writes the new value to `out_user`. False: nothing was done, and the
 * slow path has to find out why. */
MUST_CHECK static inline bool handle_table_duplicate_quickly(struct handle_table* table,
                                                             zx_handle_t value, zx_rights_t wanted,
                                                             uintptr_t out_user) {
    struct handle_slot* slot;
    zx_rights_t rights;
    bool is_done = false;
    spin_lock(&table->lock);
    if (likely(handle_table_check_locked(table, value, ZX_OBJ_TYPE_NONE, ZX_RIGHT_DUPLICATE,
                                         &slot) == ZX_OK) &&
        likely(handle_derive_rights(handle_slot_rights(slot), wanted, &rights) == ZX_OK) &&
        likely(handle_table_has_room_locked(table, 1)) &&
        likely(user_write_word(out_user, handle_slot_next_value(table->free_head)))) {
        (void)handle_slot_copy(table, slot, rights);
        is_done = true;
    }
    spin_unlock(&table->lock);
    return is_done;
}

/* Gives up an entry that was just taken out of the table, and ends the waits that were begun
 * through its value. */
void handle_release_observed(struct handle_table* table, zx_handle_t value, struct handle handle);
static inline void handle_release_taken(struct handle_table* table, zx_handle_t value,
                                        struct handle handle) {
    if (unlikely(handle.rights & HANDLE_WAS_OBSERVED))
        handle_release_observed(table, value, handle);
    else
        handle_release(handle);
}

/* Closes the handle. BAD_HANDLE. */
static inline zx_status_t handle_table_close(struct handle_table* table, zx_handle_t value) {
    struct handle handle;
    spin_lock(&table->lock);
    if (unlikely(!handle_table_remove_locked(table, value, &handle))) {
        spin_unlock(&table->lock);
        CALL_KEEPING_2(handle_fault, table, ZX_ERR_BAD_HANDLE);
        return ZX_ERR_BAD_HANDLE;
    }
    spin_unlock(&table->lock);
    handle_release_taken(table, value, handle);
    return ZX_OK;
}

/* --- many handles ----------------------------------------------------------------------------- */

/* The values that the next `count` entries will get. There is room for them
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

/* Closes the valid ones among `count` values, at most 64, in one lock hold. BAD_HANDLE: some were
 * not valid. */
zx_status_t handle_table_close_many(struct handle_table* table, const zx_handle_t* values,
                                    uint32_t count);
