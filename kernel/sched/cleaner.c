/* Requests come through a list without a lock: who puts work into an empty list wakes the
 * thread, and the thread takes the whole list. The wake-up takes a run queue's lock, which the
 * requester may hold; so it is left to an interrupt that the CPU sends itself. */
#include <sched/cleaner.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <debug/panic.h>
#include <lock/spinlock.h>
#include <sched/thread.h>
#include <sched/wait_queue.h>

#define WINDOW_NANOSECONDS 2000000l
#define WORK_LIMIT_NANOSECONDS (WINDOW_NANOSECONDS / 2)

static struct thread* cleaner;
static _Atomic bool is_waiting;            /* the thread waits for requests, or is about to */
static struct cleaning* _Atomic requested; /* the last one requested first */

static struct wait_queue waiters = WAIT_QUEUE_INITIALIZER(waiters);

static void put_into_list(struct cleaning* cleaning) {
    struct cleaning* first = atomic_load_explicit(&requested, memory_order_relaxed);
    do
        cleaning->next = first;
    while (!atomic_compare_exchange_weak(&requested, &first, cleaning));
    if (!first && atomic_load(&is_waiting))
        interrupt_raise_soft();
}

/* Later requests rely on the first one to come through. So a thread is not preempted in it: if it
 * is less urgent than others it might not go on, and nothing would be cleaned. */
void cleaner_request(struct cleaning* cleaning) {
    preempt_disable();
    if (!atomic_exchange(&cleaning->is_requested, true))
        put_into_list(cleaning);
    preempt_enable();
}

void soft_interrupt(void) {
    thread_unpark(cleaner);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* What the cleaner has before it, in turn; only it touches this. A piece of work is either here or
 * in `requested`, or it is not requested. */
static struct cleaning* first_in_turn;
static struct cleaning** end_of_turn = &first_in_turn;

static void append(struct cleaning* cleaning) {
    cleaning->next = NULL;
    *end_of_turn = cleaning;
    end_of_turn = &cleaning->next;
}

static void take_requests(void) {
    struct cleaning* list = atomic_exchange(&requested, NULL);
    struct cleaning *in_order = NULL, *next;
    for (; list; list = next) {
        next = list->next;
        list->next = in_order;
        in_order = list;
    }
    for (; in_order; in_order = next) {
        next = in_order->next;
        append(in_order);
    }
}

/* What is requested from here on may have come too late for this piece, and is queued anew. */
static void run_piece(struct cleaning* cleaning) {
    atomic_exchange(&cleaning->is_requested, false);
    if (!cleaning->run_piece(cleaning))
        atomic_fetch_add(&cleaning->rounds, 1);
    else if (!atomic_exchange(&cleaning->is_requested, true))
        append(cleaning);
    wait_queue_wake_all(&waiters);
}

/* How long it has worked since the window began. */
static zx_time_t window_end;
static zx_duration_t worked;

/* After a piece that began then: see the rule in the header. */
static void rest_if_due(zx_time_t piece_began) {
    zx_time_t now = clock_now();
    if (piece_began >= window_end) {
        window_end = piece_began + WINDOW_NANOSECONDS;
        worked = 0;
    }
    worked += now - piece_began;
    if (worked < WORK_LIMIT_NANOSECONDS)
        return;
    window_end = now;
    while (thread_sleep_until(now + worked) != ZX_OK)
        ;
}

/* A request that comes before the last look is seen there; a later one sees `is_waiting`. */
static void wait_for_requests(void) {
    atomic_store(&is_waiting, true);
    while (!atomic_load(&requested))
        thread_park_uninterruptible();
    atomic_store(&is_waiting, false);
}

static struct cleaning* next_in_turn(void) {
    take_requests();
    while (!first_in_turn) {
        wait_for_requests();
        take_requests();
    }
    struct cleaning* cleaning = first_in_turn;
    first_in_turn = cleaning->next;
    if (!first_in_turn)
        end_of_turn = &first_in_turn;
    return cleaning;
}

static void clean(void* unused) {
    (void)unused;
    for (;;) {
        struct cleaning* cleaning = next_in_turn();
        zx_time_t began = clock_now();
        run_piece(cleaning);
        rest_if_due(began);
    }
}

bool cleaner_start(void) {
    struct thread* thread = thread_create("cleaner", clean, NULL, THREAD_PRIORITY_SYSTEM);
    if (!thread)
        return false;
    cleaner = thread;
    thread_start(thread);
    return true;
}

/* --- waiting for it --------------------------------------------------------------------------- */

zx_status_t cleaner_wait_until(struct cleaning* cleaning, bool (*condition)(void*),
                               void* argument) {
    ASSERT(thread_current() != cleaner);
    cleaner_request(cleaning);
    return wait_queue_wait(&waiters, condition, argument, ZX_TIME_INFINITE);
}

struct round {
    const struct cleaning* cleaning;
    uint32_t seen;
};

static bool has_ended(void* argument) {
    const struct round* round = argument;
    return atomic_load(&round->cleaning->rounds) != round->seen;
}

/* The first round to end may have begun before. It is over when the second one is asked for: that
 * one is whole. */
zx_status_t cleaner_run_out(struct cleaning* cleaning) {
    zx_status_t status = ZX_OK;
    for (int i = 0; i < 2 && status == ZX_OK; i++) {
        struct round round = {cleaning, atomic_load(&cleaning->rounds)};
        status = cleaner_wait_until(cleaning, has_ended, &round);
    }
    return status;
}
