/* Sockets against a model: long random sequences of writes, reads, half-closes, with user memory
 * that is missing, for good or for a moment, and allocations that fail.
 * Sources: kernel/object/object.c kernel/object/handle_table.c kernel/object/handle_transfer.c
 *     kernel/ipc/channel.c kernel/ipc/message.c kernel/ipc/message_end.c
 * kernel/ipc/message_end_life.c kernel/ipc/message_call.c kernel/ipc/message_cycle.c
 * kernel/ipc/message_cycle_look.c
 * kernel/ipc/message_cycle_suspects.c kernel/ipc/message_end_queue.c
 * kernel/lib/tree.c kernel/ipc/socket.c kernel/ipc/byte_queue.c */
#include <string.h>

#include <abi/pipes.h>
#include <mm/fail_allocation.h>
#include <ipc/socket.h>

#include "../kernel/object_helpers.h"
#include "../kernel/random.h"
#include "../kernel/selftest.h"
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
static struct process process; /* that the calls work for */
static zx_handle_t writer_handle, reader_handle;
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
    thread_current()->process = &process;
    if (handle_table_init(&process.handles) != ZX_OK ||
        socket_create(is_datagram, &writer, &reader) != ZX_OK)
        return false;
    if (handle_table_add(&process.handles, handle_to(&writer->object, SOCKET_DEFAULT_RIGHTS),
                         &writer_handle) != ZX_OK ||
        handle_table_add(&process.handles, handle_to(&reader->object, SOCKET_DEFAULT_RIGHTS),
                         &reader_handle) != ZX_OK)
        return false;
    model.size = model.datagram_count = 0;
    model.is_datagram = is_datagram;
    model.is_closed = false;
    return true;
}

static void destroy(void) {
    handle_table_close_all(&process.handles);
    handle_table_destroy(&process.handles);
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

static zx_status_t write_all(size_t size, bool wants_actual) {
    return socket_write(writer_handle, 0, (uintptr_t)sent, size,
                        wants_actual ? (uintptr_t)&actual : 0);
}

static zx_status_t read_up_to(size_t size, bool wants_actual) {
    return socket_read(reader_handle, 0, (uintptr_t)received, size,
                       wants_actual ? (uintptr_t)&actual : 0);
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
    if (is_bad)
        user_forbid(&sent[below((uint32_t)MIN(size, CAPACITY))], 1);
    else
        user_absent_nth(below(6));
    allocation_fail_nth(below(20) == 0 ? 1 + below(4) : 0);
    zx_status_t status = write_all(size, wants_actual);
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
    if (is_bad)
        user_forbid(below(3) == 0 ? (void*)&actual : &received[below((uint32_t)copied)], 1);
    else
        user_absent_nth(below(8));
    zx_status_t status = read_up_to(size, true);
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
            EXPECT_OK(socket_write(writer_handle, ZX_SOCKET_HALF_CLOSE, 0, 0, 0));
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

/* Writing and reading in turn does not reach the page allocator after the first rounds. */
static void take_turns(bool is_datagram, size_t size, bool stays_filled) {
    EXPECT(create(is_datagram));
    if (stays_filled)
        EXPECT_OK(write_all(size, false));
    for (unsigned round = 0; round < 10000; round++) {
        allocation_fail_nth(round < 5000 ? 0 : 1); /* by then it has crossed a page */
        zx_status_t status = write_all(size, false);
        allocation_fail_nth(0);
        EXPECT_OK(status);
        EXPECT_OK(read_up_to(size, false));
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

/* --- races ------------------------------------------------------------------------------------ */

static void close_writer(void) {
    (void)handle_table_close(&process.handles, writer_handle);
}

static void close_reader(void) {
    (void)handle_table_close(&process.handles, reader_handle);
}

static void unmap_sent(void) {
    user_forbid(sent, sizeof(sent));
}

/* The page of a call is absent. While it is brought in, `action` happens. */
static zx_status_t write_while(void (*action)(void)) {
    actual = UNTOUCHED;
    user_absent_nth(1);
    user_on_next_fault_in(action);
    zx_status_t status = write_all(10, true);
    user_forbid(NULL, 0);
    return status;
}

SELFTEST(socket, end_that_goes_while_a_page_is_brought_in_is_peer_closed) {
    size_t in_use = slab_objects_in_use();
    EXPECT(create(false));
    EXPECT_EQUAL(write_while(close_writer), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(object_signals(&reader->object), ZX_SOCKET_PEER_CLOSED);
    EXPECT_EQUAL(reader->waiting, 0);
    destroy();

    EXPECT(create(false));
    EXPECT_EQUAL(write_while(close_reader), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(object_signals(&writer->object), ZX_SOCKET_PEER_CLOSED);
    destroy();

    EXPECT(create(false));
    EXPECT_OK(write_all(10, false));
    actual = UNTOUCHED;
    user_absent_nth(1);
    user_on_next_fault_in(close_reader);
    EXPECT_OK(read_up_to(10, true)); /* the bytes were there when the call began */
    EXPECT_EQUAL(actual, 10);
    destroy();
    EXPECT_EQUAL(slab_objects_in_use(), in_use);
}

SELFTEST(socket, memory_that_is_unmapped_while_it_is_brought_in_is_invalid_args) {
    EXPECT(create(false));
    EXPECT_EQUAL(write_while(unmap_sent), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_EQUAL(reader->waiting, 0);
    EXPECT_EQUAL(object_signals(&reader->object), ZX_SOCKET_WRITABLE);
    destroy();
}
