/* Handles on their way out of a table and into a message, in one step.
 *
 * With the table locked: handle_transfer_take_locked checks and takes the values one by one, from
 * left to right. When one is at fault it puts back those before it; so it takes all of them or
 * none. The caller delivers the entries next, still with the table locked, and then calls
 * handle_transfer_commit_locked or handle_transfer_put_back_locked. So no other thread sees a
 * handle in both places or in neither. After the lock is dropped, handle_transfer_finish wakes
 * those who waited on the handles, and takes away the windows (mm/window.h) that the process had
 * through them.
 */
#pragma once

#include <object/handle_table.h>

#define HANDLE_TRANSFER_MAX 64u
#define HANDLE_TRANSFER_NOWHERE UINT32_MAX

/* The answers of one generation. */
struct handle_transfer_errors {
    zx_status_t repeated; /* the same value twice */
    zx_status_t invalid;  /* a value that names nothing */
};

struct handle_transfer {
    struct handle_table* table;
    const zx_handle_t* values;
    struct handle* entries; /* filled in by handle_transfer_take_locked */
    uint32_t count;         /* 1 to HANDLE_TRANSFER_MAX */
    uint32_t carrier_index; /* where the end that is written to may stand, or nowhere */
    const struct handle_transfer_errors* errors;
    /* Private: the slots, as a piece of the free list to come... */
    struct handle_slot* first_slot;
    struct handle_slot** slots_end;
    /* ...and the elements that were waited on, a bit each, with a reference to the object.
     */
    uint64_t observed;
    struct object* objects[HANDLE_TRANSFER_MAX];
    struct window* windows; /* taken off the objects */
};

/* The errors of the leftmost faulty element: errors->invalid, errors->repeated, ACCESS_DENIED (no
 * TRANSFER right), NOT_SUPPORTED (the carrier). Puts back what was taken before it. */
MUST_CHECK zx_status_t handle_transfer_fault_locked(struct handle_transfer* transfer,
                                                    uint32_t index);
void handle_transfer_note_observed(struct handle_transfer* transfer, uint32_t index,
                                   struct object* object);
void handle_transfer_cancel_observed(const struct handle_transfer* transfer);
void handle_transfer_take_windows_locked(struct handle_transfer* transfer);
void handle_transfer_destroy_windows(const struct handle_transfer* transfer);
/* After handle_transfer_take_locked: makes the values ordinary handles again. */
void handle_transfer_put_back_locked(struct handle_transfer* transfer);

/* A taken slot has its next tag already, so that meeting its value again finds nothing. */
MUST_CHECK static ALWAYS_INLINE zx_status_t
handle_transfer_take_locked(struct handle_transfer* transfer, const struct object* carrier) {
    struct handle_slot** link = &transfer->first_slot;
    const struct handle_chunks chunks = handle_table_chunks(transfer->table);
    transfer->observed = 0;
    for (uint32_t i = 0; i < transfer->count; i++) {
        zx_handle_t value = transfer->values[i];
        struct handle_slot* slot;
        if (unlikely(!handle_take_locked(chunks, value, &slot)))
            return handle_transfer_fault_locked(transfer, i);
        struct object* object = slot->object;
        if (unlikely(!(slot->marked_rights & ZX_RIGHT_TRANSFER)) ||
            unlikely(object == carrier && i != transfer->carrier_index)) {
            handle_slot_put_back(slot, value);
            return handle_transfer_fault_locked(transfer, i);
        }
        if (unlikely(slot->marked_rights & HANDLE_WAS_OBSERVED))
            handle_transfer_note_observed(transfer, i, object);
        transfer->entries[i] = (struct handle){object, handle_slot_rights(slot)};
        *link = slot;
        link = &slot->next_free;
    }
    transfer->slots_end = link;
    transfer->windows = NULL;
    if (unlikely(transfer->table->may_have_windows))
        handle_transfer_take_windows_locked(transfer);
    return ZX_OK;
}

/* The entries belong to the reader by now, and may be gone. */
static inline void handle_transfer_commit_locked(struct handle_transfer* transfer) {
    struct handle_table* table = transfer->table;
    *table->free_end = transfer->first_slot;
    table->free_end = transfer->slots_end;
    table->free_count += transfer->count;
}

/* After the commit, without the lock. */
static inline void handle_transfer_finish(const struct handle_transfer* transfer) {
    if (unlikely(transfer->observed))
        handle_transfer_cancel_observed(transfer);
    if (unlikely(transfer->windows))
        handle_transfer_destroy_windows(transfer);
}
