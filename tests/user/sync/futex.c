/* futex_wait and futex_wake. */
#include <objects.h>
#include <test.h>

#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>

#define SOON (zx_clock_get_monotonic() + ZX_MSEC(3))
#define WAITERS 8
#define USER_END 0x00007ffffffff000ul

TEST(zx_futex_wait, another_value_is_bad_state) {
    zx_futex_t futex = 1;
    EXPECT_STATUS(zx_futex_wait(&futex, 2, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    EXPECT_EQUAL(futex, 1);
}

TEST(zx_futex_wait, deadline_is_kept) {
    zx_futex_t futex = 1;
    zx_time_t deadline = SOON;
    EXPECT_STATUS(zx_futex_wait(&futex, 1, deadline), ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_STATUS(zx_futex_wait(&futex, 1, 0), ZX_ERR_TIMED_OUT);
}

/* Two bytes behind an aligned word. */
static const zx_futex_t* misaligned(void) {
    static zx_futex_t futexes[2];
    return (const zx_futex_t*)((char*)futexes + 2);
}

TEST(zx_futex_wait, misaligned_address_is_invalid_args) {
    EXPECT_STATUS(zx_futex_wait(misaligned(), 0, 0), ZX_ERR_INVALID_ARGS);
}

TEST(zx_futex_wake, misaligned_address_is_invalid_args) {
    EXPECT_STATUS(zx_futex_wake(misaligned(), 1), ZX_ERR_INVALID_ARGS);
}

TEST(zx_futex_wake, of_nobody_is_ok) {
    zx_futex_t futex = 0;
    EXPECT_OK(zx_futex_wake(&futex, 0));
    EXPECT_OK(zx_futex_wake(&futex, UINT32_MAX));
}

/* A page that nobody has touched reads as zeros, also where it may not be written. */
TEST(zx_futex_wait, reads_an_untouched_read_only_page_as_zeros) {
    zx_futex_t* page = read_only_page();
    EXPECT(page);
    EXPECT_STATUS(zx_futex_wait(page, 1, ZX_TIME_INFINITE), ZX_ERR_BAD_STATE);
    EXPECT_STATUS(zx_futex_wait(page + 1, 0, SOON), ZX_ERR_TIMED_OUT);
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)page, PAGE_SIZE_BYTES));
    EXPECT_STATUS(zx_futex_wait(page, 0, 0), ZX_ERR_INVALID_ARGS);
}

static const uintptr_t past_user_space[] = {USER_END, 0x0000800000000000, 0xffff800000000000,
                                            0xffffffff80000000, UINTPTR_MAX & ~3ul};

TEST(zx_futex_wait, addresses_past_user_space_are_invalid_args) {
    for (size_t i = 0; i < countof(past_user_space); i++)
        EXPECT_STATUS(zx_futex_wait((zx_futex_t*)past_user_space[i], 0, 0), ZX_ERR_INVALID_ARGS);
}

TEST(zx_futex_wake, addresses_past_user_space_are_invalid_args) {
    for (size_t i = 0; i < countof(past_user_space); i++) {
        EXPECT_STATUS(zx_futex_wake((zx_futex_t*)past_user_space[i], 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_futex_wake((zx_futex_t*)past_user_space[i], 0), ZX_ERR_INVALID_ARGS);
    }
    EXPECT_OK(zx_futex_wake((zx_futex_t*)(USER_END - 4), 1)); /* the last that a program may use */
}

struct crowd {
    _Atomic zx_futex_t futex;
    atomic_int asleep, woken;
};

static int sleep_in_crowd(void* argument) {
    struct crowd* crowd = argument;
    atomic_fetch_add(&crowd->asleep, 1);
    zx_status_t status = zx_futex_wait((zx_futex_t*)&crowd->futex, 0, ZX_TIME_INFINITE);
    atomic_fetch_add(&crowd->woken, 1);
    return status;
}

static bool comes_to(atomic_int* counter, int value) {
    zx_time_t deadline = zx_clock_get_monotonic() + ZX_SEC(20);
    while (atomic_load(counter) < value && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_MSEC(1));
    return atomic_load(counter) == value;
}

TEST(zx_futex_wake, wakes_as_many_as_asked_for) {
    struct crowd crowd = {.futex = 0};
    thrd_t threads[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], sleep_in_crowd, &crowd), thrd_success);
    EXPECT(comes_to(&crowd.asleep, WAITERS));
    sleep_for(ZX_MSEC(20)); /* from the count to the sleep */
    EXPECT_OK(zx_futex_wake((zx_futex_t*)&crowd.futex, 1));
    EXPECT(comes_to(&crowd.woken, 1));
    EXPECT_OK(zx_futex_wake((zx_futex_t*)&crowd.futex, 3));
    EXPECT(comes_to(&crowd.woken, 4));
    sleep_for(ZX_MSEC(5));
    EXPECT_EQUAL(atomic_load(&crowd.woken), 4);
    EXPECT_OK(zx_futex_wake((zx_futex_t*)&crowd.futex, UINT32_MAX));
    EXPECT(comes_to(&crowd.woken, WAITERS));
    for (int i = 0; i < WAITERS; i++) {
        int status;
        EXPECT_EQUAL(thrd_join(threads[i], &status), thrd_success);
        EXPECT_STATUS(status, ZX_OK);
    }
}

/* More words than the kernel has lists of waiters, in debug builds by far: so many of them share
 * the sleeper's list. */
#define WORDS 16384u

TEST(zx_futex_wake, of_other_addresses_wakes_nobody) {
    static zx_futex_t words[WORDS];
    struct crowd crowd = {.futex = 0};
    thrd_t thread;
    int status;
    EXPECT_EQUAL(thrd_create(&thread, sleep_in_crowd, &crowd), thrd_success);
    EXPECT(comes_to(&crowd.asleep, 1));
    sleep_for(ZX_MSEC(10)); /* from the count to the sleep */
    for (size_t i = 0; i < WORDS; i++)
        EXPECT_OK(zx_futex_wake(&words[i], UINT32_MAX));
    sleep_for(ZX_MSEC(2));
    EXPECT_EQUAL(atomic_load(&crowd.woken), 0);
    EXPECT_OK(zx_futex_wake((zx_futex_t*)&crowd.futex, 1));
    EXPECT(comes_to(&crowd.woken, 1));
    EXPECT_EQUAL(thrd_join(thread, &status), thrd_success);
    EXPECT_STATUS(status, ZX_OK);
}

/* Two threads hand a number to and fro: a lost wake-up would stop them for ever. */
#define EXCHANGES 5000

static void hand_over(_Atomic zx_futex_t* futex, zx_futex_t mine, zx_futex_t others) {
    for (int i = 0; i < EXCHANGES; i++) {
        while (atomic_load(futex) != mine)
            zx_futex_wait((zx_futex_t*)futex, others, ZX_TIME_INFINITE);
        atomic_store(futex, others);
        zx_futex_wake((zx_futex_t*)futex, 1);
    }
}

static int second_player(void* argument) {
    hand_over(argument, 1, 0);
    return 0;
}

TEST(zx_futex_wait, no_wakeup_is_lost) {
    _Atomic zx_futex_t futex = 0;
    thrd_t thread;
    EXPECT_EQUAL(thrd_create(&thread, second_player, &futex), thrd_success);
    hand_over(&futex, 0, 1);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_EQUAL(atomic_load(&futex), 0);
}
