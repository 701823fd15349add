/* Two-phase writing and reading: the run that is offered, and what the end call takes. */
#include "fixture.h"

/* --- the ring as the program sees it ---------------------------------------------------------- */

TEST(mx_datapipe_begin_write, what_is_written_there_is_read_by_the_consumer) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    char* ring = begin_write(&pipe, CAPACITY);
    EXPECT(ring);
    for (int i = 0; i < CAPACITY; i++)
        EXPECT_EQUAL(ring[i], 0); /* fresh */
    memcpy(ring, alphabet, CAPACITY);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 0);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 3 * ELEMENT));
    CHECK(expect_waiting(&pipe, alphabet, 3 * ELEMENT));
    EXPECT_EQUAL(begin_write(&pipe, ELEMENT), ring + 3 * ELEMENT);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, ELEMENT));
    CHECK(expect_read(&pipe, alphabet, CAPACITY));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_begin_read, shows_what_the_producer_wrote) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, 3 * ELEMENT));
    const char* ring = begin_read(&pipe, 3 * ELEMENT);
    EXPECT(ring);
    EXPECT_BYTES(ring, alphabet, 3 * ELEMENT);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    CHECK(expect_waiting(&pipe, alphabet + ELEMENT, 2 * ELEMENT));
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
    memcpy(in, alphabet, CAPACITY);
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
        memcpy(ring, alphabet, first);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, first));
        if (turn > 0) {
            EXPECT_EQUAL(begin_write(&pipe, (mx_ssize_t)turn), ring - turn);
            memcpy(ring - turn, alphabet + first, turn);
            EXPECT_OK(mx_datapipe_end_write(pipe.producer, turn));
        }
        CHECK(expect_waiting(&pipe, alphabet, CAPACITY));
        const char* out = begin_read(&pipe, (mx_ssize_t)first);
        EXPECT(out);
        EXPECT_BYTES(out, alphabet, first);
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
    CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
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
    CHECK(pipe_fill(&pipe, alphabet, 2 * ELEMENT));
    EXPECT(begin_read(&pipe, 2 * ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    CHECK(pipe_fill(&pipe, alphabet + 8, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE);
    CHECK(expect_read(&pipe, alphabet + ELEMENT, 2 * ELEMENT));
    pipe_destroy(&pipe);
}

/* --- ending ----------------------------------------------------------------------------------- */

TEST(mx_datapipe_end_write, succeeds_though_the_other_end_has_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    char* ring = begin_write(&pipe, CAPACITY);
    EXPECT(ring);
    pipe_close_consumer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    memcpy(ring, alphabet, CAPACITY); /* still ours */
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, CAPACITY));
    EXPECT_EQUAL(object_signals(pipe.producer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_read, succeeds_though_the_other_end_has_closed) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, 2 * ELEMENT));
    const char* ring = begin_read(&pipe, 2 * ELEMENT);
    EXPECT(ring);
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    EXPECT_BYTES(ring, alphabet, 2 * ELEMENT);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    CHECK(expect_read(&pipe, alphabet + ELEMENT, ELEMENT));
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_end_write, closing_the_producer_instead_writes_nothing) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, ELEMENT, CAPACITY));
    CHECK(pipe_fill(&pipe, alphabet, ELEMENT));
    char* ring = begin_write(&pipe, 3 * ELEMENT);
    EXPECT(ring);
    memset(ring, '!', 3 * ELEMENT);
    pipe_close_producer(&pipe);
    EXPECT_EQUAL(object_signals(pipe.consumer), READABLE | MX_SIGNAL_PEER_CLOSED);
    CHECK(expect_read(&pipe, alphabet, ELEMENT));
    EXPECT_EQUAL(object_signals(pipe.consumer), MX_SIGNAL_PEER_CLOSED);
    pipe_destroy(&pipe);
}
