/* Wait queues and mutexes. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>
#include <sched/mutex.h>
#include <sched/wait_queue.h>

#include "all_cpus.h"
#include "selftest.h"

#define MILLISECOND 1000000l
#define WAITERS 5u

static struct wait_queue queue;

struct waiter_thread {
    _Atomic uint32_t is_true; /* its condition */
    _Atomic uint32_t is_over;
    uint32_t order;
    zx_status_t status;
    zx_time_t deadline;
    struct thread* thread;
};

static _Atomic uint32_t woken;

static bool is_set(void* flag) {
    return atomic_load((_Atomic uint32_t*)flag);
}

static void wait_for_flag(void* argument) {
    struct waiter_thread* waiter = argument;
    waiter->status = wait_queue_wait(&queue, is_set, &waiter->is_true, waiter->deadline);
    waiter->order = atomic_fetch_add(&woken, 1);
    atomic_store(&waiter->is_over, 1);
}

static bool begin(struct waiter_thread* waiter, zx_time_t deadline) {
    *waiter = (struct waiter_thread){.deadline = deadline};
    waiter->thread = thread_create("waiter", wait_for_flag, waiter, THREAD_PRIORITY_DEFAULT);
    if (!waiter->thread)
        return false;
    thread_start(waiter->thread);
    while (__atomic_load_n(&waiter->thread->state, __ATOMIC_SEQ_CST) != THREAD_BLOCKED &&
           !atomic_load(&waiter->is_over))
        thread_yield();
    return true;
}

static void end(const struct waiter_thread* waiter) {
    thread_join(waiter->thread);
    thread_release(waiter->thread);
}

SELFTEST(wait_queue, a_condition_that_holds_is_not_waited_for) {
    _Atomic uint32_t flag = 1;
    wait_queue_init(&queue);
    EXPECT_OK(wait_queue_wait(&queue, is_set, &flag, 0));
    EXPECT_OK(wait_queue_wait(&queue, is_set, &flag, ZX_TIME_INFINITE));
    flag = 0;
    EXPECT_EQUAL(wait_queue_wait(&queue, is_set, &flag, 0), ZX_ERR_TIMED_OUT);
    EXPECT(list_is_empty(&queue.waiters));
}

SELFTEST(wait_queue, a_deadline_ends_it_and_leaves_no_waiter) {
    _Atomic uint32_t flag = 0;
    wait_queue_init(&queue);
    zx_time_t deadline = clock_now() + 2 * MILLISECOND;
    EXPECT_EQUAL(wait_queue_wait(&queue, is_set, &flag, deadline), ZX_ERR_TIMED_OUT);
    EXPECT(clock_now() >= deadline);
    EXPECT(list_is_empty(&queue.waiters));
}

SELFTEST(wait_queue, a_kill_ends_it_and_leaves_no_waiter) {
    struct waiter_thread waiter;
    wait_queue_init(&queue);
    EXPECT(begin(&waiter, ZX_TIME_INFINITE));
    EXPECT(!list_is_empty(&queue.waiters));
    thread_kill(waiter.thread);
    end(&waiter);
    EXPECT_EQUAL(waiter.status, ZX_ERR_CANCELED);
    EXPECT(list_is_empty(&queue.waiters));
}

/* A thread that is woken without its condition waits on, behind the others. */
SELFTEST(wait_queue, waiters_are_woken_one_by_one_in_order_of_arrival) {
    static struct waiter_thread waiters[WAITERS];
    wait_queue_init(&queue);
    atomic_store(&woken, 0);
    for (unsigned i = 0; i < WAITERS; i++)
        EXPECT(begin(&waiters[i], ZX_TIME_INFINITE));
    for (unsigned i = 0; i < WAITERS; i++)
        atomic_store(&waiters[i].is_true, 1);
    for (unsigned i = 0; i < WAITERS; i++) {
        EXPECT_EQUAL(atomic_load(&woken), i);
        wait_queue_wake(&queue, 1);
        EXPECT(counter_comes_to(&woken, i + 1));
        EXPECT_EQUAL(waiters[i].order, i);
    }
    wait_queue_wake(&queue, 1); /* nobody is there */
    for (unsigned i = 0; i < WAITERS; i++) {
        end(&waiters[i]);
        EXPECT_OK(waiters[i].status);
    }
}

SELFTEST(wait_queue, those_whose_condition_does_not_hold_wait_on) {
    static struct waiter_thread waiters[WAITERS];
    wait_queue_init(&queue);
    atomic_store(&woken, 0);
    for (unsigned i = 0; i < WAITERS; i++)
        EXPECT(begin(&waiters[i], ZX_TIME_INFINITE));
    atomic_store(&waiters[1].is_true, 1);
    atomic_store(&waiters[3].is_true, 1);
    wait_queue_wake(&queue, WAKE_ALL);
    EXPECT(counter_comes_to(&woken, 2));
    EXPECT_OK(thread_sleep_until(clock_now() + MILLISECOND));
    EXPECT_EQUAL(atomic_load(&woken), 2);
    for (unsigned i = 0; i < WAITERS; i++)
        atomic_store(&waiters[i].is_true, 1);
    wait_queue_wake(&queue, WAKE_ALL);
    for (unsigned i = 0; i < WAITERS; i++) {
        end(&waiters[i]);
        EXPECT_OK(waiters[i].status);
    }
    EXPECT(list_is_empty(&queue.waiters));
}

/* --- mutex ------------------------------------------------------------------------------------ */

static struct mutex mutex;
static uint32_t guarded[4]; /* all the same while the mutex is free */

static void count_under_mutex(void* unused) {
    (void)unused;
    for (unsigned i = 0; i < 1500; i++) {
        EXPECT_OK(mutex_lock(&mutex));
        for (unsigned j = 0; j < 4; j++) {
            EXPECT_EQUAL(guarded[j], guarded[3]);
            if (i % 16 == j)
                thread_yield(); /* others come and must wait */
        }
        for (unsigned j = 0; j < 4; j++)
            guarded[j]++;
        mutex_unlock(&mutex);
    }
}

SELFTEST(mutex, one_thread_at_a_time_has_it) {
    mutex_init(&mutex);
    for (unsigned j = 0; j < 4; j++)
        guarded[j] = 0;
    EXPECT(run_on_all_cpus(count_under_mutex));
    for (unsigned j = 0; j < 4; j++)
        EXPECT_EQUAL(guarded[j], 1500 * cpu_count());
    EXPECT(mutex.holder == NULL);
}

static struct waiter_thread lockers[WAITERS];

static void lock_once(void* argument) {
    struct waiter_thread* locker = argument;
    locker->status = mutex_lock(&mutex);
    locker->order = atomic_fetch_add(&woken, 1);
    if (locker->status == ZX_OK)
        mutex_unlock(&mutex);
}

/* The third is killed while it waits: it leaves at once, and the others keep their order. */
SELFTEST(mutex, it_is_handed_over_in_order_of_arrival_but_not_to_the_killed) {
    mutex_init(&mutex);
    atomic_store(&woken, 0);
    EXPECT_OK(mutex_lock(&mutex));
    EXPECT(mutex.holder == thread_current());
    for (unsigned i = 0; i < WAITERS; i++) {
        lockers[i].thread =
            thread_create("locker", lock_once, &lockers[i], THREAD_PRIORITY_DEFAULT);
        EXPECT(lockers[i].thread != NULL);
        thread_start(lockers[i].thread);
        while (__atomic_load_n(&lockers[i].thread->state, __ATOMIC_SEQ_CST) != THREAD_BLOCKED)
            thread_yield();
    }
    thread_kill(lockers[2].thread);
    end(&lockers[2]);
    EXPECT_EQUAL(lockers[2].status, ZX_ERR_CANCELED);
    EXPECT_EQUAL(lockers[2].order, 0);
    EXPECT_EQUAL(atomic_load(&woken), 1);
    mutex_unlock(&mutex);
    for (unsigned i = 0; i < WAITERS; i++) {
        if (i == 2)
            continue;
        end(&lockers[i]);
        EXPECT_OK(lockers[i].status);
        EXPECT_EQUAL(lockers[i].order, i < 2 ? i + 1 : i);
    }
    EXPECT(mutex.holder == NULL);
}

/* The killed may be the one whose turn it is just then: either it leaves, or it has the mutex. */
SELFTEST(mutex, a_kill_and_the_turn_at_once_lose_nothing) {
    mutex_init(&mutex);
    for (unsigned i = 0; i < 300; i++) {
        struct waiter_thread* locker = &lockers[0];
        EXPECT_OK(mutex_lock(&mutex));
        locker->thread = thread_create("locker", lock_once, locker, THREAD_PRIORITY_DEFAULT);
        EXPECT(locker->thread != NULL);
        thread_start(locker->thread);
        while (__atomic_load_n(&locker->thread->state, __ATOMIC_SEQ_CST) != THREAD_BLOCKED)
            thread_yield();
        if (i % 2) {
            thread_kill(locker->thread);
            mutex_unlock(&mutex);
        } else {
            mutex_unlock(&mutex);
            thread_kill(locker->thread);
        }
        end(locker);
        EXPECT(locker->status == ZX_OK || locker->status == ZX_ERR_CANCELED);
        EXPECT(mutex.holder == NULL);
        EXPECT(list_is_empty(&mutex.queue.waiters));
    }
}
