/* The cleaner: what is requested is done, in turn, from wherever it is requested; and programs go
 * on meanwhile. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <lock/spinlock.h>
#include <sched/cleaner.h>
#include <sched/thread.h>
#include <sched/timer.h>

#include "all_cpus.h"
#include "held_cleaner.h"
#include "selftest.h"

/* Cleanings exist for ever; so they are static. */
struct work {
    struct cleaning cleaning;
    _Atomic uint32_t left;   /* pieces to do */
    _Atomic uint32_t pieces; /* done so far */
};

static bool do_piece(struct cleaning* cleaning) {
    struct work* work = CONTAINER_OF(cleaning, struct work, cleaning);
    if (thread_current()->priority != THREAD_PRIORITY_SYSTEM)
        selftest_fail(__FILE__, __LINE__, "run by %s", thread_current()->name);
    lock_order_assert_none_held();
    if (atomic_load(&work->left) == 0)
        return false;
    atomic_fetch_add(&work->pieces, 1);
    return atomic_fetch_sub(&work->left, 1) > 1;
}

static struct work work = {.cleaning = CLEANING_INITIALIZER(do_piece)};

static void give_work(uint32_t pieces) {
    atomic_store(&work.pieces, 0);
    atomic_store(&work.left, pieces);
}

SELFTEST(cleaner, work_is_done_to_its_end_and_again_when_requested_again) {
    for (uint32_t pieces = 0; pieces < 20; pieces++) {
        give_work(pieces);
        cleaner_request(&work.cleaning);
        EXPECT(counter_comes_to(&work.pieces, pieces));
        EXPECT_EQUAL(atomic_load(&work.left), 0);
    }
    give_work(50);
    EXPECT_OK(cleaner_run_out(&work.cleaning));
    EXPECT_EQUAL(atomic_load(&work.pieces), 50);
}

SELFTEST(cleaner, many_requests_cost_one_look) {
    EXPECT_OK(cleaner_run_out(&work.cleaning));
    uint32_t rounds = atomic_load(&work.cleaning.rounds);
    EXPECT(cleaner_hold());
    for (int i = 0; i < 1000; i++)
        cleaner_request(&work.cleaning);
    cleaner_let_go();
    EXPECT_OK(cleaner_run_out(&work.cleaning));
    EXPECT(atomic_load(&work.cleaning.rounds) - rounds <= 3); /* cleaner_run_out needs two */
}

static void request_from_interrupt(struct timer* timer) {
    (void)timer;
    cleaner_request(&work.cleaning);
}

SELFTEST(cleaner, a_request_comes_from_an_interrupt) {
    static struct timer timer;
    for (uint32_t i = 1; i <= 20; i++) {
        give_work(i);
        timer_init(&timer, request_from_interrupt);
        timer_arm(&timer, clock_now());
        EXPECT(counter_comes_to(&work.pieces, i));
    }
}

/* --- turns ------------------------------------------------------------------------------------ */

#define TURNS 8u

static uint32_t order[2 * TURNS];
static uint32_t order_length;

static bool note_turn(struct cleaning* cleaning);
static struct cleaning turn_takers[2] = {CLEANING_INITIALIZER(note_turn),
                                         CLEANING_INITIALIZER(note_turn)};
static uint32_t turns_left[2];

static bool note_turn(struct cleaning* cleaning) {
    uint32_t number = (uint32_t)(cleaning - turn_takers);
    order[order_length++] = number;
    return --turns_left[number] > 0;
}

/* Both are requested by a third one, so that the cleaner finds them together. */
static bool request_both(struct cleaning* cleaning) {
    (void)cleaning;
    order_length = 0;
    turns_left[0] = turns_left[1] = TURNS;
    cleaner_request(&turn_takers[0]);
    cleaner_request(&turn_takers[1]);
    return false;
}

SELFTEST(cleaner, kinds_of_work_take_turns) {
    static struct cleaning starter = CLEANING_INITIALIZER(request_both);
    uint32_t rounds = atomic_load(&turn_takers[1].rounds);
    cleaner_request(&starter);
    EXPECT(counter_comes_to(&turn_takers[1].rounds, rounds + 1));
    EXPECT_EQUAL(order_length, 2 * TURNS);
    for (uint32_t i = 0; i < 2 * TURNS; i++)
        EXPECT_EQUAL(order[i], i % 2);
}

/* Work that requests itself while it runs is not lost, nor is it in the list twice. */
static _Atomic uint32_t repetitions;

static bool request_self(struct cleaning* cleaning) {
    uint32_t done = atomic_fetch_add(&repetitions, 1) + 1;
    if (done < 100)
        cleaner_request(cleaning);
    return done < 100 && done % 2 == 0;
}

SELFTEST(cleaner, work_may_request_itself) {
    static struct cleaning self = CLEANING_INITIALIZER(request_self);
    atomic_store(&repetitions, 0);
    cleaner_request(&self);
    EXPECT(counter_comes_to(&repetitions, 100));
    EXPECT_OK(cleaner_run_out(&work.cleaning));
    EXPECT_EQUAL(atomic_load(&repetitions), 100);
}

/* --- those who wait, and those who must go on ------------------------------------------------- */

static void request_often(void* cpu) {
    (void)cpu;
    for (uint32_t i = 0; i < 200; i++) {
        atomic_fetch_add(&work.left, 1);
        if (cleaner_run_out(&work.cleaning) != ZX_OK)
            selftest_fail(__FILE__, __LINE__, "not run out");
    }
}

SELFTEST(cleaner, all_cpus_wait_for_it) {
    give_work(0);
    EXPECT(run_on_all_cpus(request_often));
    EXPECT_EQUAL(atomic_load(&work.left), 0);
    EXPECT_EQUAL(atomic_load(&work.pieces), 200 * cpu_count());
}

#define GIVE_UP_NANOSECONDS 30000000000l

static _Atomic bool is_endless, has_given_up;
static _Atomic uint32_t endless_pieces;
static zx_time_t give_up;

static void begin_endless(void) {
    give_up = clock_now() + GIVE_UP_NANOSECONDS;
    atomic_store(&has_given_up, false);
    atomic_store(&is_endless, true);
}

/* It gives up by itself: if it leaves no time to others, nobody else can end it. */
static bool never_end(struct cleaning* cleaning) {
    (void)cleaning;
    if (clock_now() >= give_up && atomic_exchange(&is_endless, false))
        atomic_store(&has_given_up, true);
    for (volatile uint32_t i = 0; i < CLEANER_PIECE_INSTRUCTIONS / 4; i = i + 1)
        continue; /* a pause would hand an emulated CPU's turn on, each time */
    atomic_fetch_add(&endless_pieces, 1);
    return atomic_load(&is_endless);
}

static struct cleaning endless = CLEANING_INITIALIZER(never_end);

/* Less urgent than all others. The one on the cleaner's CPU would never come to its end if the
 * cleaner did not rest. */
static void outlast_endless_work(void* cpu) {
    (void)cpu;
    thread_set_priority(thread_current(), 0);
    uint32_t begin = atomic_load(&endless_pieces);
    while (atomic_load(&endless_pieces) - begin < 300 && clock_now() < give_up)
        cpu_relax();
    if (clock_now() >= give_up)
        atomic_store(&has_given_up, true);
}

SELFTEST(cleaner, work_without_end_leaves_time_to_all_others) {
    begin_endless();
    cleaner_request(&endless);
    bool is_done = run_on_all_cpus(outlast_endless_work);
    atomic_store(&is_endless, false);
    EXPECT(is_done && !atomic_load(&has_given_up));
    EXPECT_OK(cleaner_run_out(&endless));
}

static void wait_for_endless(void* status) {
    atomic_store((_Atomic uint32_t*)status, (uint32_t)cleaner_run_out(&endless));
}

SELFTEST(cleaner, a_kill_ends_the_wait_for_it) {
    static _Atomic uint32_t status;
    atomic_store(&status, 0);
    begin_endless();
    struct thread* thread =
        thread_create("waiter", wait_for_endless, (void*)&status, THREAD_PRIORITY_DEFAULT);
    bool is_made = thread != NULL;
    if (is_made) {
        thread_start(thread);
        thread_kill(thread);
        thread_join(thread);
        thread_release(thread);
    }
    atomic_store(&is_endless, false);
    EXPECT(is_made);
    EXPECT_EQUAL((int32_t)atomic_load(&status), ZX_ERR_CANCELED);
    EXPECT_OK(cleaner_run_out(&endless));
}
