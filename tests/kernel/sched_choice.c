/* Who runs: priorities, turns, preemption, affinity and stealing. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/preempt.h>
#include <arch/turns.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define MILLISECOND 1000000l
#define URGENT (THREAD_PRIORITY_DEFAULT + 4)
#define SELDOM (THREAD_PRIORITY_DEFAULT - 4)
#define THREADS 6u

struct worker {
    struct thread* thread;
    uint32_t order;           /* of its end */
    _Atomic uint32_t steps;   /* how far it got */
    _Atomic uint32_t is_over; /* it shall end, or has ended */
    uint32_t ran_on;          /* the CPU of its last step */
};

static struct worker workers[THREADS];
static _Atomic uint32_t ended;

/* Ready on CPU 0, where the caller is, and cannot run before the caller lets it. */
static bool prepare(struct worker* worker, void (*run)(void*), uint32_t priority, uint32_t cpus) {
    *worker = (struct worker){0};
    worker->thread = thread_create("worker", run, worker, priority);
    return worker->thread && thread_set_affinity(worker->thread, cpus) == ZX_OK;
}

static void bury(struct worker* worker) {
    thread_join(worker->thread);
    thread_release(worker->thread);
}

static void note_end(void* argument) {
    struct worker* worker = argument;
    worker->order = atomic_fetch_add(&ended, 1);
    worker->ran_on = cpu_number();
}

static void note_turn(void* argument) {
    note_end(argument);
    while (thread_park(ZX_TIME_INFINITE) != ZX_ERR_CANCELED)
        ;
}

/* Started from the least to the most urgent, while the caller is more urgent than all. They run
 * when it becomes the least urgent. None dies meanwhile: the cleaner would come to bury it, and
 * take its turn from another one. */
SELFTEST(sched, the_most_urgent_runs_first_and_equals_in_turn) {
    static const uint32_t priorities[THREADS] = {0, 5, 20, 20, 7, 30};
    static const uint32_t expected[THREADS] = {5, 4, 1, 2, 3, 0};
    stay_on_cpu(0);
    thread_bury_all();
    thread_set_priority(thread_current(), THREAD_PRIORITY_USER_MAX);
    atomic_store(&ended, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT(prepare(&workers[i], note_turn, priorities[i], 1));
        thread_start(workers[i].thread);
    }
    EXPECT_EQUAL(atomic_load(&ended), 0);
    thread_set_priority(thread_current(), 0);
    thread_yield(); /* the last one is an equal, and its slice may end early */
    EXPECT_EQUAL(atomic_load(&ended), THREADS);
    thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
    for (unsigned i = 0; i < THREADS; i++) {
        thread_kill(workers[i].thread);
        bury(&workers[i]);
        EXPECT_EQUAL(workers[i].order, expected[i]);
    }
    stay_anywhere();
}

SELFTEST(sched, a_thread_that_becomes_more_urgent_runs_at_once) {
    stay_on_cpu(0);
    atomic_store(&ended, 0);
    EXPECT(prepare(&workers[0], note_end, SELDOM, 1));
    EXPECT(prepare(&workers[1], note_end, URGENT, 1));
    thread_start(workers[0].thread);
    EXPECT_EQUAL(atomic_load(&ended), 0);
    thread_set_priority(workers[0].thread, URGENT);
    EXPECT_EQUAL(atomic_load(&ended), 1);
    thread_start(workers[1].thread);
    EXPECT_EQUAL(atomic_load(&ended), 2);
    EXPECT(prepare(&workers[2], note_end, SELDOM + 1, 1)); /* the cleaner lets equals go first */
    thread_start(workers[2].thread);
    EXPECT_EQUAL(atomic_load(&ended), 2);
    thread_set_priority(thread_current(), SELDOM); /* outranked by one that waits */
    EXPECT_EQUAL(atomic_load(&ended), 3);
    thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
    for (unsigned i = 0; i < 3; i++)
        bury(&workers[i]);
    stay_anywhere();
}

/* --- busy threads ----------------------------------------------------------------------------- */

/* Never gives the CPU away by itself. */
static void be_busy(void* argument) {
    struct worker* worker = argument;
    while (!atomic_load(&worker->is_over)) {
        worker->ran_on = cpu_number();
        atomic_fetch_add(&worker->steps, 1); /* makes visible where the step was made */
        cpu_relax();
    }
}

static bool all_have_run(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&workers[i].steps) == 0)
            return false;
    return true;
}

static void end_busy(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        atomic_store(&workers[i].is_over, 1);
    for (unsigned i = 0; i < count; i++)
        bury(&workers[i]);
}

/* More urgent than those it watches. */
static bool will_all_run(unsigned count) {
    zx_time_t give_up = clock_now() + 30000 * MILLISECOND;
    while (!all_have_run(count) && clock_now() < give_up)
        if (thread_sleep_until(clock_now() + MILLISECOND) != ZX_OK)
            return false;
    return all_have_run(count);
}

SELFTEST(sched, busy_threads_of_one_cpu_share_it) {
    stay_on_cpu(0);
    thread_set_priority(thread_current(), URGENT);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(prepare(&workers[i], be_busy, THREAD_PRIORITY_DEFAULT, 1));
        thread_start(workers[i].thread);
    }
    bool have_run = will_all_run(3);
    for (unsigned i = 0; i < 3; i++)
        atomic_store(&workers[i].steps, 0);
    have_run = have_run && will_all_run(3); /* and each comes again */
    end_busy(3);
    thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
    EXPECT(have_run);
    stay_anywhere();
}

/* They did not take turns while one was more urgent; the caller is on another CPU, if there is one,
 * and lets both alone. */
SELFTEST(sched, a_busy_thread_that_becomes_less_urgent_shares_its_cpu) {
    uint32_t last = cpu_count() - 1;
    stay_on_cpu(0);
    thread_set_priority(thread_current(), THREAD_PRIORITY_USER_MAX);
    EXPECT(prepare(&workers[0], be_busy, URGENT, 1u << last));
    EXPECT(prepare(&workers[1], be_busy, SELDOM, 1u << last));
    thread_start(workers[0].thread);
    bool have_run = will_all_run(1);
    thread_start(workers[1].thread);
    EXPECT_OK(thread_sleep_until(clock_now() + 30 * MILLISECOND));
    EXPECT_EQUAL(atomic_load(&workers[1].steps), 0);
    thread_set_priority(workers[0].thread, SELDOM);
    have_run = have_run && will_all_run(2);
    end_busy(2);
    thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
    EXPECT(have_run);
    stay_anywhere();
}

/* The sleeper is woken by its timer in the middle of the busy one, each time. */
SELFTEST(sched, a_busy_thread_is_preempted_by_a_more_urgent_one) {
    stay_on_cpu(0);
    EXPECT(prepare(&workers[0], be_busy, SELDOM, 1));
    thread_start(workers[0].thread);
    for (unsigned i = 0; i < 5; i++)
        EXPECT_OK(thread_sleep_until(clock_now() + MILLISECOND));
    bool has_run = atomic_load(&workers[0].steps) > 0;
    end_busy(1);
    EXPECT(has_run);
    stay_anywhere();
}

/* --- several CPUs ----------------------------------------------------------------------------- */

/* Running, ready and blocked threads go where they are sent. */
SELFTEST(sched, a_thread_moves_to_the_cpu_it_is_bound_to) {
    uint32_t last = cpu_count() - 1;
    stay_on_cpu(0);
    thread_set_priority(thread_current(), URGENT);
    EXPECT(prepare(&workers[0], be_busy, THREAD_PRIORITY_DEFAULT, 1));
    EXPECT(prepare(&workers[1], be_busy, THREAD_PRIORITY_DEFAULT, 1));
    thread_start(workers[0].thread);
    thread_start(workers[1].thread);
    bool have_run = will_all_run(2);
    for (unsigned round = 0; round < 10 && have_run; round++) {
        uint32_t cpu = round % 2 ? 0 : last;
        for (unsigned i = 0; i < 2; i++)
            EXPECT_OK(thread_set_affinity(workers[i].thread, 1u << cpu));
        for (unsigned i = 0; i < 2; i++) {
            zx_time_t give_up = clock_now() + 30000 * MILLISECOND;
            do {
                atomic_store(&workers[i].steps, 0);
                have_run = will_all_run(2) && clock_now() < give_up;
            } while (have_run && workers[i].ran_on != cpu);
        }
    }
    end_busy(2);
    thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
    EXPECT(have_run);
    stay_anywhere();
}

static void park_and_go_to_cpu_1(void* argument) {
    struct worker* worker = argument;
    if (thread_park(ZX_TIME_INFINITE) != ZX_OK)
        return;
    while (cpu_number() != 1 && !atomic_load(&worker->is_over))
        cpu_relax();
    worker->ran_on = cpu_number();
    atomic_store(&worker->steps, 1);
}

/* Keeps CPU 0 to itself until the other one has arrived. */
static void watch_arrival(void* argument) {
    const struct worker* arriving = &workers[0];
    struct worker* worker = argument;
    zx_time_t give_up = clock_now() + 10000 * MILLISECOND;
    while (!atomic_load(&arriving->steps) && clock_now() < give_up)
        cpu_relax();
    atomic_store(&worker->steps, atomic_load(&arriving->steps));
}

/* The successor is claimed, and then bound to another CPU; and somebody more urgent is ready. */
SELFTEST(sched, a_successor_that_may_not_run_here_any_more_runs_elsewhere) {
    if (cpu_count() < 2)
        return;
    stay_on_cpu(0);
    EXPECT(prepare(&workers[0], park_and_go_to_cpu_1, THREAD_PRIORITY_DEFAULT, 1));
    EXPECT(prepare(&workers[1], watch_arrival, URGENT, 1));
    thread_start(workers[0].thread);
    EXPECT_OK(thread_sleep_until(clock_now() + MILLISECOND));
    preempt_disable();
    thread_start(workers[1].thread);
    thread_hand_over_begin();
    thread_unpark(workers[0].thread);
    zx_status_t status = thread_set_affinity(workers[0].thread, 1u << 1);
    preempt_enable();
    thread_hand_over_end();
    atomic_store(&workers[0].is_over, 1);
    bury(&workers[0]);
    bury(&workers[1]);
    EXPECT_OK(status);
    EXPECT_EQUAL(atomic_load(&workers[1].steps), 1);
    EXPECT_EQUAL(workers[0].ran_on, 1);
    stay_anywhere();
}

/* All are made ready on CPU 0, which is never idle: the others come and take them. */
SELFTEST(sched, idle_cpus_take_work_from_a_busy_one) {
    uint32_t everywhere = (uint32_t)((1ul << cpu_count()) - 1);
    stay_on_cpu(0);
    for (unsigned i = 0; i < cpu_count() - 1 && i < THREADS; i++) {
        EXPECT(prepare(&workers[i], be_busy, SELDOM, everywhere));
        thread_start(workers[i].thread);
    }
    /* The caller keeps CPU 0 to itself, so they run elsewhere or not at all. */
    unsigned count = MIN(cpu_count() - 1, THREADS);
    zx_time_t give_up = clock_now() + 30000 * MILLISECOND;
    while (!all_have_run(count) && clock_now() < give_up)
        cpu_relax();
    bool have_run = all_have_run(count);
    end_busy(count);
    EXPECT(have_run);
    for (unsigned i = 0; i < count; i++)
        EXPECT(workers[i].ran_on != 0);
    stay_anywhere();
}

/* --- threads that only CPU 0 may run, before others ------------------------------------------- */

#define MANY_PINNED 300u /* more than an idle CPU looks at in one piece */

static struct thread* pinned[MANY_PINNED];
static _Atomic uint32_t pinned_are_over;
static zx_time_t pinned_give_up; /* they would keep a less urgent thread from running for ever */

static void wait_for_the_end(void* unused) {
    (void)unused;
    while (!atomic_load(&pinned_are_over) && clock_now() < pinned_give_up)
        thread_yield();
}

/* They are ready on CPU 0, in this order, until the caller, who is more urgent, leaves it. */
static bool start_pinned(unsigned count) {
    atomic_store(&pinned_are_over, 0);
    pinned_give_up = clock_now() + 30000 * MILLISECOND;
    for (unsigned i = 0; i < count; i++) {
        pinned[i] = thread_create("pinned", wait_for_the_end, NULL, SELDOM);
        if (!pinned[i] || thread_set_affinity(pinned[i], 1) != ZX_OK)
            return false;
        thread_start(pinned[i]);
    }
    return true;
}

static void end_pinned(unsigned count) {
    atomic_store(&pinned_are_over, 1);
    for (unsigned i = 0; i < count; i++) {
        thread_join(pinned[i]);
        thread_release(pinned[i]);
    }
}

static bool all_have_run_elsewhere(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (atomic_load(&workers[i].steps) == 0 || workers[i].ran_on == 0)
            return false;
    return true;
}

/* The caller keeps CPU 0. */
static bool all_will_run_elsewhere(unsigned count) {
    zx_time_t give_up = clock_now() + 10000 * MILLISECOND;
    while (!all_have_run_elsewhere(count) && clock_now() < give_up)
        cpu_relax();
    return all_have_run_elsewhere(count);
}

/* As many as there are idle CPUs; `priority` is that of the pinned, or a more seldom one. */
static void expect_help_behind(unsigned pinned_count, uint32_t priority) {
    unsigned count = MIN(cpu_count() - 1, THREADS);
    stay_on_cpu(0);
    EXPECT_OK(thread_sleep_until(clock_now() + MILLISECOND)); /* the others are idle */
    EXPECT(start_pinned(pinned_count));
    for (unsigned i = 0; i < count; i++) {
        EXPECT(prepare(&workers[i], be_busy, priority, UINT32_MAX));
        thread_start(workers[i].thread);
    }
    bool have_run = all_will_run_elsewhere(count);
    end_pinned(pinned_count);
    end_busy(count);
    EXPECT(have_run);
    stay_anywhere();
}

SELFTEST(sched, an_idle_cpu_helps_a_thread_behind_one_that_is_pinned) {
    expect_help_behind(1, SELDOM);
    expect_help_behind(1, SELDOM - 1);
}

SELFTEST(sched, an_idle_cpu_helps_a_thread_behind_many_that_are_pinned) {
    expect_help_behind(MANY_PINNED, SELDOM);
    expect_help_behind(MANY_PINNED, SELDOM - 1);
}

/* CPU 0 takes its turns meanwhile, so that it meets the bookmarks of the CPUs that look. */
SELFTEST(sched, a_cpu_that_runs_on_is_looked_through) {
    unsigned count = MIN(cpu_count() - 1, THREADS), on_cpu_0 = 0;
    stay_on_cpu(0);
    EXPECT(start_pinned(MANY_PINNED));
    thread_set_priority(thread_current(), SELDOM);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < count; i++) {
            EXPECT(prepare(&workers[i], note_end, SELDOM - 1, UINT32_MAX));
            thread_start(workers[i].thread);
        }
        for (unsigned i = 0; i < count; i++) {
            bury(&workers[i]);
            on_cpu_0 += workers[i].ran_on == 0;
        }
    }
    thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
    end_pinned(MANY_PINNED);
    stay_anywhere();
    EXPECT_EQUAL(on_cpu_0, 0);
}

static void run_until_over(void* argument) {
    struct worker* worker = argument;
    while (!atomic_load(&worker->is_over))
        cpu_relax();
}

/* From another CPU than theirs, one right after the other; then it keeps that CPU. */
static void start_all_and_stay(void* argument) {
    struct worker* worker = argument;
    for (unsigned i = 0; i < cpu_count() - 2; i++)
        thread_start(workers[i].thread);
    run_until_over(worker);
}

SELFTEST(sched, idle_cpus_that_are_called_at_once_for_several_threads_all_come) {
    if (cpu_count() < 3)
        return;
    static struct worker starter;
    unsigned count = MIN(cpu_count() - 2, THREADS);
    stay_on_cpu(0);
    for (unsigned i = 0; i < count; i++)
        EXPECT(prepare(&workers[i], be_busy, SELDOM, UINT32_MAX));
    EXPECT(prepare(&starter, start_all_and_stay, THREAD_PRIORITY_DEFAULT, 1u << 1));
    thread_start(starter.thread);
    bool have_run = all_will_run_elsewhere(count);
    atomic_store(&starter.is_over, 1);
    bury(&starter);
    end_busy(count);
    EXPECT(have_run);
    stay_anywhere();
}

static void yield_about(void* unused) {
    (void)unused;
    for (unsigned i = 0; i < 400; i++) {
        thread_yield();
        if (i % 8 == 0)
            stay_on_cpu(i / 8 % cpu_count());
        if (i % 64 == 0)
            EXPECT_OK(thread_sleep_until(clock_now() + MILLISECOND / 10));
    }
}

SELFTEST(sched, threads_that_wander_between_all_cpus_arrive) {
    EXPECT(run_on_all_cpus(yield_about));
}

/* Each of two threads makes the other its successor and waits, now and then in vain. */
static void hand_over_until_over(void* argument) {
    struct worker* worker = argument;
    struct worker* other = worker == &workers[0] ? &workers[1] : &workers[0];
    while (!atomic_load(&worker->is_over)) {
        thread_hand_over_begin();
        preempt_disable();
        thread_unpark(other->thread);
        preempt_enable();
        zx_status_t status = thread_park(clock_now() + MILLISECOND / 10);
        thread_hand_over_end();
        if (status == ZX_OK)
            atomic_fetch_add(&worker->steps, 1);
    }
}

/* They are claimed, moved and queued by one another while they get other priorities and CPUs. */
SELFTEST(sched, threads_that_hand_over_may_change_priority_and_cpu) {
    uint32_t everywhere = (uint32_t)((1ul << cpu_count()) - 1), random = 17;
    for (unsigned i = 0; i < 2; i++)
        EXPECT(prepare(&workers[i], hand_over_until_over, SELDOM, everywhere));
    for (unsigned i = 0; i < 2; i++)
        thread_start(workers[i].thread);
    for (unsigned round = 0; round < 4000; round++) {
        struct thread* thread = workers[random_next(&random) % 2].thread;
        uint32_t cpus = random_next(&random) & everywhere;
        thread_set_priority(thread, SELDOM + random_next(&random) % 3);
        EXPECT_OK(thread_set_affinity(thread, cpus ? cpus : everywhere));
        if (round % 16 == 0)
            EXPECT_OK(thread_sleep_until(clock_now() + MILLISECOND / 20));
    }
    bool have_run = will_all_run(2);
    end_busy(2);
    EXPECT(have_run);
}

static uint64_t interrupts_so_far(void) {
    uint64_t interrupts = 0;
    for (uint32_t i = 0; i < cpu_count(); i++)
        interrupts += cpu_by_number(i)->statistics_interrupts;
    return interrupts;
}

/* Several ready threads wait at each CPU: now and then a slice ends, and that is all. */
SELFTEST(sched, busy_cpus_do_not_go_on_calling_for_help) {
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT(prepare(&workers[i], run_until_over, THREAD_PRIORITY_DEFAULT, UINT32_MAX));
        thread_start(workers[i].thread);
    }
    EXPECT_OK(thread_sleep_until(clock_now() + 30 * MILLISECOND));
    zx_time_t start = clock_now();
    uint64_t before = interrupts_so_far();
    EXPECT_OK(thread_sleep_until(start + 60 * MILLISECOND));
    uint64_t interrupts = interrupts_so_far() - before;
    uint64_t elapsed = (uint64_t)((clock_now() - start) / MILLISECOND);
    for (unsigned i = 0; i < THREADS; i++)
        atomic_store(&workers[i].is_over, 1);
    for (unsigned i = 0; i < THREADS; i++)
        bury(&workers[i]);
    /* The mode of arch/turns.h has timers of its own. */
    EXPECT(turns_are_on || interrupts < cpu_count() * (2 * elapsed + 50));
}
