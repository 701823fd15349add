/* Clocks and sleep. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>

#include <errno.h>
#include <time.h>
#include <unistd.h>

TEST(zx_clock_get, is_monotonic) {
    zx_time_t last = zx_clock_get_monotonic();
    for (int i = 0; i < 2000; i++) {
        zx_time_t now;
        EXPECT_OK(zx_clock_get(ZX_CLOCK_MONOTONIC, &now));
        EXPECT(now >= last);
        last = now;
    }
}

TEST(zx_clock_get, unknown_clock_is_invalid_args) {
    zx_time_t now = 5;
    EXPECT_STATUS(zx_clock_get(1, &now), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_clock_get(UINT32_MAX, &now), ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(now, 5);
}

/* Ticks and nanoseconds show the same time. */
TEST(zx_ticks_get, agrees_with_the_clock) {
    zx_ticks_t per_second = zx_ticks_per_second();
    EXPECT(per_second >= 1000000);
    zx_time_t time = zx_clock_get_monotonic();
    zx_ticks_t ticks = zx_ticks_get();
    sleep_for(ZX_MSEC(50));
    zx_ticks_t ticks_passed = zx_ticks_get() - ticks;
    zx_time_t time_passed = zx_clock_get_monotonic() - time;
    double nanoseconds = (double)ticks_passed * 1e9 / (double)per_second;
    EXPECT(nanoseconds > (double)time_passed * 0.8);
    EXPECT(nanoseconds < (double)time_passed * 1.2);
}

TEST(zx_nanosleep, sleeps_until_the_deadline) {
    static const zx_duration_t durations[] = {1, ZX_USEC(1), ZX_USEC(100), ZX_MSEC(1), ZX_MSEC(20)};
    for (size_t i = 0; i < countof(durations); i++) {
        zx_time_t deadline = zx_clock_get_monotonic() + durations[i];
        EXPECT_OK(zx_nanosleep(deadline));
        EXPECT(zx_clock_get_monotonic() >= deadline);
    }
}

TEST(zx_nanosleep, past_deadlines_return_at_once) {
    EXPECT_OK(zx_nanosleep(0));
    EXPECT_OK(zx_nanosleep(1));
    EXPECT_OK(zx_nanosleep(INT64_MIN));
}

TEST(time_h, functions_agree_with_the_kernel) {
    struct timespec first, second, duration = {0, 2000000};
    EXPECT_EQUAL(clock_gettime(CLOCK_MONOTONIC, &first), 0);
    EXPECT_EQUAL(nanosleep(&duration, NULL), 0);
    EXPECT_EQUAL(timespec_get(&second, TIME_UTC), TIME_UTC);
    int64_t passed = (second.tv_sec - first.tv_sec) * 1000000000 + second.tv_nsec - first.tv_nsec;
    EXPECT(passed >= 2000000);
    EXPECT_EQUAL(clock_gettime(7, &first), -1);
    EXPECT_EQUAL(errno, EINVAL);
    duration.tv_nsec = 1000000000;
    EXPECT_EQUAL(nanosleep(&duration, NULL), -1);
    zx_time_t start = zx_clock_get_monotonic();
    EXPECT_EQUAL(usleep(1500), 0);
    EXPECT(zx_clock_get_monotonic() - start >= 1500000);
}

/* --- the spellings of each generation --------------------------------------------------------- */

TEST(zx_deadline_after, is_so_far_from_now) {
    static zx_time_t (*const spellings[])(zx_duration_t) = {zx_deadline_after, mx_deadline_after};
    for (size_t i = 0; i < countof(spellings); i++) {
        zx_time_t before = zx_clock_get_monotonic();
        zx_time_t deadline = spellings[i](ZX_MSEC(5));
        EXPECT(deadline >= before + ZX_MSEC(5));
        EXPECT(deadline <= zx_clock_get_monotonic() + ZX_MSEC(5));
        EXPECT_OK(zx_nanosleep(deadline));
        EXPECT(zx_clock_get_monotonic() >= deadline);
        EXPECT_EQUAL(spellings[i](ZX_TIME_INFINITE), ZX_TIME_INFINITE);
        EXPECT_EQUAL(spellings[i](ZX_TIME_INFINITE - 1), ZX_TIME_INFINITE);
        EXPECT(spellings[i](INT64_MIN) < 0); /* long ago */
    }
}

TEST(mx_time_get, shows_the_clock) {
    static mx_time_t (*const spellings[])(uint32_t) = {mx_time_get, mx_current_time};
    for (size_t i = 0; i < countof(spellings); i++) {
        zx_time_t before = zx_clock_get_monotonic(), same;
        zx_time_t now = spellings[i](MX_CLOCK_MONOTONIC);
        EXPECT(now >= before);
        EXPECT_OK(zx_clock_get_new(ZX_CLOCK_MONOTONIC, &same));
        EXPECT(same >= now && same <= zx_clock_get_monotonic());
        EXPECT_EQUAL(spellings[i](MX_CLOCK_UTC), 0);
        EXPECT_EQUAL(spellings[i](77), 0);
    }
}
