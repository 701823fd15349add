/* Timers: when they fire, in which order, and what cancelling promises. */
#include <stdatomic.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <sched/park.h>
#include <sched/thread.h>
#include <sched/timer.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define MILLISECOND 1000000l
#define MANY 500u

struct test_timer {
    struct timer timer;
    zx_time_t deadline;
    zx_time_t fired_at;       /* 0: not yet */
    uint32_t order, fired_on; /* the how-manieth it was, and on which CPU */
    _Atomic uint32_t times;
};

static _Atomic uint32_t fired_count;

static void fire(struct timer* timer) {
    struct test_timer* test = CONTAINER_OF(timer, struct test_timer, timer);
    test->fired_at = clock_now();
    test->fired_on = cpu_number();
    test->order = atomic_fetch_add(&fired_count, 1);
    atomic_fetch_add(&test->times, 1);
}

/* Timers are static: one that a failed test leaves armed must not outlive its memory. */
static void arm(struct test_timer* test, zx_time_t deadline) {
    *test = (struct test_timer){.deadline = deadline};
    timer_init(&test->timer, fire);
    timer_arm(&test->timer, deadline);
}

static void sleep_for(zx_duration_t duration) {
    if (thread_sleep_until(clock_now() + duration) != ZX_OK)
        selftest_fail(__FILE__, __LINE__, "the sleep was cut short");
}

SELFTEST(timer, it_fires_once_and_not_early) {
    static struct test_timer test;
    for (unsigned i = 0; i < 10; i++) {
        arm(&test, clock_now() + (zx_duration_t)i * MILLISECOND / 4);
        EXPECT(counter_comes_to(&test.times, 1));
        EXPECT(test.fired_at >= test.deadline);
        EXPECT(!timer_cancel(&test.timer));
        EXPECT_EQUAL(test.times, 1);
    }
}

SELFTEST(timer, a_deadline_in_the_past_fires_at_once) {
    static struct test_timer test;
    arm(&test, 0);
    EXPECT(counter_comes_to(&test.times, 1));
    arm(&test, clock_now() - MILLISECOND);
    EXPECT(counter_comes_to(&test.times, 1));
}

/* The machine may stand still for longer than the timer takes: then it came too late. */
SELFTEST(timer, a_cancelled_timer_does_not_fire) {
    static struct test_timer test, later;
    bool was_stopped = false;
    for (unsigned i = 0; i < 50 && !was_stopped; i++) {
        arm(&test, clock_now() + 2 * MILLISECOND);
        arm(&later, clock_now() + 3 * MILLISECOND);
        was_stopped = timer_cancel(&test.timer);
        EXPECT(!timer_cancel(&test.timer));
        EXPECT(counter_comes_to(&later.times, 1));
        EXPECT_EQUAL(test.times, !was_stopped);
    }
    EXPECT(was_stopped);
    arm(&test, clock_now() + MILLISECOND); /* and can be used again */
    EXPECT(counter_comes_to(&test.times, 1));
    timer_init(&test.timer, fire);
    EXPECT(!timer_cancel(&test.timer)); /* one that never was armed */
}

SELFTEST(timer, an_infinite_deadline_never_comes) {
    static struct test_timer test;
    arm(&test, ZX_TIME_INFINITE);
    sleep_for(5 * MILLISECOND);
    EXPECT_EQUAL(test.times, 0);
    EXPECT(timer_cancel(&test.timer));
}

static struct test_timer many[MANY];

/* Armed in no order on one CPU; some are cancelled again. */
SELFTEST(timer, many_fire_in_the_order_of_their_deadlines) {
    uint32_t random = 5;
    stay_on_cpu(cpu_count() - 1);
    atomic_store(&fired_count, 0);
    zx_time_t start = clock_now() + 20 * MILLISECOND;
    for (unsigned i = 0; i < MANY; i++)
        arm(&many[i], start + (zx_duration_t)(random_next(&random) % 200) * MILLISECOND / 10);
    unsigned cancelled = 0;
    for (unsigned i = 0; i < MANY; i += 3)
        cancelled += timer_cancel(&many[i].timer);
    EXPECT(counter_comes_to(&fired_count, MANY - cancelled));
    sleep_for(MILLISECOND);
    EXPECT_EQUAL(atomic_load(&fired_count), MANY - cancelled);
    for (unsigned i = 0; i < MANY; i++) {
        EXPECT(many[i].times == 1 || i % 3 == 0);
        if (many[i].times == 0)
            continue;
        EXPECT(many[i].fired_at >= many[i].deadline);
        EXPECT_EQUAL(many[i].fired_on, cpu_number());
        for (unsigned j = 0; j < i; j++)
            if (many[j].times && many[j].deadline != many[i].deadline)
                EXPECT_EQUAL(many[j].order < many[i].order, many[j].deadline < many[i].deadline);
    }
    stay_anywhere();
}

/* --- cancelling while it fires elsewhere ------------------------------------------------------ */

static struct test_timer contested;
static _Atomic uint32_t is_callback_over; /* 2: and the owner says that none may run any more */
static _Atomic uint32_t late_calls;

static void fire_slowly(struct timer* timer) {
    (void)timer;
    if (atomic_load(&is_callback_over) == 2)
        atomic_fetch_add(&late_calls, 1);
    for (unsigned i = 0; i < 200; i++)
        cpu_relax();
    if (atomic_load(&is_callback_over) == 2)
        atomic_fetch_add(&late_calls, 1);
    atomic_store(&is_callback_over, 1);
}

/* Armed on one CPU and cancelled from another, before, while and after it fires: when the cancel
 * has returned, the callback neither runs nor will run, and it ran exactly when the cancel says
 * that it came too late. */
SELFTEST(timer, a_cancel_from_another_cpu_is_certain) {
    uint32_t random = 11;
    atomic_store(&late_calls, 0);
    for (unsigned i = 0; i < 300; i++) {
        stay_on_cpu(cpu_count() - 1);
        atomic_store(&is_callback_over, 0);
        timer_init(&contested.timer, fire_slowly);
        timer_arm(&contested.timer,
                  clock_now() + (zx_duration_t)(random_next(&random) % 40) * 1000);
        stay_on_cpu(0);
        for (unsigned wait = random_next(&random) % 2000; wait > 0; wait--)
            cpu_relax();
        bool was_stopped = timer_cancel(&contested.timer);
        EXPECT_EQUAL(atomic_exchange(&is_callback_over, 2), !was_stopped);
    }
    sleep_for(MILLISECOND);
    EXPECT_EQUAL(atomic_load(&late_calls), 0);
    stay_anywhere();
}

/* --- all CPUs --------------------------------------------------------------------------------- */

static void arm_and_cancel(void* cpu) {
    static struct test_timer all[CPU_MAX][16];
    struct test_timer* mine = all[(uintptr_t)cpu];
    uint32_t random = (uint32_t)(uintptr_t)cpu + 3;
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 16; i++)
            arm(&mine[i], clock_now() + (zx_duration_t)(random_next(&random) % 100) * 2000);
        if (round % 4 == 0)
            sleep_for(MILLISECOND / 10);
        for (unsigned i = 0; i < 16; i++) {
            bool was_stopped = timer_cancel(&mine[i].timer);
            EXPECT_EQUAL(atomic_load(&mine[i].times), !was_stopped);
        }
    }
}

SELFTEST(timer, all_cpus_arm_and_cancel) {
    EXPECT(run_on_all_cpus(arm_and_cancel));
}
