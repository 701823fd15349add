/* In what a thread is blocked, as object_get_info shows it: 2018 names it, 2017 does not. */
#include "raw_thread.h"

#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/object.h>
#include <zircon/process.h>

#define PATIENCE ZX_SEC(20)

static struct raw_thread thread; /* one test at a time */
static zx_handle_t event, channel;
static zx_futex_t futex;

static uint32_t zx_state(void) {
    zx_info_thread_t info = {.state = 99, .wait_exception_port_type = 99};
    zx_object_get_info(thread.handle, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL);
    return info.wait_exception_port_type == 0 ? info.state : 98;
}

static uint32_t mx_state(void) {
    mx_info_thread_t info = {.state = 99};
    mx_object_get_info(thread.handle, MX_INFO_THREAD, &info, sizeof(info), NULL, NULL);
    return info.state;
}

/* As raw threads: they are killed in their waits. */
RAW_THREAD wait_in_futex(uintptr_t first, uintptr_t second) {
    (void)first, (void)second;
    zx_futex_wait(&futex, futex, ZX_TIME_INFINITE);
    zx_thread_exit();
}

RAW_THREAD wait_for_reply(uintptr_t first, uintptr_t second) {
    (void)second;
    zx_channel_call(channel, 0, ZX_TIME_INFINITE, (zx_channel_call_args_t*)first, NULL, NULL);
    zx_thread_exit();
}

RAW_THREAD wait_for_one(uintptr_t first, uintptr_t second) {
    (void)first, (void)second;
    zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, NULL);
    for (;;)
        __asm__ volatile("pause");
}

RAW_THREAD wait_for_many(uintptr_t first, uintptr_t second) {
    zx_object_wait_many((zx_wait_item_t*)first, second, ZX_TIME_INFINITE);
    zx_thread_exit();
}

/* Until the thread is in the state; the caller checks the state that it has then. */
static void wait_for_state(uint32_t state) {
    zx_time_t deadline = zx_clock_get_monotonic() + PATIENCE;
    while (zx_state() != state && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_USEC(100));
}

static void row(void (*entry)(uintptr_t, uintptr_t), void* first, uintptr_t second,
                uint32_t state) {
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, entry, (uintptr_t)first, second));
    wait_for_state(state);
    EXPECT_EQUAL(zx_state(), state);
    EXPECT_EQUAL(ZX_THREAD_STATE_BASIC(zx_state()), ZX_THREAD_STATE_BLOCKED);
    EXPECT_EQUAL(mx_state(), MX_THREAD_STATE_BLOCKED);
    EXPECT_OK(zx_task_kill(thread.handle));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_EQUAL(zx_state(), ZX_THREAD_STATE_DEAD);
    EXPECT_EQUAL(mx_state(), MX_THREAD_STATE_DEAD);
    EXPECT_OK(zx_handle_close(thread.handle));
    EXPECT_OK(zx_handle_close(event));
}

TEST(thread_state, sleeping) {
    CHECK(row(raw_sleep, NULL, 0, ZX_THREAD_STATE_BLOCKED_SLEEPING));
}

TEST(thread_state, in_a_futex) {
    CHECK(row(wait_in_futex, NULL, 0, ZX_THREAD_STATE_BLOCKED_FUTEX));
}

TEST(thread_state, in_a_call) {
    zx_handle_t far;
    uint32_t word = 1;
    zx_channel_call_args_t args = {.wr_bytes = &word, .wr_num_bytes = sizeof(word)};
    EXPECT_OK(zx_channel_create(0, &channel, &far));
    CHECK(row(wait_for_reply, &args, 0, ZX_THREAD_STATE_BLOCKED_CHANNEL));
    EXPECT_OK(zx_handle_close(channel));
    EXPECT_OK(zx_handle_close(far));
}

TEST(thread_state, in_a_wait_for_one) {
    CHECK(row(wait_for_one, NULL, 0, ZX_THREAD_STATE_BLOCKED_WAIT_ONE));
}

TEST(thread_state, in_a_wait_for_many) {
    zx_wait_item_t item;
    EXPECT_OK(zx_event_create(0, &item.handle));
    item.waitfor = ZX_EVENT_SIGNALED;
    CHECK(row(wait_for_many, &item, 1, ZX_THREAD_STATE_BLOCKED_WAIT_MANY));
    CHECK(row(wait_for_many, NULL, 0, ZX_THREAD_STATE_BLOCKED_WAIT_MANY));
    EXPECT_OK(zx_handle_close(item.handle));
}

/* A thread that runs again is not shown as waiting. */
TEST(thread_state, running_again_after_a_wait) {
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, wait_for_one, 0, 0));
    wait_for_state(ZX_THREAD_STATE_BLOCKED_WAIT_ONE);
    EXPECT_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    wait_for_state(ZX_THREAD_STATE_RUNNING);
    EXPECT_EQUAL(zx_state(), ZX_THREAD_STATE_RUNNING);
    EXPECT_EQUAL(mx_state(), MX_THREAD_STATE_RUNNING);
    EXPECT_OK(zx_task_kill(thread.handle));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_OK(zx_handle_close(thread.handle));
    EXPECT_OK(zx_handle_close(event));
}
