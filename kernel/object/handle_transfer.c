#include <object/handle_transfer.h>

#include <mm/window.h>

/* Makes the first `count` elements ordinary handles again. */
static void put_back(struct handle_transfer* transfer, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct object* object = transfer->entries[i].object;
        struct handle_slot* slot = handle_table_slot(transfer->table, transfer->values[i]);
        slot->object = object;
        handle_slot_put_back(slot, transfer->values[i]);
        if (transfer->observed & (1ull << i))
            object_release(object); /* never the last reference: the slot has one */
    }
}

static bool is_repeated(const struct handle_transfer* transfer, uint32_t index) {
    for (uint32_t i = 0; i < index; i++)
        if (transfer->values[i] == transfer->values[index])
            return true;
    return false;
}

/* Puts back the elements before `index`, which cannot be taken. Returns why not. */
zx_status_t handle_transfer_refuse_locked(struct handle_transfer* transfer, uint32_t index) {
    struct handle_slot* slot;
    zx_status_t status;
    if (!handle_table_find_locked(transfer->table, transfer->values[index], &slot)) {
        status =
            is_repeated(transfer, index) ? transfer->errors->repeated : transfer->errors->invalid;
        handle_fault(transfer->table, ZX_ERR_BAD_HANDLE);
    } else {
        status =
            slot->marked_rights & ZX_RIGHT_TRANSFER ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_ACCESS_DENIED;
    }
    put_back(transfer, index);
    return status;
}

/* Takes a reference, because the observers are notified after the entry was delivered. By then the
 * receiver may have closed it. */
void handle_transfer_note_observed(struct handle_transfer* transfer, uint32_t index,
                                   struct object* object) {
    transfer->observed |= 1ull << index;
    transfer->objects[index] = object;
    object_reference(object);
}

void handle_transfer_take_windows_locked(struct handle_transfer* transfer) {
    for (uint32_t i = 0; i < transfer->count; i++) {
        struct object* object = transfer->entries[i].object;
        if (!object->ops->exchange_window)
            continue;
        struct window* window = object->ops->exchange_window(object, NULL);
        if (window) {
            window->next = transfer->windows;
            transfer->windows = window;
        }
    }
}

void handle_transfer_put_back_locked(struct handle_transfer* transfer) {
    while (transfer->windows) {
        struct window* window = transfer->windows;
        struct object* object = window->owner;
        transfer->windows = window->next;
        (void)object->ops->exchange_window(object, window);
    }
    put_back(transfer, transfer->count);
}

void handle_transfer_finish_slowly(const struct handle_transfer* transfer) {
    for (uint64_t bits = transfer->observed; bits; bits &= bits - 1) {
        int i = __builtin_ctzll(bits);
        object_handle_observers_cancel(transfer->objects[i], transfer->table, transfer->values[i]);
        object_release(transfer->objects[i]);
    }
    for (struct window *window = transfer->windows, *next; window; window = next) {
        next = window->next;
        window_destroy(window);
    }
}
