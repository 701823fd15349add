/* Handles on their way out of a table and into a message or a new process, in one step.
 *
 * Rules for a transfer:
 *
 * - handle_transfer_take_locked takes all of the values out of the table, or none. It returns the
 *   fault of the leftmost value that has one.
 * - The caller keeps the table locked, delivers the entries, and calls handle_transfer_end_locked
 *   with the status of that. So no other thread sees a handle in both places or in neither.
 * - After a transfer that succeeded, and without the lock, the caller calls handle_transfer_finish.
 *   This wakes the threads that wait on the handles, and destroys the windows (mm/window.h) that
 *   the process had through them. */
#pragma once

#include <object/handle_table.h>

#define HANDLE_TRANSFER_MAX 64u
#define HANDLE_TRANSFER_NOWHERE UINT32_MAX

/* Faults that the generations of calls name differently. */
struct handle_transfer_errors {
    zx_status_t repeated; /* the same value twice */
    zx_status_t invalid;  /* a value that names nothing */
};

struct handle_transfer {
    struct handle_table* table;
    const zx_handle_t* values;
    struct handle* entries; /* filled in by handle_transfer_take_locked */
    uint32_t count;         /* 1 to HANDLE_TRANSFER_MAX */
    uint32_t carrier_index; /* the place among the values that the carrier may have; or NOWHERE */
    const struct handle_transfer_errors* errors;
    /* Private: */
    struct handle_slot* first_slot; /* the slots, linked as the free list will have them */
    struct handle_slot** slots_end;
    struct window* windows; /* taken off the objects */
    uint64_t observed;      /* bit i: a thread waits on element i, and objects[i] is a reference */
    struct object* objects[HANDLE_TRANSFER_MAX];
};

/* The slow paths of the functions below, which are inline because every message with handles needs
 * them. */
zx_status_t handle_transfer_refuse_locked(struct handle_transfer* transfer, uint32_t index);
void handle_transfer_note_observed(struct handle_transfer* transfer, uint32_t index,
                                   struct object* object);
void handle_transfer_take_windows_locked(struct handle_transfer* transfer);
void handle_transfer_put_back_locked(struct handle_transfer* transfer);
void handle_transfer_finish_slowly(const struct handle_transfer* transfer);

/* Takes all handles out of the table, or none. Returns the error of the leftmost faulty element:
 * errors->invalid, errors->repeated, ACCESS_DENIED (no TRANSFER right), NOT_SUPPORTED (the carrier,
 * the object that the handles go into). A taken slot has its next tag already, so that a repeated
 * value is not found again. */
MUST_CHECK static ALWAYS_INLINE zx_status_t
handle_transfer_take_locked(struct handle_transfer* transfer, const struct object* carrier) {
    struct handle_slot** link = &transfer->first_slot;
    const struct handle_chunks chunks = handle_table_chunks(transfer->table);
    transfer->observed = 0;
    for (uint32_t i = 0; i < transfer->count; i++) {
        zx_handle_t value = transfer->values[i];
        struct handle_slot* slot;
        if (!handle_take_locked(chunks, value, &slot))
            return handle_transfer_refuse_locked(transfer, i);
        struct object* object = slot->object;
        if (unlikely(!(slot->marked_rights & ZX_RIGHT_TRANSFER)) ||
            (object == carrier && i != transfer->carrier_index)) {
            handle_slot_put_back(slot, value);
            return handle_transfer_refuse_locked(transfer, i);
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

/* Ends what handle_transfer_take_locked began. After OK the entries belong to their receiver, which
 * may already have released them. After an error the values are handles of the table again. */
static inline void handle_transfer_end_locked(struct handle_transfer* transfer,
                                              zx_status_t status) {
    struct handle_table* table = transfer->table;
    if (unlikely(status != ZX_OK)) {
        handle_transfer_put_back_locked(transfer);
        return;
    }
    *table->free_end = transfer->first_slot;
    table->free_end = transfer->slots_end;
    table->free_count += transfer->count;
}

/* Called after a transfer that succeeded, without the lock. */
static inline void handle_transfer_finish(const struct handle_transfer* transfer) {
    if (unlikely(transfer->observed || transfer->windows))
        handle_transfer_finish_slowly(transfer);
}
