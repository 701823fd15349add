/* Messages and their way through a channel: every size, every room, user memory that is missing,
 * for good or for a moment, and allocations that fail.
 * Sources: kernel/object/object.c kernel/object/handle_table.c kernel/object/handle_transfer.c
 *     kernel/object/event.c kernel/ipc/channel.c kernel/ipc/message.c
 *     kernel/ipc/message_end.c kernel/ipc/message_end_life.c kernel/ipc/message_call.c
 * kernel/ipc/message_pipe.c kernel/ipc/message_cycle.c kernel/ipc/message_cycle_look.c
 * kernel/ipc/message_cycle_suspects.c kernel/ipc/message_end_queue.c
 * kernel/lib/tree.c */
#include <string.h>

#include <mm/fail_allocation.h>
#include <mm/slab.h>
#include <ipc/channel.h>
#include <sched/thread.h>
#include <task/process.h>

#include "../kernel/object_helpers.h"
#include "../kernel/selftest.h"
#include "shim.h"

#define BYTES ZX_CHANNEL_MAX_MSG_BYTES
#define HANDLES ZX_CHANNEL_MAX_MSG_HANDLES
#define UNTOUCHED 0x77

static const uint32_t sizes[] = {0,    1,    7,    8,    63,   64,   65,    200,
                                 239,  240,  241,  1000, 1303, 1304, 1305,  4095,
                                 4096, 4097, 5000, 8191, 8192, 8193, 65535, 65536};
static const uint32_t counts[] = {0, 1, 13, 14, 15, 63, 64};

/* What a program would have: a table, a channel in it, an event to send, and places. */
static struct {
    struct process process;
    struct message_end* writer;
    zx_handle_t writer_value, reader_value, event_value;
    struct event* event;
    uint8_t sent[BYTES], read[BYTES + 8];
    zx_handle_t values[HANDLES];
    uint32_t actual_bytes, actual_handles;
} world;

static bool world_create(void) {
    struct handle ends[2];
    thread_current()->process = &world.process;
    if (handle_table_init(&world.process.handles) != ZX_OK || !create_channel(ends))
        return false;
    world.writer = message_end_from(ends[0].object);
    world.event_value = add_event(&world.process.handles, &world.event);
    for (unsigned i = 0; i < BYTES; i++)
        world.sent[i] = (uint8_t)(i * 7 + i / 251);
    return world.event_value &&
           handle_table_add(&world.process.handles, ends[0], &world.writer_value) == ZX_OK &&
           handle_table_add(&world.process.handles, ends[1], &world.reader_value) == ZX_OK;
}

static void world_destroy(void) {
    user_forbid(NULL, 0);
    user_absent_nth(0);
    handle_table_close_all(&world.process.handles);
    handle_table_destroy(&world.process.handles);
}

static bool send(uint32_t size, uint32_t count) {
    struct message* message;
    if (message_create_from_user((uintptr_t)world.sent, size, count, &message) != ZX_OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        object_reference(&world.event->object);
        message_handles(message)[i] = handle_to(&world.event->object, ZX_RIGHT_READ << i % 2);
    }
    if (message_end_push(world.writer, message) == ZX_OK)
        return true;
    message_destroy(message);
    return false;
}

/* A read of at most so much. */
struct request {
    uint32_t bytes_room, handles_room;
    bool may_discard;
};

static struct request request(uint32_t bytes_room, uint32_t handles_room) {
    memset(world.read, UNTOUCHED, sizeof(world.read));
    memset(world.values, UNTOUCHED, sizeof(world.values));
    world.actual_bytes = world.actual_handles = UNTOUCHED;
    return (struct request){.bytes_room = bytes_room, .handles_room = handles_room};
}

static zx_status_t read_with(const struct request* request) {
    return message_end_read(
        world.reader_value, ZX_OBJ_TYPE_CHANNEL,
        (struct message_room){.bytes = (uintptr_t)world.read,
                              .handles = (uintptr_t)world.values,
                              .byte_room = request->bytes_room,
                              .handle_room = request->handles_room,
                              .actual_bytes = (uintptr_t)&world.actual_bytes,
                              .actual_handles = (uintptr_t)&world.actual_handles,
                              .may_discard = request->may_discard});
}

/* NULL, or what is wrong after a read of a message of that size. Closes the handles that came. */
static const char* look(uint32_t size, uint32_t count) {
    if (world.actual_bytes != size || world.actual_handles != count)
        return "counts";
    if (memcmp(world.read, world.sent, size) != 0 || world.read[size] != UNTOUCHED)
        return "bytes";
    for (uint32_t i = 0; i < count; i++) {
        struct object* object;
        zx_rights_t rights;
        if (handle_table_get_with_rights(&world.process.handles, world.values[i], ZX_OBJ_TYPE_EVENT,
                                         0, &object, &rights) != ZX_OK)
            return "a value";
        bool is_right = object == &world.event->object && rights == ZX_RIGHT_READ << i % 2;
        object_release(object);
        if (!is_right)
            return "a handle";
    }
    if (handle_table_close_many(&world.process.handles, world.values, count) != ZX_OK)
        return "closing";
    return handle_table_count(&world.process.handles) == 3 ? NULL : "the table";
}

static bool is_untouched(void) {
    for (size_t i = 0; i < sizeof(world.read); i++)
        if (world.read[i] != UNTOUCHED)
            return false;
    return handle_table_count(&world.process.handles) == 3;
}

SELFTEST(message, every_size_arrives_whole) {
    EXPECT(world_create());
    for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++)
        for (unsigned j = 0; j < ARRAY_LENGTH(counts); j++) {
            EXPECT(send(sizes[i], counts[j]));
            struct request exact = request(sizes[i], counts[j]);
            EXPECT_OK(read_with(&exact));
            const char* fault = look(sizes[i], counts[j]);
            if (fault)
                selftest_fail(__FILE__, __LINE__, "%u bytes, %u handles: %s", sizes[i], counts[j],
                              fault);
            EXPECT(!fault);
            EXPECT_EQUAL(read_with(&exact), ZX_ERR_SHOULD_WAIT);
        }
    world_destroy();
}

SELFTEST(message, too_little_room_stores_the_sizes_and_keeps_the_message) {
    EXPECT(world_create());
    for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++)
        for (unsigned j = 0; j < ARRAY_LENGTH(counts); j++) {
            EXPECT(send(sizes[i], counts[j]));
            for (int kind = 0; kind < 2; kind++) {
                if ((kind ? counts[j] : sizes[i]) == 0)
                    continue;
                struct request small =
                    request(sizes[i] - (kind ? 0 : 1), counts[j] - (kind ? 1 : 0));
                EXPECT_EQUAL(read_with(&small), ZX_ERR_BUFFER_TOO_SMALL);
                EXPECT_EQUAL(world.actual_bytes, sizes[i]);
                EXPECT_EQUAL(world.actual_handles, counts[j]);
                EXPECT(is_untouched());
            }
            struct request exact = request(sizes[i], counts[j]);
            EXPECT_OK(read_with(&exact));
            EXPECT(!look(sizes[i], counts[j]));
        }
    EXPECT(send(100, 2));
    struct request discard = request(99, 2);
    discard.may_discard = true;
    EXPECT_EQUAL(read_with(&discard), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(world.event->object.handle_count, 1);
    EXPECT_EQUAL(read_with(&discard), ZX_ERR_SHOULD_WAIT);
    world_destroy();
}

/* Each of the accesses of a read misses its page once; the read lets go and tries again. */
SELFTEST(message, pages_that_are_not_present_are_brought_in) {
    EXPECT(world_create());
    for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++)
        for (unsigned j = 0; j < ARRAY_LENGTH(counts); j += 3)
            for (unsigned nth = 1;; nth++) {
                EXPECT(send(sizes[i], counts[j]));
                struct request exact = request(sizes[i], counts[j]);
                user_absent_nth(nth);
                EXPECT_OK(read_with(&exact));
                user_absent_nth(0);
                const char* fault = look(sizes[i], counts[j]);
                if (fault)
                    selftest_fail(__FILE__, __LINE__, "%u bytes, %u handles, access %u: %s",
                                  sizes[i], counts[j], nth, fault);
                EXPECT(!fault);
                if (!user_was_absent())
                    break;
                EXPECT(nth < 100);
            }
    world_destroy();
}

/* One place after the other cannot be reached: nothing happens but the error. */
SELFTEST(message, bad_places_change_nothing) {
    EXPECT(world_create());
    for (unsigned i = 1; i < ARRAY_LENGTH(sizes); i++) {
        const struct {
            const void* start;
            size_t size;
        } places[] = {
            {world.read, 1},        {world.read + sizes[i] - 1, 1}, {&world.values[0], 1},
            {&world.values[13], 4}, {&world.actual_bytes, 4},       {&world.actual_handles, 4},
        };
        EXPECT(send(sizes[i], 14));
        for (unsigned place = 0; place < ARRAY_LENGTH(places); place++) {
            struct request exact = request(sizes[i], 14);
            user_forbid(places[place].start, places[place].size);
            EXPECT_EQUAL(read_with(&exact), ZX_ERR_INVALID_ARGS);
            user_forbid(NULL, 0);
            EXPECT(is_untouched());
            EXPECT_EQUAL(world.actual_bytes, UNTOUCHED);
            EXPECT_EQUAL(world.actual_handles, UNTOUCHED);
            EXPECT_EQUAL(world.event->object.handle_count, 15);
        }
        struct request exact = request(sizes[i], 14);
        EXPECT_OK(read_with(&exact));
        EXPECT(!look(sizes[i], 14));
    }
    world_destroy();
}

SELFTEST(message, bytes_that_cannot_be_read_make_no_message) {
    EXPECT(world_create());
    for (unsigned i = 1; i < ARRAY_LENGTH(sizes); i++) {
        struct message* message;
        size_t in_use = slab_objects_in_use();
        user_forbid(world.sent + sizes[i] - 1, 1);
        EXPECT_EQUAL(message_create_from_user((uintptr_t)world.sent, sizes[i], 64, &message),
                     ZX_ERR_INVALID_ARGS);
        user_forbid(NULL, 0);
        EXPECT_EQUAL(slab_objects_in_use(), in_use);
    }
    world_destroy();
}

/* --- out of memory ---------------------------------------------------------------------------- */

/* Sends and reads with the n-th allocation failing; whatever failed left no trace. */
static const char* exchange(uint32_t size, uint32_t count, uint32_t nth) {
    size_t in_use = slab_objects_in_use();
    allocation_fail_nth(nth);
    bool is_sent = send(size, count);
    allocation_fail_nth(0);
    if (is_sent == allocation_has_failed())
        return "the answer";
    if (!is_sent)
        return slab_objects_in_use() == in_use ? NULL : "memory";
    struct request exact = request(size, count);
    if (read_with(&exact) != ZX_OK)
        return "reading";
    return look(size, count);
}

SELFTEST(message, each_allocation_may_fail) {
    EXPECT(world_create());
    for (unsigned i = 0; i < ARRAY_LENGTH(sizes); i++)
        for (unsigned j = 0; j < ARRAY_LENGTH(counts); j++)
            for (uint32_t nth = 1;; nth++) {
                const char* fault = exchange(sizes[i], counts[j], nth);
                if (fault)
                    selftest_fail(__FILE__, __LINE__, "%u bytes, %u handles, allocation %u: %s",
                                  sizes[i], counts[j], nth, fault);
                EXPECT(!fault);
                if (!allocation_has_failed())
                    break;
            }
    world_destroy();
}

/* A slot holds its handle only after the value was stored. Otherwise a thread that guessed the
 * value could hold the slot, and wait for the lock of an end whose reader wants the slot back. */
SELFTEST(message, an_attempt_that_cannot_store_the_values_uses_none_of_them) {
    bool was_absent = true;
    for (unsigned nth = 1; was_absent; nth++) {
        zx_handle_t next[HANDLES];
        EXPECT(world_create());
        EXPECT(send(10, HANDLES));
        handle_table_next_values_locked(&world.process.handles, next, HANDLES);
        struct request exact = request(10, HANDLES);
        user_absent_nth(nth);
        EXPECT_OK(read_with(&exact));
        was_absent = user_was_absent();
        EXPECT(memcmp(next, world.values, sizeof(next)) == 0);
        world_destroy();
    }
}

/* The reader's table must grow for the handles, and cannot: they stay in the message. */
SELFTEST(message, handles_for_which_there_is_no_room_stay_in_the_message) {
    EXPECT(world_create());
    zx_handle_t copy;
    while (world.process.handles.free_count >= HANDLES) {
        allocation_fail_nth(1); /* without growth it goes on to its last slot */
        EXPECT_OK(add_copy(&world.process.handles, world.event_value, &copy));
        allocation_fail_nth(0);
    }
    uint32_t before = handle_table_count(&world.process.handles);
    EXPECT(send(10, HANDLES));
    struct request exact = request(10, HANDLES);
    allocation_fail_nth(1);
    EXPECT_EQUAL(read_with(&exact), ZX_ERR_NO_MEMORY);
    allocation_fail_nth(0);
    EXPECT(allocation_has_failed());
    EXPECT_EQUAL(handle_table_count(&world.process.handles), before);
    EXPECT_EQUAL(world.actual_bytes, UNTOUCHED);
    EXPECT_OK(read_with(&exact));
    EXPECT_EQUAL(handle_table_count(&world.process.handles), before + HANDLES);
    world_destroy();
}
