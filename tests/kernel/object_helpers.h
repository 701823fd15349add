/* What the tests of the object layer share. */
#pragma once

#include <abi/rights.h>
#include <ipc/channel.h>
#include <lib/units.h>
#include <object/event.h>
#include <object/handle_table.h>

static inline void handle_table_close_all(struct handle_table* table) {
    int64_t units = UNITS_WITHOUT_END;
    (void)handle_table_close_some(table, &units);
}

static inline uint32_t handle_table_count(struct handle_table* table) {
    spin_lock(&table->lock);
    uint32_t count = table->slot_count - table->free_count;
    spin_unlock(&table->lock);
    return count;
}

/* A handle of its own to the object, for which the caller gives its reference. */
static inline struct handle handle_to(struct object* object, zx_rights_t rights) {
    object_handle_added(object);
    return (struct handle){object, rights};
}

/* A new event in the table; 0: no memory. */
static inline zx_handle_t add_event(struct handle_table* table, struct event** event) {
    zx_handle_t value = ZX_HANDLE_INVALID;
    *event = event_create();
    if (!*event)
        return value;
    struct handle handle = handle_to(&(*event)->object, EVENT_DEFAULT_RIGHTS);
    if (handle_table_add(table, handle, &value) != ZX_OK)
        handle_release(handle);
    return value;
}

/* A second handle to the object of a handle, with the same rights. */
static inline zx_status_t add_copy(struct handle_table* table, zx_handle_t value,
                                   zx_handle_t* copy) {
    struct object* object;
    zx_rights_t rights;
    zx_status_t status =
        handle_table_get_with_rights(table, value, ZX_OBJ_TYPE_NONE, 0, &object, &rights);
    if (status != ZX_OK)
        return status;
    struct handle handle = handle_to(object, rights);
    status = handle_table_add(table, handle, copy);
    if (status != ZX_OK)
        handle_release(handle);
    return status;
}

/* A channel whose ends have one handle each, in no table. */
static inline bool create_channel(struct handle ends[2]) {
    struct message_end *end0, *end1;
    if (channel_create(&end0, &end1) != ZX_OK)
        return false;
    ends[0] = handle_to(&end0->object, CHANNEL_DEFAULT_RIGHTS);
    ends[1] = handle_to(&end1->object, CHANNEL_DEFAULT_RIGHTS);
    return true;
}

/* Sends the handles, which are consumed, through `end`. */
static inline bool send_handles(struct handle end, const struct handle* handles, uint32_t count) {
    struct message* message = message_create("", 0, count);
    if (!message)
        return false;
    for (uint32_t i = 0; i < count; i++)
        message_handles(message)[i] = handles[i];
    if (message_end_push(message_end_from(end.object), message) == ZX_OK)
        return true;
    message_destroy(message);
    return false;
}

/* Channels: near[i] and far[i] are the ends of one. */
static inline bool create_channels(struct handle* near, struct handle* far, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct handle ends[2];
        if (!create_channel(ends))
            return false;
        near[i] = ends[0];
        far[i] = ends[1];
    }
    return true;
}

/* Channel i's far end waits at channel i + 1's far end, all round. */
static inline bool create_ring(struct handle* near, struct handle* far, uint32_t size) {
    if (!create_channels(near, far, size))
        return false;
    for (uint32_t i = 0; i < size; i++)
        if (!send_handles(near[i], &far[(i + 1) % size], 1))
            return false;
    return true;
}
