/* The longest pieces of the cleaner: objects that are left to it, and the collector of cycles. */
#include <ipc/data_pipe.h>
#include <ipc/data_pipe_state.h>
#include <ipc/message_cycle.h>
#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end.h>
#include <ipc/socket.h>
#include <lib/list.h>
#include <mm/page.h>
#include <mm/vmo.h>
#include <mm/vmo_copy.h>
#include <object/vmo_object.h>

#include "measured_cleaner.h"
#include "object_helpers.h"
#include "selftest.h"

#define TABLE_PAGES 512ul /* of a VMO, in one table of its page list */
#define LARGEST_PAGES (1ul << 28)

static size_t objects_before;

static void begin(void) {
    message_cycle_collect_all();
    objects_before = object_count();
}

/* The cleaner is held, and has been left what it is to do: all that was made since `begin`. */
static void measure(const char* load, bool is_made) {
    measure_pieces(load);
    measure_end();
    message_cycle_collect_all();
    EXPECT(is_made);
    EXPECT_EQUAL(object_count(), objects_before);
}

static void leave_and_measure(const char* load, struct handle handle) {
    EXPECT(measure_begin());
    leave_to_cleaner(handle);
    measure(load, true);
}

/* --- VMOs ------------------------------------------------------------------------------------- */

#define DENSE 3000u
#define SPARSE 300u

/* With `count` pages, the first one at `first`, `step` pages apart. */
static struct object* create_vmo(size_t pages, size_t first, size_t step, size_t count) {
    struct vmo* vmo;
    if (vmo_create(pages * PAGE_SIZE, &vmo) != ZX_OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (vmo_write(vmo, "x", (first + i * step) * PAGE_SIZE, 1) != ZX_OK)
            return NULL;
    struct vmo_object* object = vmo_object_create(vmo);
    return object ? &object->object : NULL;
}

static void measure_vmo(const char* load, size_t pages, size_t first, size_t step, size_t count) {
    begin();
    struct object* vmo = create_vmo(pages, first, step, count);
    EXPECT(vmo != NULL);
    leave_and_measure(load, handle_to(vmo, 0));
}

SELFTEST(cleaner_pieces, pages_side_by_side) {
    measure_vmo("vmo_dense", DENSE, 0, 1, DENSE);
}

/* The tables of each level are looked through up to their last place. */
SELFTEST(cleaner_pieces, pages_at_the_end_of_a_large_vmo) {
    measure_vmo("vmo_end", LARGEST_PAGES, LARGEST_PAGES - DENSE, 1, DENSE);
}

SELFTEST(cleaner_pieces, a_page_in_each_table) {
    measure_vmo("vmo_sparse", LARGEST_PAGES, TABLE_PAGES - 1, TABLE_PAGES, SPARSE);
}

SELFTEST(cleaner_pieces, a_page_in_each_two_tables) {
    size_t step = TABLE_PAGES * TABLE_PAGES;
    measure_vmo("vmo_sparse_2", LARGEST_PAGES, step - 1, step, SPARSE);
}

SELFTEST(cleaner_pieces, a_clone_before_and_after_its_parent) {
    for (unsigned clone_goes_last = 0; clone_goes_last < 2; clone_goes_last++) {
        struct vmo_object* clone;
        begin();
        struct object* parent = create_vmo(DENSE, 0, 1, DENSE);
        EXPECT(parent != NULL);
        EXPECT_OK(vmo_object_clone(vmo_object_from(parent), 0, DENSE * PAGE_SIZE, &clone));
        EXPECT(measure_begin());
        leave_to_cleaner(handle_to(clone_goes_last ? parent : &clone->object, 0));
        leave_to_cleaner(handle_to(clone_goes_last ? &clone->object : parent, 0));
        measure(clone_goes_last ? "clone_last" : "clone_first", true);
    }
}

/* --- messages --------------------------------------------------------------------------------- */

#define EMPTY_MESSAGES 5000u
#define FULL_MESSAGES 100u
#define HANDLES ZX_CHANNEL_MAX_MSG_HANDLES

/* Sends a message with so many handles, which `make` makes, and bytes to read at ends[1]. */
static bool send_some(const struct handle ends[2], struct object* (*make)(void), uint32_t handles,
                      uint32_t bytes) {
    struct message* message = message_alloc(bytes, handles);
    if (!message)
        return false;
    for (size_t done = 0; message->shape & MESSAGE_PAGED && done < bytes; done += PAGE_SIZE) {
        struct page* page = page_alloc();
        if (!page)
            return false;
        list_push_back(&message->pages, &page->node);
    }
    for (uint32_t i = 0; i < handles; i++) {
        struct object* object = make();
        if (!object)
            return false;
        message_handles(message)[i] = handle_to(object, 0);
    }
    return message_end_push(message_end_from(ends[0].object), message) == ZX_OK;
}

static void measure_messages(const char* load, uint32_t count, struct object* (*make)(void),
                             uint32_t handles, uint32_t bytes) {
    struct handle ends[2];
    begin();
    EXPECT(create_channel(ends));
    for (uint32_t i = 0; i < count; i++)
        EXPECT(send_some(ends, make, handles, bytes));
    handle_release(ends[0]);
    leave_and_measure(load, ends[1]);
}

static struct object* make_event(void) {
    struct event* event = event_create();
    return event ? &event->object : NULL;
}

static struct object* make_small_vmo(void) {
    return create_vmo(1, 0, 1, 1);
}

/* An end at which nothing waits. The only handle to its peer waits at the peer itself. */
static struct object* make_cycle(void) {
    struct message_end *near, *far;
    if (channel_create(&near, &far) != ZX_OK)
        return NULL;
    const struct handle cargo = handle_to(&far->object, 0);
    return send_handles((struct handle){&near->object, 0}, &cargo, 1) ? &near->object : NULL;
}

static struct object* make_full_socket(void) {
    struct socket* sockets[2];
    static const uint8_t bytes[PAGE_SIZE];
    if (socket_create(false, &sockets[0], &sockets[1]) != ZX_OK)
        return NULL;
    struct byte_queue* queue = &sockets[0]->incoming;
    for (size_t size = 0; size < SOCKET_CAPACITY_BYTES; size += sizeof(bytes)) {
        if (!byte_queue_reserve(queue, sizeof(bytes)))
            return NULL;
        byte_queue_fill(queue, 0, bytes, sizeof(bytes));
        byte_queue_commit(queue, sizeof(bytes));
    }
    object_release(&sockets[1]->object);
    return &sockets[0]->object;
}

#define RING_BYTES (16ul << 20)

static struct object* make_full_data_pipe(void) {
    struct object *producer, *consumer;
    if (data_pipe_create(1, RING_BYTES, &producer, &consumer) != ZX_OK)
        return NULL;
    struct vmo* ring = data_pipe_end_from(producer)->pipe->ring;
    for (size_t offset = 0; offset < RING_BYTES; offset += PAGE_SIZE)
        if (vmo_write(ring, "x", offset, 1) != ZX_OK)
            return NULL;
    object_release(producer);
    return consumer;
}

SELFTEST(cleaner_pieces, empty_messages) {
    measure_messages("messages_empty", EMPTY_MESSAGES, NULL, 0, 0);
}

#define SCATTERED 600u
#define MESSAGES_IN_SLAB 15u /* small ones, about */

/* Each is the last one in its slab, so the slab goes with it. */
SELFTEST(cleaner_pieces, messages_that_are_the_last_in_their_slabs) {
    struct handle many[2], few[2];
    begin();
    EXPECT(create_channel(many) && create_channel(few));
    for (uint32_t i = 0; i < SCATTERED * MESSAGES_IN_SLAB; i++)
        EXPECT(send_some(i % MESSAGES_IN_SLAB ? many : few, NULL, 0, 0));
    handle_release(many[0]);
    handle_release(many[1]);
    handle_release(few[0]);
    leave_and_measure("messages_scattered", few[1]);
}

SELFTEST(cleaner_pieces, messages_of_many_events) {
    measure_messages("messages_events", FULL_MESSAGES, make_event, HANDLES, 0);
}

SELFTEST(cleaner_pieces, messages_of_many_vmos) {
    measure_messages("messages_vmos", FULL_MESSAGES, make_small_vmo, HANDLES, 0);
}

SELFTEST(cleaner_pieces, messages_of_many_cycles) {
    measure_messages("messages_cycles", FULL_MESSAGES, make_cycle, HANDLES, 0);
}

SELFTEST(cleaner_pieces, messages_of_many_bytes) {
    measure_messages("messages_bytes", FULL_MESSAGES, NULL, 0, ZX_CHANNEL_MAX_MSG_BYTES);
}

SELFTEST(cleaner_pieces, messages_of_many_bytes_and_events) {
    measure_messages("messages_full", FULL_MESSAGES, make_event, HANDLES, ZX_CHANNEL_MAX_MSG_BYTES);
}

SELFTEST(cleaner_pieces, full_sockets) {
    measure_messages("sockets", 1, make_full_socket, HANDLES, 0);
}

SELFTEST(cleaner_pieces, full_data_pipes) {
    measure_messages("data_pipes", 1, make_full_data_pipe, 4, 0);
}

/* --- the collector ---------------------------------------------------------------------------- */

#define RING 300u
#define FRESH 100u

static struct handle duplicate(struct handle handle) {
    object_reference(handle.object);
    return handle_to(handle.object, handle.rights);
}

/* Channels, each of which holds the next one's far end in `copies` messages of `handles` handles.
 * After this call nothing outside holds them. */
static bool create_laden_ring(uint32_t copies, uint32_t handles) {
    static struct handle near[RING], far[RING];
    if (!create_channels(near, far, RING))
        return false;
    for (uint32_t i = 0; i < RING * copies; i++) {
        struct handle cargo[HANDLES];
        for (uint32_t j = 0; j < handles; j++)
            cargo[j] = duplicate(far[(i + 1) % RING]);
        if (!send_handles(near[i % RING], cargo, handles))
            return false;
    }
    for (uint32_t i = 0; i < RING; i++) {
        handle_release(far[i]);
        handle_release(near[i]);
    }
    return true;
}

static void measure_ring(const char* load, uint32_t copies, uint32_t handles) {
    begin();
    EXPECT(measure_begin());
    bool is_made = create_laden_ring(copies, handles);
    (void)suspects_want_full_pass();
    message_cycle_collect();
    measure(load, is_made);
}

SELFTEST(cleaner_pieces, a_pass_over_a_ring) {
    measure_ring("ring", 1, 1);
}

SELFTEST(cleaner_pieces, a_pass_over_a_ring_of_full_messages) {
    measure_ring("ring_full", 3, HANDLES);
}

SELFTEST(cleaner_pieces, a_pass_over_a_ring_of_many_messages) {
    measure_ring("ring_many", 100, 1);
}

/* What is found dead by a small look is destroyed with it. */
struct small_cycle {
    const char* load;
    struct object* (*make)(void);
    uint32_t messages, handles, bytes;
};

static bool leave_small_cycles(const struct small_cycle* cycle) {
    bool is_made = true;
    for (uint32_t i = 0; i < FRESH && is_made; i++) {
        struct handle ends[2];
        is_made = create_channel(ends);
        for (uint32_t j = 0; j < cycle->messages && is_made; j++)
            is_made = send_some(ends, cycle->make, cycle->handles, cycle->bytes);
        is_made = is_made && send_handles(ends[0], &ends[1], 1);
        if (is_made)
            leave_to_cleaner(ends[0]);
    }
    return is_made;
}

SELFTEST(cleaner_pieces, small_cycles) {
    static const struct small_cycle cycles[] = {
        {"small_cycle", NULL, 0, 0, 0},
        {"small_cycle_full", make_event, 1, HANDLES, 0},
        {"small_cycle_full_2", make_event, 2, HANDLES, 0},
        {"small_cycle_events", make_event, 40, 1, 0},
        {"small_cycle_events_3", make_event, 60, 3, 0},
        {"small_cycle_cycles", make_cycle, 7, 7, 0},
        {"small_cycle_sockets", make_full_socket, 1, 3, 0},
        {"small_cycle_bytes", NULL, 60, 0, 60},
    };
    for (unsigned i = 0; i < ARRAY_LENGTH(cycles); i++) {
        begin();
        EXPECT(measure_begin());
        measure(cycles[i].load, leave_small_cycles(&cycles[i]));
    }
}

/* As many ends as a small look takes, or more. */
static bool create_full_channel(struct handle ends[2]) {
    bool is_made = create_channel(ends);
    for (uint32_t i = 0; i < HANDLES / 2 && is_made; i++) {
        struct handle others[2];
        is_made = create_channel(others) && send_handles(ends[0], others, 2);
    }
    return is_made;
}

/* All live. */
SELFTEST(cleaner_pieces, small_looks) {
    static struct handle ends[FRESH][2];
    begin();
    for (uint32_t i = 0; i < FRESH; i++)
        EXPECT(create_full_channel(ends[i]));
    EXPECT(measure_begin());
    for (uint32_t i = 0; i < FRESH; i++)
        message_cycle_note(ends[i][1].object);
    message_cycle_collect();
    measure_pieces("small_looks");
    for (uint32_t i = 0; i < FRESH; i++) {
        handle_release(ends[i][0]);
        leave_to_cleaner(ends[i][1]);
    }
    measure("small_looks_end", true);
}
