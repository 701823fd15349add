/* The windows of two-phase calls: how long they last, and what the program may do to them. */
#include "fixture.h"

#define RING_BYTES 12288u
#define PAGE PAGE_SIZE_BYTES

/* Begins and ends both, which leaves both windows. */
static void open_windows(const struct pipe* pipe, char** in, char** out) {
    uintptr_t address;
    EXPECT(mx_datapipe_begin_write(pipe->producer, 0, &address) > 0);
    *in = (char*)address;
    (*in)[0] = 'i';
    EXPECT_OK(mx_datapipe_end_write(pipe->producer, 1));
    EXPECT(mx_datapipe_begin_read(pipe->consumer, 0, &address) > 0);
    *out = (char*)address;
    EXPECT_EQUAL(**out, 'i');
    EXPECT_OK(mx_datapipe_end_read(pipe->consumer, 0));
}

static void create_with_windows(struct pipe* pipe, char** in, char** out) {
    CHECK(pipe_create(pipe, 1, RING_BYTES));
    CHECK(open_windows(pipe, in, out));
}

TEST(data_pipe_window, stays_in_one_place_from_one_call_to_the_next) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    for (size_t i = 1; i < 100; i++) {
        uintptr_t address;
        EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES - i);
        EXPECT_EQUAL(address, in + i);
        EXPECT_OK(mx_datapipe_end_write(pipe.producer, 1));
    }
    EXPECT(is_mapped_writable(in + RING_BYTES - 1));
    EXPECT(!is_mapped(in + RING_BYTES));
    pipe_destroy(&pipe);
}

TEST(data_pipe_window, goes_when_its_handle_is_closed_and_the_other_stays) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    pipe_close_producer(&pipe);
    EXPECT(!is_mapped(in));
    EXPECT(is_mapped(out));
    pipe_close_consumer(&pipe);
    EXPECT(!is_mapped(out));
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(zx_handle_close_many(&pipe.consumer, 1));
    EXPECT(is_mapped_writable(in));
    EXPECT(!is_mapped(out));
    EXPECT_OK(zx_handle_close(pipe.producer));
    EXPECT(!is_mapped(in));
}

TEST(data_pipe_window, goes_when_its_handle_is_closed_during_two_phases) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    uintptr_t address;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT(mx_datapipe_begin_write(pipe.producer, 0, &address) > 0);
    EXPECT(mx_datapipe_begin_read(pipe.consumer, 0, &address) > 0);
    pipe_destroy(&pipe);
    EXPECT(!is_mapped(in));
    EXPECT(!is_mapped(out));
}

TEST(data_pipe_window, stays_when_the_handle_is_replaced) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    uintptr_t address;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT(mx_datapipe_begin_write(pipe.producer, 0, &address) > 0);
    CHECK(remove_rights(&pipe.producer, 0));
    EXPECT(is_mapped_writable(in));
    in[1] = 'j';
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 1));
    CHECK(expect_waiting(&pipe, "ij", 2));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES - 2);
    EXPECT_EQUAL(address, in + 2);
    pipe_close_producer(&pipe);
    EXPECT(!is_mapped(in));
    pipe_destroy(&pipe);
}

TEST(data_pipe_window, goes_when_the_handle_is_sent_and_comes_anew_where_it_arrives) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    CHECK(send_and_receive(&pipe.producer));
    EXPECT(!is_mapped(in));
    EXPECT(is_mapped(out));
    CHECK(send_and_receive(&pipe.consumer));
    EXPECT(!is_mapped(out));
    CHECK(open_windows(&pipe, &in, &out));
    EXPECT(is_mapped_writable(in));
    CHECK(expect_read(&pipe, "ii", 2));
    pipe_destroy(&pipe);
}

TEST(data_pipe_window, stays_when_sending_fails) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    mx_handle_t near, far;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(mx_channel_create(0, &near, &far));
    const mx_handle_t bad_list[] = {pipe.producer, pipe.consumer, stale_handle()};
    EXPECT_STATUS(mx_channel_write(near, 0, NULL, 0, bad_list, 3), MX_ERR_BAD_HANDLE);
    const mx_handle_t doubled[] = {pipe.producer, pipe.consumer, pipe.producer};
    EXPECT_STATUS(mx_channel_write(near, 0, NULL, 0, doubled, 3), MX_ERR_INVALID_ARGS);
    EXPECT_OK(mx_handle_close(far));
    EXPECT_STATUS(mx_channel_write(near, 0, NULL, 0, bad_list, 2), MX_ERR_PEER_CLOSED);
    EXPECT(is_mapped_writable(in));
    EXPECT(is_mapped(out));
    uintptr_t address;
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES - 1);
    EXPECT_EQUAL(address, in + 1);
    EXPECT_OK(mx_handle_close(near));
    pipe_destroy(&pipe);
    EXPECT(!is_mapped(in));
    EXPECT(!is_mapped(out));
}

TEST(data_pipe_window, an_open_write_goes_with_the_handle_and_is_ended_there) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    uintptr_t address = 77;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &address), RING_BYTES - 1);
    memcpy((char*)address, "jk", 2);
    CHECK(send_and_receive(&pipe.producer));
    EXPECT(!is_mapped(in));
    EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, 0, 1, "x"), ERR_BUSY);
    EXPECT_STATUS((mx_status_t)mx_datapipe_begin_write(pipe.producer, 0, &address), ERR_BUSY);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 2));
    CHECK(expect_waiting(&pipe, "ijk", 3));
    EXPECT_EQUAL(mx_datapipe_begin_read(pipe.consumer, 0, &address), 3);
    CHECK(send_and_receive(&pipe.consumer));
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, 2));
    CHECK(expect_read(&pipe, "k", 1));
    pipe_destroy(&pipe);
}

/* --- what the program does to it -------------------------------------------------------------- */

TEST(data_pipe_window, unmapped_by_the_program_comes_anew) {
    struct pipe pipe;
    char *in = NULL, *out = NULL, *in_again = NULL, *out_again = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)in, RING_BYTES));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)out + PAGE, PAGE)); /* the middle */
    EXPECT(!is_mapped(in));
    EXPECT(is_mapped(out));
    CHECK(open_windows(&pipe, &in_again, &out_again));
    in_again -= 1; /* the second byte was written this time */
    for (size_t i = 0; i < RING_BYTES; i += PAGE) {
        EXPECT(is_mapped_writable(in_again + i));
        EXPECT(is_mapped(out_again + i));
    }
    EXPECT(!is_mapped(out)); /* the pieces of the old one are gone */
    EXPECT(!is_mapped(out + 2 * PAGE));
    CHECK(expect_read(&pipe, "ii", 2));
    pipe_destroy(&pipe);
    EXPECT(!is_mapped(in_again));
    EXPECT(!is_mapped(out_again));
}

TEST(data_pipe_window, cut_in_pieces_goes_whole_and_takes_nothing_else_with_it) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    zx_handle_t vmo;
    zx_vaddr_t mine;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    size_t offset = (size_t)in + PAGE - 0x10000; /* where the root VMAR begins */
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(),
                          ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC_OVERWRITE, offset,
                          vmo, 0, PAGE, &mine));
    EXPECT_EQUAL(mine, in + PAGE);
    strcpy((char*)mine, "mine");
    pipe_destroy(&pipe);
    EXPECT(!is_mapped(in));
    EXPECT(!is_mapped(in + 2 * PAGE));
    EXPECT_STRING((char*)mine, "mine");
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), mine, PAGE));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(data_pipe_window, protected_by_the_program_comes_anew) {
    struct pipe pipe;
    char *in = NULL, *out = NULL, *in_again = NULL, *out_again = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, (zx_vaddr_t)in, PAGE));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), 0, (zx_vaddr_t)out + PAGE, PAGE));
    CHECK(open_windows(&pipe, &in_again, &out_again));
    EXPECT(is_mapped_writable(in_again));
    EXPECT(is_mapped(out_again + PAGE));
    pipe_destroy(&pipe);
    EXPECT(!is_mapped(in));
    EXPECT(!is_mapped(in_again));
    EXPECT(!is_mapped(out));
}

TEST(data_pipe_window, protected_as_a_whole_comes_anew_too) {
    struct pipe pipe;
    char *in = NULL, *out = NULL, *in_again = NULL, *out_again = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, (zx_vaddr_t)in, RING_BYTES));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), 0, (zx_vaddr_t)out, RING_BYTES));
    CHECK(open_windows(&pipe, &in_again, &out_again));
    EXPECT(!is_mapped(in));
    EXPECT(!is_mapped(out));
    CHECK(expect_read(&pipe, "ii", 2));
    pipe_destroy(&pipe);
}

TEST(data_pipe_window, copies_do_not_need_it) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    CHECK(create_with_windows(&pipe, &in, &out));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)in, RING_BYTES));
    CHECK(pipe_fill(&pipe, "jkl", 3));
    EXPECT_EQUAL(out[1], 'j');
    CHECK(expect_read(&pipe, "ijkl", 4));
    pipe_destroy(&pipe);
}

TEST(data_pipe_window, a_hundred_leave_nothing_behind) {
    struct pipe pipe;
    char *in = NULL, *out = NULL;
    zx_info_kernel_memory_t before;
    for (int round = 0; round < 100; round++) {
        if (round == 10)
            before = kernel_memory();
        CHECK(create_with_windows(&pipe, &in, &out));
        if (round % 4 == 1)
            CHECK(send_and_receive(&pipe.producer));
        if (round % 4 == 2)
            EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)in + PAGE, PAGE));
        if (round % 4 == 3)
            CHECK(open_windows(&pipe, &in, &out));
        pipe_destroy(&pipe);
    }
    CHECK(expect_no_leak(&before, 16));
}
