/* One slot of a handle table. Its tag says whether it is in use, held or free.
 *
 * Rules for slots:
 * - The tag changes by one atomic step. A thread that changes it from the value to the held tag
 *   holds the slot. The entry stays until that thread writes the value back.
 * - Only a thread that holds the slot, or has the table locked, reads its entry.
 * - Only code that has the table locked takes a slot out of use, or puts an entry into a free one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/errors.h>
#include <abi/rights.h>
#include <abi/types.h>
#include <arch/cpu.h>
#include <arch/turns.h>
#include <lib/compiler.h>
#include <lock/spinlock.h>
#include <object/object.h>

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
 * the entry stays. One thread may have the slot and another the table: then both write the same
 * value. */
static inline void handle_slot_note_observer(struct handle_slot* slot) {
    slot->marked_rights |= HANDLE_WAS_OBSERVED;
}

/* Changes the tag of a slot that is in use under `value`, and waits while another thread holds the
 * slot. False: the slot is not in use under `value`. The acquire pairs with the release stores
 * below: this thread sees the entry. Inline, because a call would cost the fast path registers. */
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

/* Lets other threads use the slot again. The slot was held, or taken out and not yet in the free
 * list. The release store pairs with the acquire in handle_slot_change_tag. */
static inline void handle_slot_put_back(struct handle_slot* slot, zx_handle_t value) {
    atomic_store_explicit(&slot->tag, (uint32_t)value, memory_order_release);
    turn_point();
}

/* Whether the slot is in use under `value`; a thread may hold it. Relaxed: the table's lock orders
 * the load, here and in the next two functions. */
static inline bool handle_slot_is_used_locked(const struct handle_slot* slot, zx_handle_t value) {
    uint32_t tag = atomic_load_explicit(&slot->tag, memory_order_relaxed);
    return likely(((tag ^ (uint32_t)value) & ~HANDLE_HELD_MARK) == 0);
}

/* Whether the slot is in use, held or not; *value is its handle value then. */
static inline bool handle_slot_has_value(const struct handle_slot* slot, uint32_t index,
                                         zx_handle_t* value) {
    uint32_t tag = atomic_load_explicit(&slot->tag, memory_order_relaxed);
    *value = (zx_handle_t)((tag & ~HANDLE_INDEX_MASK) | index);
    return !((tag ^ index) & HANDLE_FREE_MARK);
}

/* Returns the value that a free slot will have when it is used. */
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

/* Returns the tag of a slot that had `value` and becomes free. */
static inline uint32_t handle_tag_after(uint32_t value) {
    uint32_t next = value + HANDLE_GENERATION_STEP;
    if (unlikely((int32_t)next < 0)) /* generation 0 is never used */
        next = (value & HANDLE_INDEX_MASK) | HANDLE_GENERATION_STEP;
    return next ^ HANDLE_FREE_MARK;
}
