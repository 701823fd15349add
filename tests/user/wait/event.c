/* event_create, object_signal, object_signal_peer. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>

TEST(zx_event_create, makes_an_event_without_signals) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_EQUAL(handle_rights(event), ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_event_create, options_are_invalid_args) {
    zx_handle_t event = 5;
    EXPECT_STATUS(zx_event_create(1, &event), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_event_create(0x80000000, &event), MX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(event, 5);
}

TEST(zx_object_signal, sets_and_clears) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0));
    EXPECT_EQUAL(object_signals(event), ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);
    EXPECT_OK(zx_object_signal(event, ZX_EVENT_SIGNALED, ZX_USER_SIGNAL_7));
    EXPECT_EQUAL(object_signals(event), ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_7);
    /* What is both cleared and set is set. */
    EXPECT_OK(zx_object_signal(event, ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_3));
    EXPECT_EQUAL(object_signals(event), ZX_USER_SIGNAL_3);
    EXPECT_OK(zx_object_signal(event, ZX_USER_SIGNAL_3, ZX_USER_SIGNAL_3));
    EXPECT_EQUAL(object_signals(event), ZX_USER_SIGNAL_3);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_signal, signals_of_the_kernel_are_invalid_args) {
    static const zx_signals_t kernels[] = {ZX_OBJECT_READABLE, ZX_OBJECT_WRITABLE,
                                           ZX_OBJECT_PEER_CLOSED, ZX_SIGNAL_HANDLE_CLOSED,
                                           1u << 10};
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    for (size_t i = 0; i < countof(kernels); i++) {
        EXPECT_STATUS(zx_object_signal(event, 0, kernels[i] | ZX_USER_SIGNAL_0),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_signal(event, kernels[i], ZX_USER_SIGNAL_0), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_signal, faults_of_the_handle) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(event, ZX_RIGHT_SIGNAL);
    EXPECT_STATUS(zx_object_signal(stale_handle(), 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_object_signal(poor, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_signal(poor, 0, ZX_OBJECT_READABLE), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(object_signals(event), 0);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_signal, a_channel_shows_user_signals_only_at_its_own_end) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_object_signal(near, 0, ZX_USER_SIGNAL_1));
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE | ZX_USER_SIGNAL_1);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    EXPECT_STATUS(zx_object_signal(near, 0, ZX_CHANNEL_READABLE), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(near));
    EXPECT_OK(zx_handle_close(far));
}

TEST(zx_object_signal_peer, signals_the_other_end) {
    zx_handle_t near, far;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_object_signal_peer(near, 0, ZX_USER_SIGNAL_1));
    EXPECT_EQUAL(object_signals(near), ZX_CHANNEL_WRITABLE);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE | ZX_USER_SIGNAL_1);
    EXPECT_OK(zx_object_signal_peer(near, ZX_USER_SIGNAL_1, ZX_USER_SIGNAL_2));
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE | ZX_USER_SIGNAL_2);
    EXPECT_STATUS(zx_object_signal_peer(near, 0, ZX_CHANNEL_PEER_CLOSED), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(far));
    EXPECT_STATUS(zx_object_signal_peer(near, 0, ZX_USER_SIGNAL_1), ZX_ERR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(near));
}

TEST(zx_object_signal_peer, faults_of_the_handle) {
    zx_handle_t near, far, event;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t poor = duplicate_without(near, ZX_RIGHT_SIGNAL_PEER);
    EXPECT_STATUS(zx_object_signal_peer(stale_handle(), 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_object_signal_peer(poor, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    /* An event has no peer and no right to signal one. */
    EXPECT_STATUS(zx_object_signal_peer(event, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(object_signals(far), ZX_CHANNEL_WRITABLE);
    const zx_handle_t handles[] = {near, far, event, poor};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}
