/* A process's handles: value to (object, rights).
 *
 * A value is index (18 bits) and generation (13 bits, never 0), so that a stale value is caught.
 * Free slots are reused oldest first, and the table grows before the last few are used up: a value
 * comes back only after half a million others. The table grows in chunks; look-up, insertion and
 * removal are O(1). The lock is HANDLE_TABLE; under it OBJECT locks may be taken.
 *
 * A `struct handle` on its own (in a message) is an entry without a value: it owns one reference
 * and one handle count of its object. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/errors.h>
#include <abi/limits.h>
#include <abi/rights.h>
#include <abi/types.h>
#include <lib/compiler.h>
#include <lock/spinlock.h>
#include <object/object.h>

struct handle {
    struct object* object;
    zx_rights_t rights;
};

/* `tag` is the handle's value while the slot is in use. While it is free, it is the next value with
 * the lowest index bit flipped, which no look-up of this slot can match. */
struct handle_slot {
    union {
        struct object* object;         /* in use */
        struct handle_slot* next_free; /* free */
    };
    zx_rights_t rights;
    uint32_t tag;
};

#define HANDLE_INDEX_BITS 18
#define HANDLE_INDEX_MASK ((1u << HANDLE_INDEX_BITS) - 1)
#define HANDLE_GENERATION_STEP (1u << HANDLE_INDEX_BITS)
#define HANDLE_FREE_MARK 1u /* flipped in the tag of a free slot */
#define HANDLE_CHUNK_SLOTS 128u
#define HANDLE_CHUNK_COUNT (PROCESS_MAX_HANDLES / HANDLE_CHUNK_SLOTS)
/* Growth keeps this many slots free, so that the one freed last waits behind the others. */
#define HANDLE_SPARE_SLOTS 64u

/* Stays where it was initialized: it points into itself. */
struct handle_table {
    struct spinlock lock;
    struct handle_slot** chunks;
    uint32_t slot_count; /* slots in the chunks allocated so far */
    uint32_t free_count;
    struct handle_slot* free_head; /* FIFO of free slots */
    struct handle_slot** free_end; /* where the next one is linked: the last one, or free_head */
    uint32_t spare;            /* so many stay free; UINT32_MAX: nothing can be added any more */
    uint32_t chunk_room;       /* entries of `chunks` */
    uint32_t first_generation; /* of a new slot */
    bool may_have_windows;     /* some object here was once mapped (object_ops.exchange_window) */
};

zx_status_t handle_table_init(struct handle_table* table); /* NO_MEMORY */
void handle_table_destroy(struct handle_table* table);     /* empty by now */

/* Gives up an entry without a value: drops its handle count and reference. No lock held. */
static inline void handle_release(struct handle handle) {
    object_handle_removed(handle.object);
    object_release(handle.object);
    if (unlikely(atomic_load_explicit(&cycle_is_suspected, memory_order_relaxed)))
        cycle_collect();
}

/* --- look-up ---------------------------------------------------------------------------------- */

/* Whether `value` names a slot. The table's lock is held. */
static inline bool handle_table_find_locked(const struct handle_table* table, zx_handle_t value,
                                            struct handle_slot** slot) {
    uint32_t index = (uint32_t)value & HANDLE_INDEX_MASK;
    if (unlikely(index >= table->slot_count))
        return false;
    *slot = &table->chunks[index / HANDLE_CHUNK_SLOTS][index % HANDLE_CHUNK_SLOTS];
    return likely((*slot)->tag == (uint32_t)value);
}

/* OK when the slot is there, of `type` (NONE: any) and carries `rights`; else BAD_HANDLE,
 * WRONG_TYPE, ACCESS_DENIED in this order. */
static inline zx_status_t handle_table_check_locked(const struct handle_table* table,
                                                    zx_handle_t value, zx_obj_type_t type,
                                                    zx_rights_t rights, struct handle_slot** slot) {
    if (unlikely(!handle_table_find_locked(table, value, slot)))
        return ZX_ERR_BAD_HANDLE;
    if (unlikely(type != ZX_OBJ_TYPE_NONE && (*slot)->object->ops->type != type))
        return ZX_ERR_WRONG_TYPE;
    return likely(((*slot)->rights & rights) == rights) ? ZX_OK : ZX_ERR_ACCESS_DENIED;
}

/* A reference to the object, checked as above. Inline: it is on the way of every call. */
MUST_CHECK static inline zx_status_t handle_table_lookup(struct handle_table* table,
                                                         zx_handle_t value, zx_obj_type_t type,
                                                         zx_rights_t rights,
                                                         struct object** object) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    zx_status_t status = handle_table_check_locked(table, value, type, rights, &slot);
    if (unlikely(status != ZX_OK)) {
        spin_unlock(&table->lock);
        return status;
    }
    *object = slot->object;
    object_reference(*object);
    spin_unlock(&table->lock);
    return ZX_OK;
}

/* --- slots, for the operations below ------------------------------------------------------------
 */

zx_status_t handle_table_grow_locked(struct handle_table* table, uint32_t count);

/* Makes sure that `count` handles can be added before the lock is dropped. NO_MEMORY, NO_RESOURCES,
 * BAD_STATE. */
MUST_CHECK static inline zx_status_t handle_table_reserve_locked(struct handle_table* table,
                                                                 uint32_t count) {
    return likely(table->free_count >= (uint64_t)table->spare + count)
               ? ZX_OK
               : handle_table_grow_locked(table, count);
}

/* Takes the slot that has been free longest; there is one. */
static inline zx_handle_t handle_slot_fill(struct handle_table* table, struct object* object,
                                           zx_rights_t rights) {
    struct handle_slot* slot = table->free_head;
    table->free_head = slot->next_free;
    if (unlikely(--table->free_count == 0))
        table->free_end = &table->free_head;
    slot->object = object;
    slot->rights = rights;
    return (zx_handle_t)(slot->tag ^= HANDLE_FREE_MARK);
}

static inline void handle_slot_append_free(struct handle_table* table, struct handle_slot* slot) {
    *table->free_end = slot;
    table->free_end = &slot->next_free;
    table->free_count++;
}

/* The tag of a free slot that was called `value` until now. */
static inline uint32_t handle_tag_after(uint32_t value) {
    uint32_t next = value + HANDLE_GENERATION_STEP;
    if (unlikely((int32_t)next < 0)) /* generation 0 is never used */
        next = (value & HANDLE_INDEX_MASK) | HANDLE_GENERATION_STEP;
    return next ^ HANDLE_FREE_MARK;
}

static inline void handle_slot_free(struct handle_table* table, struct handle_slot* slot,
                                    uint32_t value) {
    slot->tag = handle_tag_after(value);
    handle_slot_append_free(table, slot);
}

/* --- one handle ------------------------------------------------------------------------------ */

/* Whether a look-up would succeed: OK or its error. */
zx_status_t handle_table_check(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                               zx_rights_t rights);

/* The same, out of line: for calls that do not count instructions. */
MUST_CHECK zx_status_t handle_table_get(struct handle_table* table, zx_handle_t value,
                                        zx_obj_type_t type, zx_rights_t rights,
                                        struct object** object);
/* The same, answering the handle's rights too. */
MUST_CHECK zx_status_t handle_table_get_with_rights(struct handle_table* table, zx_handle_t value,
                                                    zx_obj_type_t type, zx_rights_t rights,
                                                    struct object** object,
                                                    zx_rights_t* handle_rights);

/* Puts `handle` into the table; consumes it on success only. NO_MEMORY, NO_RESOURCES (table full),
 * BAD_STATE (process dead). */
MUST_CHECK zx_status_t handle_table_add(struct handle_table* table, struct handle handle,
                                        zx_handle_t* value);
/* Takes the handle out; the caller owns the entry. BAD_HANDLE. */
MUST_CHECK zx_status_t handle_table_remove(struct handle_table* table, zx_handle_t value,
                                           struct handle* handle);
/* A new value, told at `out_user`, for the same handle with `rights`. BAD_HANDLE; INVALID_ARGS
 * (rights, bad user memory); errors of handle_table_add: then nothing changed. */
MUST_CHECK zx_status_t handle_table_replace(struct handle_table* table, zx_handle_t value,
                                            zx_rights_t rights, uintptr_t out_user);
/* Closes everything, in bounded preemptible steps; the table takes nothing any more. */
void handle_table_close_all(struct handle_table* table);
uint32_t handle_table_count(struct handle_table* table);
/* For the emergency console: a line each. Takes no lock. */
void handle_table_print(const struct handle_table* table);

/* --- duplicate and close, inline: the most frequent of all -------------------------------------
 */

/* `wanted` as rights of a handle made from one that has `present`. */
static inline zx_status_t handle_derive_rights(zx_rights_t present, zx_rights_t wanted,
                                               zx_rights_t* rights) {
    *rights = wanted == ZX_RIGHT_SAME_RIGHTS ? present : wanted;
    return unlikely(*rights & ~present) ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/* A second handle to the same object. BAD_HANDLE; ACCESS_DENIED without DUPLICATE; INVALID_ARGS
 * when `rights` (SAME_RIGHTS: the same) are not a subset; errors of handle_table_add. */
MUST_CHECK static inline zx_status_t handle_table_duplicate(struct handle_table* table,
                                                            zx_handle_t value, zx_rights_t wanted,
                                                            zx_handle_t* duplicate) {
    struct handle_slot* slot;
    zx_rights_t rights;
    spin_lock(&table->lock);
    zx_status_t status =
        handle_table_check_locked(table, value, ZX_OBJ_TYPE_NONE, ZX_RIGHT_DUPLICATE, &slot);
    if (likely(status == ZX_OK))
        status = handle_derive_rights(slot->rights, wanted, &rights);
    if (likely(status == ZX_OK))
        status = handle_table_reserve_locked(table, 1);
    if (likely(status == ZX_OK)) {
        object_reference(slot->object);
        object_handle_added(slot->object);
        *duplicate = handle_slot_fill(table, slot->object, rights);
    }
    spin_unlock(&table->lock);
    return status;
}

/* BAD_HANDLE. */
static inline zx_status_t handle_table_close(struct handle_table* table, zx_handle_t value) {
    struct handle_slot* slot;
    spin_lock(&table->lock);
    if (unlikely(!handle_table_find_locked(table, value, &slot))) {
        spin_unlock(&table->lock);
        return ZX_ERR_BAD_HANDLE;
    }
    struct handle handle = {slot->object, slot->rights};
    handle_slot_free(table, slot, (uint32_t)value);
    spin_unlock(&table->lock);
    if (unlikely(object_has_observers(handle.object)))
        object_handle_observers_cancel(handle.object, table, value);
    handle_release(handle);
    return ZX_OK;
}

/* --- many handles ----------------------------------------------------------------------------- */

/* Adds entries for which there is room (handle_table_reserve_locked); consumes them. */
static inline void handle_table_add_many_locked(struct handle_table* table,
                                                const struct handle* entries, uint32_t count,
                                                zx_handle_t* values) {
    struct handle_slot* slot = table->free_head;
    for (uint32_t i = 0; i < count; i++) {
        struct handle_slot* next = slot->next_free;
        slot->object = entries[i].object;
        slot->rights = entries[i].rights;
        slot->tag ^= HANDLE_FREE_MARK;
        values[i] = (zx_handle_t)slot->tag;
        slot = next;
    }
    table->free_head = slot;
    table->free_count -= count;
    if (unlikely(table->free_count == 0))
        table->free_end = &table->free_head;
}
/* Takes them out again, without their becoming visible in between: the caller owns the entries. */
void handle_table_take_back_locked(struct handle_table* table, uint32_t count,
                                   const zx_handle_t* values);

/* Closes those of `count` values that are valid, in one lock hold. At most 64. */
zx_status_t handle_table_close_many(struct handle_table* table, const zx_handle_t* values,
                                    uint32_t count);

/* A look at the handles in use, for object_get_info and the debugger: fills `entries` from slot
 * `*index` on and moves `*index` past what it saw; answers how many. 0: that was all. The objects
 * are described, not referenced. */
struct handle_description {
    zx_handle_t value;
    zx_rights_t rights;
    zx_obj_type_t type;
    zx_koid_t koid;
};
uint32_t handle_table_describe(struct handle_table* table, uint32_t* index,
                               struct handle_description* entries, uint32_t room);
