/* event_create; object_signal and object_signal_peer at events and channels (event_pair has the
 * rows of pairs). */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>

#define EVENT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)

/* One generation's spelling. */
struct generation {
    zx_status_t (*create)(uint32_t, zx_handle_t*);
    zx_status_t (*signal)(zx_handle_t, uint32_t, uint32_t);
    zx_status_t (*signal_peer)(zx_handle_t, uint32_t, uint32_t);
};
static const struct generation zx = {zx_event_create, zx_object_signal, zx_object_signal_peer};
static const struct generation mx = {mx_event_create, mx_object_signal, mx_object_signal_peer};

/* --- event_create ----------------------------------------------------------------------------- */

TEST_BOTH(event_create, makes_an_event_without_signals) {
    zx_handle_t event;
    EXPECT_OK(generation->create(0, &event));
    EXPECT_EQUAL(handle_type(event), ZX_OBJ_TYPE_EVENT);
    EXPECT_EQUAL(handle_rights(event), EVENT_RIGHTS);
    EXPECT_EQUAL(handle_related_koid(event), ZX_KOID_INVALID);
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(event_create, options_are_invalid_args) {
    static const uint32_t unknown[] = {1, 2, 0x80000000, UINT32_MAX};
    zx_handle_t event = 5;
    for (size_t i = 0; i < countof(unknown); i++) {
        EXPECT_STATUS(generation->create(unknown[i], &event), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->create(unknown[i], NULL), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(event, 5);
}

static void give_bad_places(const struct generation* generation) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->create(0, bad[i]), ZX_ERR_INVALID_ARGS);
}

TEST_BOTH(event_create, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    CHECK(give_bad_places(generation)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(give_bad_places(generation));
    CHECK(expect_no_leak(&before, 2));
}

/* --- object_signal ---------------------------------------------------------------------------- */

TEST_BOTH(object_signal, sets_and_clears) {
    zx_handle_t event;
    EXPECT_OK(generation->create(0, &event));
    EXPECT_OK(generation->signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0));
    EXPECT_EQUAL(object_signals(event), ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);
    EXPECT_OK(generation->signal(event, ZX_EVENT_SIGNALED, ZX_USER_SIGNAL_7));
    EXPECT_EQUAL(object_signals(event), ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_7);
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(object_signal, what_is_cleared_and_set_is_set) {
    zx_handle_t event;
    EXPECT_OK(generation->create(0, &event));
    EXPECT_OK(generation->signal(event, 0, ZX_USER_SIGNAL_0));
    EXPECT_OK(generation->signal(event, ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_3));
    EXPECT_EQUAL(object_signals(event), ZX_USER_SIGNAL_3);
    EXPECT_OK(generation->signal(event, ZX_USER_SIGNAL_3, ZX_USER_SIGNAL_3));
    EXPECT_EQUAL(object_signals(event), ZX_USER_SIGNAL_3);
    EXPECT_OK(zx_handle_close(event));
}

/* Signals that programs may not change: one of each kind, and one that does not exist. */
static const zx_signals_t kernels[] = {ZX_OBJECT_READABLE,    ZX_OBJECT_WRITABLE,
                                       ZX_OBJECT_PEER_CLOSED, ZX_SIGNAL_HANDLE_CLOSED,
                                       ZX_SIGNAL_LAST_HANDLE, 1u << 10};

TEST_BOTH(object_signal, signals_of_the_kernel_are_invalid_args) {
    zx_handle_t event;
    EXPECT_OK(generation->create(0, &event));
    for (size_t i = 0; i < countof(kernels); i++) {
        EXPECT_STATUS(generation->signal(event, 0, kernels[i] | ZX_USER_SIGNAL_0),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->signal(event, kernels[i], ZX_USER_SIGNAL_0), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(object_signal, missing_signal_right_is_access_denied_before_the_masks) {
    zx_handle_t event;
    EXPECT_OK(generation->create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_SIGNAL);
    EXPECT_STATUS(generation->signal(poor, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(generation->signal(poor, 0, ZX_OBJECT_READABLE), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(object_signal, a_channel_shows_user_signals_only_at_its_own_end) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(generation->signal(near, 0, ZX_USER_SIGNAL_1));
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE | ZX_USER_SIGNAL_1);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

/* --- object_signal_peer ----------------------------------------------------------------------- */

TEST_BOTH(object_signal_peer, signals_the_other_end_of_a_channel_only) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(generation->signal_peer(near, 0, ZX_USER_SIGNAL_1));
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE | ZX_USER_SIGNAL_1);
    EXPECT_OK(generation->signal_peer(near, ZX_USER_SIGNAL_1, ZX_USER_SIGNAL_2));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE | ZX_USER_SIGNAL_2);
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

TEST_BOTH(object_signal_peer, signals_of_the_kernel_are_invalid_args_at_a_channel) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    for (size_t i = 0; i < countof(kernels); i++)
        EXPECT_STATUS(generation->signal_peer(near, 0, kernels[i]), ZX_ERR_INVALID_ARGS);
    /* What an event shows when it is signalled, a channel never shows. */
    EXPECT_STATUS(generation->signal_peer(near, 0, ZX_EVENT_SIGNALED), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

TEST_BOTH(object_signal_peer, a_closed_end_of_a_channel_is_peer_closed) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_handle_close(far));
    EXPECT_STATUS(generation->signal_peer(near, 0, ZX_USER_SIGNAL_1), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(near));
}

/* It has no right to signal one, and none can be given to it. */
TEST_BOTH(object_signal_peer, an_event_has_no_peer_and_is_access_denied) {
    zx_handle_t event;
    EXPECT_OK(generation->create(0, &event));
    EXPECT_STATUS(generation->signal_peer(event, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(event));
}
