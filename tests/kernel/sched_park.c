/* Parking: tokens, deadlines and kills, in every order. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/preempt.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "random.h"
#include "selftest.h"

#define MILLISECOND 1000000l

static void unpark(struct thread* thread) {
    preempt_disable();
    thread_unpark(thread);
    preempt_enable();
}

/* Every test begins without a token. */
static void forget_token(void) {
    while (thread_park(0) == ZX_OK)
        ;
}

SELFTEST(park, a_token_left_before_is_not_lost_and_counts_once) {
    forget_token();
    unpark(thread_current());
    unpark(thread_current());
    EXPECT_OK(thread_park(ZX_TIME_INFINITE));
    EXPECT_EQUAL(thread_park(0), ZX_ERR_TIMED_OUT);
    unpark(thread_current());
    EXPECT_OK(thread_park(0)); /* even if the deadline has passed */
}

SELFTEST(park, a_deadline_ends_it_and_not_early) {
    forget_token();
    EXPECT_EQUAL(thread_park(0), ZX_ERR_TIMED_OUT);
    EXPECT_EQUAL(thread_park(clock_now() - 1), ZX_ERR_TIMED_OUT);
    for (unsigned i = 1; i < 8; i++) {
        zx_time_t deadline = clock_now() + (zx_duration_t)i * MILLISECOND / 3;
        EXPECT_EQUAL(thread_park(deadline), ZX_ERR_TIMED_OUT);
        EXPECT(clock_now() >= deadline);
    }
    EXPECT_OK(thread_sleep_until(0));
    zx_time_t deadline = clock_now() + MILLISECOND;
    unpark(thread_current()); /* a sleep is not cut short by a token */
    EXPECT_OK(thread_sleep_until(deadline));
    EXPECT(clock_now() >= deadline);
}

/* --- in a thread of its own ------------------------------------------------------------------- */

struct parker {
    zx_time_t deadline;
    bool is_uninterruptible;
    zx_status_t status;
    _Atomic uint32_t stage; /* 1: about to park; 2: done */
    struct thread* thread;
};

static void park_once(void* argument) {
    struct parker* parker = argument;
    atomic_store(&parker->stage, 1);
    if (parker->is_uninterruptible)
        thread_park_uninterruptible();
    else
        parker->status = thread_park(parker->deadline);
    atomic_store(&parker->stage, 2);
}

static bool begin(struct parker* parker) {
    parker->thread = thread_create("parker", park_once, parker, THREAD_PRIORITY_DEFAULT);
    if (!parker->thread)
        return false;
    thread_start(parker->thread);
    return true;
}

static void end(const struct parker* parker) {
    thread_join(parker->thread);
    thread_release(parker->thread);
}

static bool is_blocked(const struct thread* thread) {
    return __atomic_load_n(&thread->state, __ATOMIC_SEQ_CST) == THREAD_BLOCKED;
}

static void until_blocked(const struct parker* parker) {
    while (!is_blocked(parker->thread))
        thread_yield();
}

/* Whether the kill comes before the thread first runs, on its way or while it is parked. */
SELFTEST(park, a_kill_ends_it_whenever_it_comes) {
    for (unsigned i = 0; i < 60; i++) {
        struct parker parker = {
            .deadline = i % 2 ? ZX_TIME_INFINITE : clock_now() + 1000 * 1000 * MILLISECOND,
        };
        EXPECT(begin(&parker));
        if (i % 3 == 1)
            until_blocked(&parker);
        else if (i % 3 == 2)
            thread_yield();
        thread_kill(parker.thread);
        end(&parker);
        EXPECT_EQUAL(parker.status, ZX_ERR_CANCELED);
    }
}

SELFTEST(park, a_token_comes_before_a_kill) {
    for (unsigned i = 0; i < 20; i++) {
        struct parker parker = {.deadline = ZX_TIME_INFINITE};
        parker.thread = thread_create("parker", park_once, &parker, THREAD_PRIORITY_DEFAULT);
        EXPECT(parker.thread != NULL);
        unpark(parker.thread);
        thread_kill(parker.thread);
        thread_start(parker.thread);
        end(&parker);
        EXPECT_OK(parker.status);
    }
}

SELFTEST(park, an_uninterruptible_one_is_ended_by_a_token_only) {
    struct parker parker = {.is_uninterruptible = true};
    EXPECT(begin(&parker));
    until_blocked(&parker);
    thread_kill(parker.thread);
    EXPECT_OK(thread_sleep_until(clock_now() + 2 * MILLISECOND));
    EXPECT_EQUAL(atomic_load(&parker.stage), 1);
    EXPECT(is_blocked(parker.thread));
    unpark(parker.thread);
    end(&parker);
    EXPECT_EQUAL(atomic_load(&parker.stage), 2);
}

/* --- handing over ----------------------------------------------------------------------------- */

struct alarm {
    struct timer timer;
    struct thread* thread;
    _Atomic uint32_t has_rung;
};

static void ring(struct timer* timer) {
    struct alarm* alarm = CONTAINER_OF(timer, struct alarm, timer);
    thread_unpark(alarm->thread);
    atomic_store(&alarm->has_rung, 1);
}

/* The handler of an interrupt unparks one thread while this one hands over to another one. */
SELFTEST(park, whom_an_interrupt_unparks_is_nobodys_successor) {
    struct parker woken = {.deadline = ZX_TIME_INFINITE}, meant = {.deadline = ZX_TIME_INFINITE};
    struct alarm alarm = {.has_rung = 0};
    stay_on_cpu(0);
    EXPECT(begin(&woken) && begin(&meant));
    until_blocked(&woken);
    until_blocked(&meant);
    EXPECT_OK(thread_set_affinity(woken.thread, 1));
    EXPECT_OK(thread_set_affinity(meant.thread, 1));
    alarm.thread = woken.thread;
    timer_init(&alarm.timer, ring);

    preempt_disable();
    thread_hand_over_begin();
    timer_arm(&alarm.timer, clock_now() + MILLISECOND);
    while (!atomic_load(&alarm.has_rung))
        cpu_relax();
    const struct thread* after_interrupt = thread_current()->successor;
    bool is_handing_over = thread_current()->is_handing_over;
    enum thread_state state = woken.thread->state;
    thread_unpark(meant.thread);
    const struct thread* successor = thread_current()->successor;
    preempt_enable();
    thread_hand_over_end();
    timer_cancel(&alarm.timer);
    end(&woken);
    end(&meant);
    EXPECT(after_interrupt == NULL);
    EXPECT_EQUAL(state, THREAD_READY);
    EXPECT(is_handing_over);
    EXPECT(successor == meant.thread);
    EXPECT_OK(woken.status);
    EXPECT_OK(meant.status);
    stay_anywhere();
}

static void do_nothing(void* unused) {
    (void)unused;
}

static void join(void* thread) {
    thread_join(thread);
}

/* A thread that hands over is preempted by one that dies. The cleaner buries that one and wakes the
 * joiner, which is nobody's successor. */
SELFTEST(park, who_joined_a_dead_thread_is_nobodys_successor) {
    stay_on_cpu(0);
    struct thread* dying = thread_create("dying", do_nothing, NULL, THREAD_PRIORITY_DEFAULT + 1);
    struct thread* joining = thread_create("joining", join, dying, THREAD_PRIORITY_DEFAULT);
    EXPECT(dying && joining);
    EXPECT_OK(thread_set_affinity(dying, 1));
    EXPECT_OK(thread_set_affinity(joining, 1));
    thread_start(joining);
    while (!is_blocked(joining))
        thread_yield();
    thread_hand_over_begin();
    thread_start(dying);
    const struct thread* successor = thread_current()->successor;
    bool is_handing_over = thread_current()->is_handing_over;
    thread_hand_over_end();
    thread_join(joining);
    thread_release(dying);
    thread_release(joining);
    EXPECT(successor == NULL);
    EXPECT(is_handing_over);
    stay_anywhere();
}

/* --- races ------------------------------------------------------------------------------------ */

#define TURNS 1000u

struct player {
    struct player* other;
    struct thread* thread;
    _Atomic uint32_t turns; /* how often it was its turn */
    uint32_t random;
    bool has_failed;
};

/* Two threads take turns; deadlines that come now and then must not eat tokens, and no token may be
 * lost. */
static void take_turns(void* argument) {
    struct player* player = argument;
    for (uint32_t turn = 0; turn < TURNS && !player->has_failed; turn++) {
        zx_time_t give_up = clock_now() + 30000 * MILLISECOND;
        while (atomic_load(&player->turns) <= turn) {
            unsigned kind = random_next(&player->random) % 8;
            zx_time_t deadline = kind == 0   ? clock_now() + random_next(&player->random) % 20000
                                 : kind == 1 ? 0
                                             : give_up;
            if (thread_park(deadline) == ZX_ERR_TIMED_OUT && clock_now() >= give_up) {
                player->has_failed = true;
                break;
            }
        }
        atomic_fetch_add(&player->other->turns, 1);
        unpark(player->other->thread);
    }
}

/* On two CPUs, and on one. */
static void play(uint32_t cpu0, uint32_t cpu1) {
    static struct player players[2];
    for (unsigned i = 0; i < 2; i++) {
        players[i] = (struct player){.other = &players[1 - i], .random = i + 1};
        players[i].thread =
            thread_create("player", take_turns, &players[i], THREAD_PRIORITY_DEFAULT);
        EXPECT(players[i].thread != NULL);
        EXPECT_OK(thread_set_affinity(players[i].thread, 1u << (i ? cpu1 : cpu0)));
    }
    atomic_store(&players[0].turns, 1);
    for (unsigned i = 0; i < 2; i++)
        thread_start(players[i].thread);
    for (unsigned i = 0; i < 2; i++)
        thread_join(players[i].thread);
    for (unsigned i = 0; i < 2; i++) { /* the last unpark may be of a thread that ended */
        thread_release(players[i].thread);
        EXPECT(!players[i].has_failed);
    }
    EXPECT_EQUAL(players[1].turns, TURNS);
}

SELFTEST(park, no_token_is_lost_between_two_cpus) {
    play(0, cpu_count() - 1);
}

SELFTEST(park, no_token_is_lost_on_one_cpu) {
    play(0, 0);
}
