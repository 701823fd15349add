/* Two-phase writing and reading: the run that is offered, what the end call takes, and the errors.
 */
#include "fixture.h"

#define ELEMENT 4
#define CAPACITY 16

static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

/* Begins; NULL when the call did not answer `expected` bytes. */
static char* begin_write(const struct pipe* pipe, mx_ssize_t expected) {
    uintptr_t address = 0;
    mx_ssize_t run = mx_datapipe_begin_write(pipe->producer, 0, &address);
    return run == expected ? (char*)address : NULL;
}

static const char* begin_read(const struct pipe* pipe, mx_ssize_t expected) {
    uintptr_t address = 0;
    mx_ssize_t run = mx_datapipe_begin_read(pipe->consumer, 0, &address);
    return run == expected ? (const char*)address : NULL;
}

/* --- the ring as the program sees it ---------------------------------------------------------- */

TEST(mx_datapipe_begin_write, what_is_written_there_is_read_by_the_consumer) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    char* ring = begin_write(&pipe, CAPACITY);
    EXPECT(ring);
    for (int i = 0; i < CAPACITY; i++)
        EXPECT_EQUAL(ring[i], 0); /* fresh */
    memcpy(ring, letters, CAPACITY);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 0);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 3 * ELEMENT));
    CHECK(expect_waiting(&pipe, letters, 3 * ELEMENT));
    EXPECT_EQUAL(begin_write(&pipe, ELEMENT), ring + 3 * ELEMENT);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, ELEMENT));
    CHECK(expect_read(&pipe, letters, CAPACITY));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, shows_what_the_producer_wrote) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, 3 * ELEMENT));
    const char* ring = begin_read(&pipe, 3 * ELEMENT);
    EXPECT(ring);
    EXPECT_BYTES(ring, letters, 3 * ELEMENT);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    CHECK(expect_waiting(&pipe, letters + ELEMENT, 2 * ELEMENT));
    EXPECT_EQUAL(begin_read(&pipe, 2 * ELEMENT), ring + ELEMENT);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, 2 * ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 0);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, both_ends_see_the_same_memory_without_a_copy) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    char* in = begin_write(&pipe, CAPACITY);
    EXPECT(in);
    memcpy(in, letters, CAPACITY);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, CAPACITY));
    const volatile char* out = begin_read(&pipe, CAPACITY);
    EXPECT(out);
    EXPECT(out != in);
    in[5] = '!'; /* the window stays between the calls */
    EXPECT_EQUAL(out[5], '!');
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, CAPACITY));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, gives_only_the_run_up_to_the_end_of_the_ring) {
    for (size_t turn = 0; turn < CAPACITY; turn += ELEMENT) {
        struct pipe pipe;
        CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
        CHECK(pipe_turn(&pipe, turn));
        size_t first = CAPACITY - turn;
        char* ring = begin_write(&pipe, (mx_ssize_t)first);
        EXPECT(ring);
        memcpy(ring, letters, first);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, first));
        if (turn > 0) {
            EXPECT_EQUAL(begin_write(&pipe, (mx_ssize_t)turn), ring - turn);
            memcpy(ring - turn, letters + first, turn);
            EXPECT_OK(mx_datapipe_end_write(pipe.producer, turn));
        }
        CHECK(expect_waiting(&pipe, letters, CAPACITY));
        const char* out = begin_read(&pipe, (mx_ssize_t)first);
        EXPECT(out);
        EXPECT_BYTES(out, letters, first);
        EXPECT_OK(mx_datapipe_end_read(pipe.consumer, first));
        if (turn > 0)
            EXPECT_EQUAL(begin_read(&pipe, (mx_ssize_t)turn), out - turn);
        pipe_destroy(&pipe);
    }
}

TEST(mx_datapipe_begin_write, fresh_bytes_are_zero_behind_the_capacity_too) {
    struct pipe pipe;
    zx_handle_t vmo; /* dirties pages that the ring may get */
    static char dirt[16 << 10];
    memset(dirt, 0xee, sizeof(dirt));
    EXPECT_OK(zx_vmo_create(sizeof(dirt), 0, &vmo));
    EXPECT_OK(zx_vmo_write(vmo, dirt, 0, sizeof(dirt)));
    EXPECT_OK(zx_handle_close(vmo));
    CHECK(pipe_create(&pipe, 1, 5000));
    const char* ring = begin_write(&pipe, 5000);
    EXPECT(ring);
    for (size_t i = 0; i < 2 * PAGE_SIZE_BYTES; i++)
        EXPECT_EQUAL(ring[i], 0);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, what_was_never_touched_is_read_as_zero) {
    struct pipe pipe;
    char buffer[64], zeros[64] = {0};
    CHECK(pipe_create(&pipe, 1, 10000));
    EXPECT(begin_write(&pipe, 10000));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 10000));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, 9000, NULL), 9000);
    memset(buffer, '#', sizeof(buffer));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, sizeof(buffer), buffer), sizeof(buffer));
    EXPECT_BYTES(buffer, zeros, sizeof(buffer));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, its_window_cannot_be_made_writable_nor_any_executable) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    char* in = begin_write(&pipe, 3 * ELEMENT);
    char* out = (char*)begin_read(&pipe, ELEMENT);
    EXPECT(in && out);
    EXPECT(is_mapped_writable(in));
    EXPECT(is_mapped(out));
    EXPECT(!is_mapped_writable(out));
    zx_vaddr_t in_page = (zx_vaddr_t)in & -(zx_vaddr_t)PAGE_SIZE_BYTES;
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE,
                                  (zx_vaddr_t)out, PAGE_SIZE_BYTES),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE,
                                  (zx_vaddr_t)out, PAGE_SIZE_BYTES),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE,
                                  in_page, PAGE_SIZE_BYTES),
                  ZX_ERR_ACCESS_DENIED);
    pipe_destroy(&pipe);
}

/* --- signals ---------------------------------------------------------------------------------- */

TEST(mx_datapipe_begin_write, shows_neither_writable_nor_the_threshold_while_open) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT(begin_write(&pipe, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    EXPECT(begin_write(&pipe, 3 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE); /* the other end goes on */
    CHECK(expect_read(&pipe, "\0\0\0\0", ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), 0);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 3 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, shows_neither_readable_nor_the_threshold_while_open) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, 2 * ELEMENT));
    EXPECT(begin_read(&pipe, 2 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    CHECK(pipe_fill(&pipe, letters + 8, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    CHECK(expect_read(&pipe, letters + ELEMENT, 2 * ELEMENT));
    pipe_destroy(&pipe);
}

/* --- beginning: errors ------------------------------------------------------------------------ */

typedef mx_ssize_t begin_function(mx_handle_t, uint32_t, uintptr_t*);

static void expect_begin_fails(begin_function* begin, const struct pipe* pipe, mx_handle_t handle,
                               uint32_t flags, mx_status_t expected) {
    struct snapshot before;
    uintptr_t address = 77;
    snapshot_take(pipe, &before);
    EXPECT_STATUS((mx_status_t)begin(handle, flags, &address), expected);
    EXPECT_EQUAL(address, 77);
    CHECK(expect_unchanged(pipe, &before));
}

TEST(mx_datapipe_begin_write, faults_of_the_handle) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, 0, 1, ERR_BAD_HANDLE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, stale_handle(), 0, ERR_BAD_HANDLE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.consumer, 1, ERR_WRONG_TYPE));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, -1, 1, ERR_BAD_HANDLE));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.producer, 1, ERR_WRONG_TYPE));
    CHECK(remove_rights(&pipe.producer, MX_RIGHT_WRITE));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 1, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 0), ERR_ACCESS_DENIED);
    mx_handle_t consumer = pipe.consumer;
    CHECK(remove_rights(&consumer, MX_RIGHT_READ));
    pipe.consumer = MX_HANDLE_INVALID;
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, consumer, 1, ERR_ACCESS_DENIED));
    EXPECT_STATUS(mx_datapipe_end_read(consumer, 0), ERR_ACCESS_DENIED);
    EXPECT_OK(mx_handle_close(consumer));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, knows_no_flags) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    for (uint32_t bit = 0; bit < 32; bit++) {
        CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 1u << bit,
                                 bit == 0 ? ERR_INVALID_ARGS : ERR_NOT_SUPPORTED));
        CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 1u << bit,
                                 bit < 4 ? ERR_INVALID_ARGS : ERR_NOT_SUPPORTED));
    }
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 3, ERR_NOT_SUPPORTED));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 31, ERR_NOT_SUPPORTED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, twice_is_busy) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    EXPECT(begin_write(&pipe, 3 * ELEMENT));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_BUSY));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, ELEMENT));
    EXPECT(begin_read(&pipe, 2 * ELEMENT));
    uintptr_t address = 77;
    EXPECT_STATUS((mx_status_t)mx_datapipe_begin_read(pipe.consumer, 0, &address), ERR_BUSY);
    EXPECT_EQUAL(address, 77);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, full_is_should_wait_and_closed_is_remote_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_SHOULD_WAIT));
    pipe_close_consumer(&pipe);
    CHECK(expect_begin_fails(mx_datapipe_begin_write, &pipe, pipe.producer, 0, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, empty_is_should_wait_and_drained_is_remote_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 0, ERR_SHOULD_WAIT));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    pipe_close_producer(&pipe);
    const char* ring = begin_read(&pipe, ELEMENT);
    EXPECT(ring);
    EXPECT_BYTES(ring, letters, ELEMENT);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    CHECK(expect_begin_fails(mx_datapipe_begin_read, &pipe, pipe.consumer, 0, ERR_REMOTE_CLOSED));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_write, bad_addresses_are_invalid_args_before_the_state) {
    struct pipe pipe;
    struct snapshot before;
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    snapshot_take(&pipe, &before);
    for (int has_window = 0; has_window < 2; has_window++) {
        for (size_t i = 0; i < countof(bad); i++) {
            EXPECT_STATUS((mx_status_t)mx_datapipe_begin_write(pipe.producer, 0, bad[i]),
                          ERR_INVALID_ARGS);
            EXPECT_STATUS((mx_status_t)mx_datapipe_begin_read(pipe.consumer, 0, bad[i]),
                          ERR_INVALID_ARGS);
        }
        CHECK(expect_unchanged(&pipe, &before));
        EXPECT(begin_write(&pipe, 3 * ELEMENT));
        EXPECT(begin_read(&pipe, ELEMENT));
        EXPECT_STATUS((mx_status_t)mx_datapipe_begin_write(pipe.producer, 0, NULL),
                      ERR_INVALID_ARGS);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, 0));
        EXPECT_OK(mx_datapipe_end_read(pipe.consumer, 0));
    }
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

/* --- ending ----------------------------------------------------------------------------------- */

TEST(mx_datapipe_end_write, without_a_begin_is_bad_state) {
    struct pipe pipe;
    struct snapshot before;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    snapshot_take(&pipe, &before);
    for (size_t size = 0; size < 10; size++) {
        EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, size), ERR_BAD_STATE);
        EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, size), ERR_BAD_STATE);
    }
    CHECK(expect_unchanged(&pipe, &before));
    EXPECT(begin_write(&pipe, 3 * ELEMENT));
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 0));
    EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 0), ERR_BAD_STATE);
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_write, faults_of_the_handle) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    EXPECT_STATUS(mx_datapipe_end_write(0, 0), ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_datapipe_end_read(stale_handle(), 0), ERR_BAD_HANDLE);
    EXPECT_STATUS(mx_datapipe_end_write(pipe.consumer, 0), ERR_WRONG_TYPE);
    EXPECT_STATUS(mx_datapipe_end_read(pipe.producer, 0), ERR_WRONG_TYPE);
    pipe_destroy(&pipe);
}

/* Sizes that no end call may take when `offered` bytes were offered. */
static size_t bad_size(size_t index, size_t offered) {
    const size_t sizes[] = {
        1, 3, offered - 1, offered + 1, offered + ELEMENT, SIZE_MAX, SIZE_MAX & ~3ul, 1ul << 63};
    return index < countof(sizes) ? sizes[index] : 0;
}

TEST(mx_datapipe_end_write, too_much_or_part_of_an_element_ends_it_with_nothing_written) {
    size_t size;
    for (size_t i = 0; (size = bad_size(i, 3 * ELEMENT)) != 0; i++) {
        struct pipe pipe;
        struct snapshot before;
        CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
        CHECK(pipe_fill(&pipe, letters, ELEMENT));
        snapshot_take(&pipe, &before);
        char* ring = begin_write(&pipe, 3 * ELEMENT);
        EXPECT(ring);
        memset(ring, '!', 3 * ELEMENT);
        EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, size), ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 0), ERR_BAD_STATE);
        CHECK(expect_unchanged(&pipe, &before));
        EXPECT_EQUAL(begin_write(&pipe, 3 * ELEMENT), ring); /* from the same place */
        pipe_destroy(&pipe);
    }
}

TEST(mx_datapipe_end_read, too_much_or_part_of_an_element_ends_it_with_nothing_read) {
    size_t size;
    for (size_t i = 0; (size = bad_size(i, 2 * ELEMENT)) != 0; i++) {
        struct pipe pipe;
        struct snapshot before;
        CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
        CHECK(pipe_fill(&pipe, letters, 2 * ELEMENT));
        snapshot_take(&pipe, &before);
        EXPECT(begin_read(&pipe, 2 * ELEMENT));
        EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, size), ERR_INVALID_ARGS);
        EXPECT_STATUS(mx_datapipe_end_read(pipe.consumer, 0), ERR_BAD_STATE);
        CHECK(expect_unchanged(&pipe, &before));
        pipe_destroy(&pipe);
    }
}

TEST(mx_datapipe_end_write, more_than_was_offered_is_refused_though_there_is_room_by_now) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_turn(&pipe, 2 * ELEMENT)); /* the free bytes will not lie in one run */
    CHECK(pipe_fill(&pipe, letters, 3 * ELEMENT));
    EXPECT(begin_write(&pipe, ELEMENT));
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, DISCARD, 2 * ELEMENT, NULL), 2 * ELEMENT);
    EXPECT_STATUS(mx_datapipe_end_write(pipe.producer, 2 * ELEMENT), ERR_INVALID_ARGS);
    CHECK(expect_read(&pipe, letters + 2 * ELEMENT, ELEMENT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_write, succeeds_though_the_other_end_has_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    char* ring = begin_write(&pipe, CAPACITY);
    EXPECT(ring);
    pipe_close_consumer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    memcpy(ring, letters, CAPACITY); /* still ours */
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_read, succeeds_though_the_other_end_has_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, 2 * ELEMENT));
    const char* ring = begin_read(&pipe, 2 * ELEMENT);
    EXPECT(ring);
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_BYTES(ring, letters, 2 * ELEMENT);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    CHECK(expect_read(&pipe, letters + ELEMENT, ELEMENT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_write, closing_the_producer_instead_writes_nothing) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, letters, ELEMENT));
    char* ring = begin_write(&pipe, 3 * ELEMENT);
    EXPECT(ring);
    memset(ring, '!', 3 * ELEMENT);
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    CHECK(expect_read(&pipe, letters, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}
