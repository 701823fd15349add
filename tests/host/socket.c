/* Sockets against a model: long random sequences of writes, reads, half-closes, with user memory
 * that is missing, for good or for a moment, and allocations that fail.
 * Sources: kernel/object/object.c kernel/object/handle_table.c kernel/object/handle_transfer.c
 *     kernel/ipc/channel.c kernel/ipc/message.c kernel/ipc/message_end.c
 *     kernel/ipc/message_call.c kernel/ipc/message_cycle.c kernel/ipc/message_cycle_look.c
 * kernel/lib/tree.c kernel/ipc/socket.c kernel/ipc/byte_queue.c */
#include <string.h>

#include <debug/selftest.h>
#include <mm/fail_allocation.h>
#include <ipc/socket.h>

#include "../kernel/object_helpers.h"
#include "../kernel/random.h"
#include "shim.h"

#define CAPACITY ((size_t)SOCKET_CAPACITY_BYTES)
#define UNTOUCHED 0x77
#define DATAGRAMS_MAX CAPACITY
#define STEPS 20000

/* One direction: what was written and not yet read, and how long its datagrams are. */
static struct {
    uint8_t bytes[CAPACITY];
    size_t size;
    uint32_t lengths[DATAGRAMS_MAX];
    size_t datagram_count;
    bool is_datagram, is_closed;
} model;

static struct socket *writer, *reader;
static struct handle handles[2];
static uint8_t sent[CAPACITY + 1], received[CAPACITY + 2];
static size_t actual;
static uint32_t seed;

static uint32_t below(uint32_t limit) {
    return random_next(&seed) % limit;
}

/* Small ones, those about a page, and large ones. */
static size_t any_size(void) {
    switch (below(8)) {
    case 0:
        return below(3);
    case 1:
        return PAGE_SIZE - 5 + below(10);
    case 2:
        return below(20000);
    case 3:
        return below(8) == 0 ? CAPACITY - 3 + below(5) : below(70000);
    default:
        return below(200);
    }
}

static bool create(bool is_datagram) {
    if (socket_create(is_datagram, &writer, &reader) != ZX_OK)
        return false;
    handles[0] = handle_to(&writer->object, SOCKET_DEFAULT_RIGHTS);
    handles[1] = handle_to(&reader->object, SOCKET_DEFAULT_RIGHTS);
    model.size = model.datagram_count = 0;
    model.is_datagram = is_datagram;
    model.is_closed = false;
    return true;
}

static void destroy(void) {
    handle_release(handles[0]);
    handle_release(handles[1]);
}

/* --- what should come of it ------------------------------------------------------------------- */

static zx_status_t model_write(size_t size, size_t* taken) {
    size_t room = CAPACITY - model.size;
    if (model.is_closed)
        return ZX_ERR_BAD_STATE;
    if (size > 0 && (model.is_datagram ? room < size : room == 0))
        return ZX_ERR_SHOULD_WAIT;
    *taken = MIN(size, room);
    memcpy(model.bytes + model.size, sent, *taken);
    model.size += *taken;
    if (model.is_datagram && size > 0)
        model.lengths[model.datagram_count++] = (uint32_t)size;
    return ZX_OK;
}

static zx_status_t model_read(size_t size, size_t* copied) {
    if (model.size == 0)
        return model.is_closed ? ZX_ERR_PEER_CLOSED : ZX_ERR_SHOULD_WAIT;
    size_t offered = model.is_datagram ? model.lengths[0] : model.size;
    *copied = MIN(size, offered);
    return ZX_OK;
}

/* After the bytes were compared. */
static void model_take(size_t copied) {
    size_t taken = model.is_datagram ? model.lengths[0] : copied;
    model.size -= taken;
    memmove(model.bytes, model.bytes + taken, model.size);
    if (model.is_datagram)
        memmove(model.lengths, model.lengths + 1,
                --model.datagram_count * sizeof(model.lengths[0]));
}

static bool signals_are_right(void) {
    zx_signals_t at_writer = 0, at_reader = ZX_SOCKET_WRITABLE;
    if (!model.is_closed && model.size < CAPACITY)
        at_writer = ZX_SOCKET_WRITABLE;
    if (model.size > 0)
        at_reader |= ZX_SOCKET_READABLE;
    else if (model.is_closed)
        at_reader |= ZX_SOCKET_PEER_CLOSED;
    return object_signals(&writer->object) == at_writer &&
           object_signals(&reader->object) == at_reader && reader->waiting == model.size;
}

/* --- what comes of it ------------------------------------------------------------------------- */

/* As the system call does it: the quick way, then the long one. */
static zx_status_t do_write(const struct socket_request* request) {
    if (request->size > 0) {
        spin_lock(writer->object.lock);
        bool is_done =
            socket_write_piece_locked(writer, request->buffer, request->size, request->actual);
        spin_unlock(writer->object.lock);
        if (is_done)
            return ZX_OK;
    }
    return socket_write(writer, request);
}

static zx_status_t do_read(const struct socket_request* request) {
    if (request->size > 0) {
        spin_lock(reader->object.lock);
        bool is_done =
            socket_read_piece_locked(reader, request->buffer, request->size, request->actual);
        spin_unlock(reader->object.lock);
        if (is_done)
            return ZX_OK;
    }
    return socket_read(reader, request);
}

static bool is_untouched(size_t size) {
    for (size_t i = 0; i <= size; i++)
        if (received[i] != UNTOUCHED)
            return false;
    return actual == UNTOUCHED;
}

static const char* step_write(void) {
    size_t size = any_size(), taken = 0;
    bool wants_actual = below(4) > 0, is_bad = below(20) == 0 && size > 0;
    for (size_t i = 0; i < MIN(size, 300ul); i++)
        sent[below((uint32_t)size)] = (uint8_t)below(256);
    actual = UNTOUCHED;
    const struct socket_request request = {(uintptr_t)sent, size,
                                           wants_actual ? (uintptr_t)&actual : 0};
    if (is_bad)
        user_forbid(&sent[below((uint32_t)MIN(size, CAPACITY))], 1);
    else
        user_absent_nth(below(6));
    allocation_fail_nth(below(20) == 0 ? 1 + below(4) : 0);
    zx_status_t status = do_write(&request);
    allocation_fail_nth(0);
    user_absent_nth(0);
    user_forbid(NULL, 0);
    if (is_bad)
        return status == ZX_ERR_INVALID_ARGS && actual == UNTOUCHED ? NULL : "a bad source";
    if (status == ZX_ERR_NO_MEMORY)
        return allocation_has_failed() && actual == UNTOUCHED ? NULL : "out of memory";
    if (status != model_write(size, &taken))
        return "the status of a write";
    return actual == (status == ZX_OK && wants_actual ? taken : UNTOUCHED) ? NULL : "what it says";
}

static const char* step_read(void) {
    size_t size = any_size(), copied = 0;
    zx_status_t expected = model_read(size, &copied);
    bool is_bad = below(20) == 0 && copied > 0;
    actual = UNTOUCHED;
    memset(received, UNTOUCHED, size + 1);
    const struct socket_request request = {(uintptr_t)received, size, (uintptr_t)&actual};
    if (is_bad)
        user_forbid(below(3) == 0 ? (void*)&actual : &received[below((uint32_t)copied)], 1);
    else
        user_absent_nth(below(8));
    zx_status_t status = do_read(&request);
    user_absent_nth(0);
    user_forbid(NULL, 0);
    if (is_bad)
        return status == ZX_ERR_INVALID_ARGS && is_untouched(size) ? NULL : "a bad place";
    if (status != expected)
        return "the status of a read";
    if (status != ZX_OK)
        return is_untouched(size) ? NULL : "what a failed read left";
    if (actual != copied || memcmp(received, model.bytes, copied) != 0 ||
        received[copied] != UNTOUCHED)
        return "the bytes";
    model_take(copied);
    return NULL;
}

static void run_steps(bool is_datagram, uint32_t start, uint32_t writes_of_8) {
    size_t in_use = slab_objects_in_use();
    seed = start;
    EXPECT(create(is_datagram));
    for (uint32_t step = 0; step < STEPS; step++) {
        /* Fills and drains by turns, and ends drained. */
        bool is_filling = step % 4000 < 2000 && step < STEPS - 4000;
        uint32_t writes = is_filling ? writes_of_8 : 8 - writes_of_8;
        const char* fault = below(8) < writes ? step_write() : step_read();
        if (step == STEPS - 500) {
            EXPECT_OK(socket_half_close(writer, &(struct socket_request){.size = 0}));
            model.is_closed = true;
        }
        if (!fault && !signals_are_right())
            fault = "the signals";
        if (fault)
            selftest_fail(__FILE__, __LINE__, "step %u: %s", step, fault);
        EXPECT(!fault);
    }
    destroy();
    EXPECT_EQUAL(slab_objects_in_use(), in_use);
}

SELFTEST(socket, stream_behaves_as_the_model) {
    for (uint32_t start = 1; start <= 4 && !selftest_has_failed(); start++)
        run_steps(false, start, 3 + start);
}

SELFTEST(socket, datagrams_behave_as_the_model) {
    for (uint32_t start = 1; start <= 4 && !selftest_has_failed(); start++)
        run_steps(true, start, 3 + start);
}

/* Who writes and reads in turn does not reach the page allocator once it has what it needs. */
static void take_turns(bool is_datagram, size_t size, bool stays_filled) {
    const struct socket_request out = {(uintptr_t)sent, size, 0};
    const struct socket_request in = {(uintptr_t)received, size, 0};
    EXPECT(create(is_datagram));
    if (stays_filled)
        EXPECT_OK(do_write(&out));
    for (unsigned round = 0; round < 10000; round++) {
        allocation_fail_nth(round < 5000 ? 0 : 1); /* by then it has crossed a page */
        zx_status_t status = do_write(&out);
        allocation_fail_nth(0);
        EXPECT_OK(status);
        EXPECT_OK(do_read(&in));
    }
    destroy();
}

SELFTEST(socket, writing_and_reading_in_turn_allocates_nothing) {
    for (int is_datagram = 0; is_datagram < 2; is_datagram++) {
        take_turns(is_datagram, 1, true);
        take_turns(is_datagram, 64, true);
        take_turns(is_datagram, 1000, true);
        take_turns(is_datagram, 4092, false);
    }
    take_turns(false, 4096, false);
}
