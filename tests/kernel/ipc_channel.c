/* Channels as the kernel sees them: signals and bounds, chains of any depth, cycles. */
#include <ipc/message_cycle.h>
#include <sched/thread.h>

#include "held_cleaner.h"
#include "object_helpers.h"
#include "selftest.h"

SELFTEST(ipc_channel, channel_shows_room_and_messages) {
    struct handle ends[2];
    EXPECT(create_channel(ends));
    EXPECT_EQUAL(object_signals(ends[1].object), ZX_CHANNEL_WRITABLE);
    for (uint32_t i = 0; i < CHANNEL_MAX_QUEUED_MESSAGES; i++) {
        EXPECT_EQUAL(object_signals(ends[0].object), ZX_CHANNEL_WRITABLE);
        EXPECT(send_handles(ends[0], NULL, 0));
    }
    EXPECT_EQUAL(object_signals(ends[0].object), 0);
    EXPECT(!send_handles(ends[0], NULL, 0));
    EXPECT_EQUAL(object_signals(ends[1].object), ZX_CHANNEL_READABLE | ZX_CHANNEL_WRITABLE);
    handle_release(ends[1]);
    EXPECT_EQUAL(object_signals(ends[0].object), ZX_CHANNEL_PEER_CLOSED);
    handle_release(ends[0]);
}

SELFTEST(ipc_channel, end_without_handles_cannot_be_written_to) {
    struct handle ends[2];
    EXPECT(create_channel(ends));
    object_reference(ends[0].object); /* like a call that looked the handle up just before */
    handle_release(ends[0]);
    EXPECT_EQUAL(object_signals(ends[0].object), 0);
    EXPECT(!send_handles(ends[0], NULL, 0));
    EXPECT_EQUAL(object_signals(ends[1].object), ZX_CHANNEL_PEER_CLOSED);
    object_release(ends[0].object);
    handle_release(ends[1]);
}

/* Each channel's far end waits in the next channel. */
static bool create_chain(uint32_t length, struct handle* last) {
    struct handle ends[2];
    if (!create_channel(ends))
        return false;
    handle_release(ends[0]);
    *last = ends[1];
    for (uint32_t i = 1; i < length; i++) {
        if (!create_channel(ends) || !send_handles(ends[0], last, 1))
            return false;
        handle_release(ends[0]);
        *last = ends[1];
    }
    return true;
}

SELFTEST(ipc_channel, chain_of_10000_channels_dies_from_one_end) {
    struct handle last;
    size_t before = object_count();
    EXPECT(create_chain(10000, &last));
    EXPECT_EQUAL(object_count(), before + 10000);
    handle_release(last);
    EXPECT_EQUAL(object_count(), before);
}

SELFTEST(ipc_channel, channel_sent_into_itself_is_collected) {
    struct handle ends[2], event;
    size_t before = object_count();
    EXPECT(create_channel(ends));
    struct event* witness = event_create();
    EXPECT(witness != NULL);
    event = handle_to(&witness->object, EVENT_DEFAULT_RIGHTS);
    const struct handle cargo[] = {ends[1], event};
    EXPECT(send_handles(ends[0], cargo, 2));
    EXPECT_EQUAL(object_count(), before + 3);
    handle_release(ends[0]);
    message_cycle_collect_all(); /* the cleaner may have come first, and be at it */
    EXPECT_EQUAL(object_count(), before);
}

SELFTEST(ipc_channel, ring_of_channels_is_collected_with_its_last_handle) {
    enum { SIZE = 500 };
    static struct handle near[SIZE], far[SIZE];
    size_t before = object_count();
    for (uint32_t size = 2; size <= SIZE; size = size * 6 - 4) {
        EXPECT(create_ring(near, far, size));
        for (uint32_t i = 0; i < size; i++) {
            message_cycle_collect_all();
            EXPECT_EQUAL(object_count(), before + 2 * size - i);
            handle_release(near[i]);
        }
        message_cycle_collect_all();
        EXPECT_EQUAL(object_count(), before);
    }
}

/* Two ends are closed, but not yet destroyed. A handle waits at the far one, so it is a suspect
 * too.
 */
SELFTEST(ipc_channel, an_end_that_is_about_to_be_destroyed_does_not_keep_garbage) {
    enum { SIZE = 100 }; /* too large for small looks */
    static struct handle near[SIZE], far[SIZE];
    struct destroy_list closed = {NULL, NULL};
    struct handle ends[2], others[2];
    size_t before = object_count();
    EXPECT(create_channel(ends) && create_channel(others));
    EXPECT(send_handles(ends[0], others, 2));
    EXPECT(create_ring(near, far, SIZE));
    EXPECT(cleaner_hold());
    for (uint32_t i = 0; i < SIZE; i++)
        handle_release(near[i]);
    object_gather_begin(&closed);
    handle_release(ends[0]);
    handle_release(ends[1]);
    object_gather_end();
    cleaner_let_go();
    message_cycle_collect_all();
    size_t without_ring = object_count();
    object_leave_to_cleaner(&closed);
    message_cycle_collect_all();
    EXPECT_EQUAL(without_ring, before + 4);
    EXPECT_EQUAL(object_count(), before);
}

/* --- several CPUs ----------------------------------------------------------------------------- */

#define THREADS 4

static void make_rings(void* argument) {
    (void)argument;
    for (uint32_t i = 0; i < 1000; i++) {
        struct handle near[5], far[5];
        uint32_t size = 1 + i % 5;
        EXPECT(create_ring(near, far, size));
        for (uint32_t k = 0; k < size; k++)
            handle_release(near[k]);
    }
}

SELFTEST(ipc_channel, rings_made_by_four_threads_are_collected) {
    struct thread* threads[THREADS];
    size_t before = object_count();
    for (int i = 0; i < THREADS; i++) {
        threads[i] = thread_create("rings", make_rings, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(threads[i] != NULL);
        thread_start(threads[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
        thread_release(threads[i]);
    }
    message_cycle_collect_all();
    EXPECT_EQUAL(object_count(), before);
}
