/* Threads: start, end, kill, in every state. */
#include "raw_thread.h"

#include <objects.h>
#include <test.h>

#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/threads.h>

#define PATIENCE ZX_SEC(20)
#define USER_END 0x00007ffffffff000ul

static struct raw_thread thread; /* one test at a time */

static bool has_terminated(void) {
    return object_signals(thread.handle) & ZX_THREAD_TERMINATED;
}

/* Kills the thread and waits for its end. */
static void kill_and_close(void) {
    EXPECT_OK(zx_task_kill(thread.handle));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_EQUAL(thread_state(thread.handle), ZX_THREAD_STATE_DEAD);
    EXPECT_OK(zx_handle_close(thread.handle));
}

/* --- start and end ---------------------------------------------------------------------------- */

static uintptr_t seen[2];

RAW_THREAD store_arguments(uintptr_t first, uintptr_t second) {
    seen[0] = first;
    seen[1] = second;
    zx_thread_exit();
}

TEST(zx_thread_start, runs_with_its_arguments) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_EQUAL(thread_state(thread.handle), ZX_THREAD_STATE_NEW);
    EXPECT_EQUAL(object_signals(thread.handle), 0);
    EXPECT_OK(raw_thread_start(&thread, store_arguments, 0x1234567890abcdef, UINTPTR_MAX));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_EQUAL(seen[0], 0x1234567890abcdef);
    EXPECT_EQUAL(seen[1], UINTPTR_MAX);
    EXPECT_EQUAL(thread_state(thread.handle), ZX_THREAD_STATE_DEAD);
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_start, a_second_time_is_bad_state) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, store_arguments, 1, 2));
    EXPECT_STATUS(raw_thread_start(&thread, store_arguments, 3, 4), ZX_ERR_BAD_STATE);
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_STATUS(raw_thread_start(&thread, store_arguments, 5, 6), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(seen[0], 1);
    EXPECT_OK(zx_handle_close(thread.handle));
}

static zx_vaddr_t entry_of(void (*function)(uintptr_t, uintptr_t)) {
    return (zx_vaddr_t)function;
}

static zx_vaddr_t stack_top(void) {
    return (zx_vaddr_t)thread.stack + sizeof(thread.stack);
}

TEST(zx_thread_start, entry_or_stack_outside_user_space_is_invalid_args) {
    static const zx_vaddr_t bad[] = {USER_END, 0x0000800000000000, 0xffffffff80000000,
                                     0x8000000000000000};
    EXPECT_OK(raw_thread_create(&thread));
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(zx_thread_start(thread.handle, bad[i], stack_top(), 0, 0),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_thread_start(thread.handle, entry_of(store_arguments), bad[i], 0, 0),
                      ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(thread_state(thread.handle), ZX_THREAD_STATE_NEW);
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_start, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_thread_start(0, entry_of(store_arguments), stack_top(), 0, 0),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_thread_start(stale_handle(), entry_of(store_arguments), stack_top(), 0, 0),
                  ZX_ERR_BAD_HANDLE);
}

TEST(zx_thread_start, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_thread_start(zx_process_self(), entry_of(store_arguments), stack_top(), 0, 0),
                  ZX_ERR_WRONG_TYPE);
}

TEST(zx_thread_start, missing_write_right_is_access_denied) {
    EXPECT_OK(raw_thread_create(&thread));
    zx_handle_t poor = duplicate_without(thread.handle, ZX_RIGHT_WRITE);
    EXPECT_STATUS(zx_thread_start(poor, entry_of(store_arguments), stack_top(), 0, 0),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(thread_state(thread.handle), ZX_THREAD_STATE_NEW);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(thread.handle));
}

/* Nothing is stored, and no thread is left behind. */
static void expect_no_thread(zx_handle_t process, const char* name, size_t size, uint32_t options,
                             zx_status_t expected) {
    zx_handle_t handle = 5;
    uint64_t before = kernel_memory().threads;
    EXPECT_STATUS(zx_thread_create(process, name, size, options, &handle), expected);
    EXPECT_EQUAL(handle, 5);
    EXPECT_AT_MOST(kernel_memory().threads, before);
}

TEST(zx_thread_create, options_are_invalid_args_before_the_handle) {
    CHECK(expect_no_thread(zx_process_self(), "x", 1, 1, ZX_ERR_INVALID_ARGS));
    CHECK(expect_no_thread(stale_handle(), BAD_POINTER, 1, 0x80000000, ZX_ERR_INVALID_ARGS));
}

TEST(zx_thread_create, invalid_handle_is_bad_handle) {
    CHECK(expect_no_thread(0, "x", 1, 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_thread(stale_handle(), "x", 1, 0, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_thread(stale_handle(), BAD_POINTER, 1, 0, ZX_ERR_BAD_HANDLE));
}

TEST(zx_thread_create, other_object_is_wrong_type) {
    CHECK(expect_no_thread(zx_thread_self(), "x", 1, 0, ZX_ERR_WRONG_TYPE));
}

TEST(zx_thread_create, missing_manage_thread_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_process_self(), ZX_RIGHT_MANAGE_THREAD);
    CHECK(expect_no_thread(poor, "x", 1, 0, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
}

TEST(zx_thread_create, bad_name_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        CHECK(expect_no_thread(zx_process_self(), bad[i], 4, 0, ZX_ERR_INVALID_ARGS));
}

TEST(zx_thread_create, that_never_starts_is_released) {
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 100; i++) {
        EXPECT_OK(raw_thread_create(&thread));
        EXPECT_OK(zx_handle_close(thread.handle));
    }
    CHECK(expect_no_leak(&before, 0));
}

TEST(zx_thread_create, name_is_kept) {
    char name[ZX_MAX_NAME_LEN];
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(zx_object_get_property(thread.handle, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_STRING(name, "raw");
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_create, in_a_process_that_has_ended_is_bad_state) {
    zx_handle_t process, vmar, handle = 5;
    EXPECT_OK(zx_process_create(zx_job_default(), "ended", 5, 0, &process, &vmar));
    EXPECT_OK(zx_task_kill(process));
    EXPECT(wait_for(process, ZX_PROCESS_TERMINATED, PATIENCE));
    EXPECT_STATUS(zx_thread_create(process, "x", 1, 0, &handle), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(handle, 5);
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 20; i++)
        EXPECT_STATUS(zx_thread_create(process, "x", 1, 0, &handle), ZX_ERR_BAD_STATE);
    CHECK(expect_no_leak(&before, 8));
    EXPECT_OK(zx_handle_close(process));
    EXPECT_OK(zx_handle_close(vmar));
}

/* --- thread-local storage --------------------------------------------------------------------- */

static uintptr_t own_fs_base(void) {
    uintptr_t base;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(base));
    return base;
}

TEST(zx_thread_set_fs_base, addresses_outside_user_space_are_invalid_args) {
    static const uintptr_t bad[] = {USER_END,           0x00007fffffffffff, 0x0000800000000000,
                                    0xffff7fffffffffff, 0xffff800000000000, 0xffffffff80000000,
                                    UINTPTR_MAX};
    uintptr_t base = own_fs_base(); /* its first word points to itself */
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(zx_thread_set_fs_base(bad[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_EQUAL(own_fs_base(), base);
    }
    EXPECT_OK(zx_thread_set_fs_base(base));
    EXPECT_EQUAL(own_fs_base(), base);
}

/* --- killing ---------------------------------------------------------------------------------- */

RAW_THREAD wait_for_ever(uintptr_t handle, uintptr_t signals) {
    zx_object_wait_one((zx_handle_t)handle, (zx_signals_t)signals, ZX_TIME_INFINITE, NULL);
    for (;;)
        __asm__ volatile("ud2");
}

RAW_THREAD wait_on_futex(uintptr_t address, uintptr_t value) {
    zx_futex_wait((zx_futex_t*)address, (int32_t)value, ZX_TIME_INFINITE);
    for (;;)
        __asm__ volatile("ud2");
}

RAW_THREAD call_without_end(uintptr_t first, uintptr_t second) {
    (void)first, (void)second;
    for (;;)
        zx_syscall_null();
}

static void kill_row(void (*entry)(uintptr_t, uintptr_t), uintptr_t first, uintptr_t second) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, entry, first, second));
    sleep_for(ZX_MSEC(3));
    EXPECT(!has_terminated());
    CHECK(kill_and_close());
}

TEST(zx_task_kill, of_a_thread_that_runs) {
    CHECK(kill_row(raw_spin, 0, 0));
}

TEST(zx_task_kill, of_a_thread_that_calls_the_kernel_all_the_time) {
    CHECK(kill_row(call_without_end, 0, 0));
}

TEST(zx_task_kill, of_a_thread_that_sleeps) {
    CHECK(kill_row(raw_sleep, 0, 0));
}

TEST(zx_task_kill, of_a_thread_that_waits_for_an_object) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(kill_row(wait_for_ever, (uintptr_t)event, ZX_EVENT_SIGNALED));
    EXPECT_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED)); /* nobody is woken */
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_task_kill, of_a_thread_that_waits_on_a_futex) {
    zx_futex_t futex = 3;
    CHECK(kill_row(wait_on_futex, (uintptr_t)&futex, 3));
    EXPECT_OK(zx_futex_wake(&futex, 1));
}

TEST(zx_task_kill, of_a_thread_just_started) {
    for (int i = 0; i < 200; i++) {
        EXPECT_OK(raw_thread_create(&thread));
        EXPECT_OK(raw_thread_start(&thread, raw_sleep, 0, 0));
        CHECK(kill_and_close());
    }
}

TEST(zx_task_kill, of_a_thread_that_never_started) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(zx_task_kill(thread.handle));
    EXPECT(has_terminated());
    EXPECT_STATUS(raw_thread_start(&thread, raw_spin, 0, 0), ZX_ERR_BAD_STATE);
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_task_kill, of_a_dead_thread_is_ok) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, store_arguments, 0, 0));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    CHECK(kill_and_close());
}

TEST(zx_task_kill, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_task_kill(0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_task_kill(stale_handle()), ZX_ERR_BAD_HANDLE);
}

TEST(zx_task_kill, other_object_is_wrong_type) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(zx_task_kill(event), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_task_kill, missing_destroy_right_is_access_denied_and_nothing_is_killed) {
    EXPECT_OK(raw_thread_create(&thread));
    zx_handle_t poor = duplicate_without(thread.handle, ZX_RIGHT_DESTROY);
    EXPECT_STATUS(zx_task_kill(poor), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(thread_state(thread.handle), ZX_THREAD_STATE_NEW);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(thread.handle));
}

/* A thread of ours goes on when all handles to it are closed. */
TEST(zx_thread_start, a_running_thread_needs_no_handle) {
    atomic_store((_Atomic uintptr_t*)&seen[0], 0);
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, store_arguments, 99, 0));
    EXPECT_OK(zx_handle_close(thread.handle));
    zx_time_t deadline = zx_clock_get_monotonic() + PATIENCE;
    while (atomic_load((_Atomic uintptr_t*)&seen[0]) != 99 && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_MSEC(1));
    EXPECT_EQUAL(seen[0], 99);
}

/* --- scheduling ------------------------------------------------------------------------------- */

TEST(zx_thread_set_priority, takes_0_to_31) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(zx_thread_set_priority(thread.handle, 0));
    EXPECT_OK(zx_thread_set_priority(thread.handle, 31));
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_set_priority, more_than_31_is_out_of_range) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_STATUS(zx_thread_set_priority(thread.handle, 32), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_thread_set_priority(thread.handle, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_set_priority, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_thread_set_priority(0, 3), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_thread_set_priority(stale_handle(), 3), ZX_ERR_BAD_HANDLE);
}

TEST(zx_thread_set_priority, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_thread_set_priority(zx_process_self(), 3), ZX_ERR_WRONG_TYPE);
}

TEST(zx_thread_set_priority, missing_manage_thread_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_thread_self(), ZX_RIGHT_MANAGE_THREAD);
    EXPECT_STATUS(zx_thread_set_priority(poor, 3), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(poor));
}

/* Notes each CPU that it runs on, by the number of its local APIC, as a bit. */
RAW_THREAD note_cpus(uintptr_t rounds, uintptr_t unused) {
    (void)unused;
    for (; rounds > 0; rounds--) {
        uint32_t eax = 1, ebx, ecx = 0, edx;
        __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
        seen[0] |= (uintptr_t)1 << (ebx >> 24);
        zx_thread_yield();
    }
    zx_thread_exit();
}

static void expect_to_stay_on(uint32_t cpu_mask) {
    seen[0] = 0;
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(zx_thread_set_affinity(thread.handle, cpu_mask));
    EXPECT_OK(raw_thread_start(&thread, note_cpus, 1000, 0));
    EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT_EQUAL(seen[0], cpu_mask);
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_set_affinity, keeps_a_thread_on_the_first_cpu) {
    CHECK(expect_to_stay_on(1));
}

TEST(zx_thread_set_affinity, keeps_a_thread_on_the_second_cpu) {
    if (zx_thread_set_affinity(zx_thread_self(), 2) != ZX_OK)
        SKIP("there is one CPU");
    EXPECT_OK(zx_thread_set_affinity(zx_thread_self(), UINT32_MAX));
    CHECK(expect_to_stay_on(2));
}

TEST(zx_thread_set_affinity, no_cpu_is_invalid_args) {
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_STATUS(zx_thread_set_affinity(thread.handle, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(thread.handle));
}

TEST(zx_thread_set_affinity, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_thread_set_affinity(0, 1), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_thread_set_affinity(stale_handle(), 1), ZX_ERR_BAD_HANDLE);
}

TEST(zx_thread_set_affinity, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_thread_set_affinity(zx_process_self(), 1), ZX_ERR_WRONG_TYPE);
}

TEST(zx_thread_set_affinity, missing_manage_thread_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_thread_self(), ZX_RIGHT_MANAGE_THREAD);
    EXPECT_STATUS(zx_thread_set_affinity(poor, 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(poor));
}

/* Spinning threads, more than there are CPUs, do not keep the others from running. */
TEST(scheduler, spinning_threads_are_preempted) {
    static struct raw_thread spinners[6];
    for (size_t i = 0; i < countof(spinners); i++) {
        EXPECT_OK(raw_thread_create(&spinners[i]));
        EXPECT_OK(raw_thread_start(&spinners[i], raw_spin, 0, 0));
    }
    for (int i = 0; i < 5; i++)
        sleep_for(ZX_MSEC(1));
    EXPECT_OK(raw_thread_create(&thread));
    EXPECT_OK(raw_thread_start(&thread, store_arguments, 7, 7));
    bool ended = wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE);
    for (size_t i = 0; i < countof(spinners); i++) {
        zx_task_kill(spinners[i].handle);
        wait_for(spinners[i].handle, ZX_THREAD_TERMINATED, PATIENCE);
        zx_handle_close(spinners[i].handle);
    }
    EXPECT(ended);
    EXPECT_OK(zx_handle_close(thread.handle));
}

/* --- very many -------------------------------------------------------------------------------- */

TEST(thread_stress, ten_thousand_threads_leak_nothing) {
    zx_info_kernel_memory_t before = {0};
    for (int i = 0; i < 10000; i++) {
        if (i == 100) /* caches are warm */
            before = kernel_memory();
        EXPECT_OK(raw_thread_create(&thread));
        EXPECT_OK(raw_thread_start(&thread, store_arguments, 1, 1));
        EXPECT(wait_for(thread.handle, ZX_THREAD_TERMINATED, PATIENCE));
        EXPECT_OK(zx_handle_close(thread.handle));
    }
    CHECK(expect_no_leak(&before, 16));
}

static int return_at_once(void* argument) {
    return (int)(uintptr_t)argument;
}

TEST(thread_stress, two_hundred_threads_at_once) {
    enum { COUNT = 200 };
    thrd_t threads[COUNT];
    int result;
    for (int i = 0; i < COUNT; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], return_at_once, (void*)(uintptr_t)i), thrd_success);
    for (int i = 0; i < COUNT; i++) {
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, i);
    }
}
