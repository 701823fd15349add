/* Requests come through a lock-free list (cleaning.c). A requester that puts work into the empty
 * list wakes the thread; the thread takes the whole list at once.
 *
 * Waking the thread takes a run queue's lock, and the requester may hold that very lock. So the
 * requester raises an interrupt on its own CPU, and the handler wakes the thread.
 *
 * The races, and what closes them (the numbers stand at the lines):
 * 1. The thread goes to sleep while a request arrives. The thread sets `is_waiting`, then looks at
 *    the list. The requester puts its work into the list, then looks at `is_waiting`. All four
 *    steps are sequentially consistent, so at least one of the two sees the other.
 * 2. Work is requested again while its piece runs. `is_requested` is cleared before the piece, so a
 *    later request puts the work into the list once more.
 * 3. A requester is preempted between setting `is_requested` and filling the list. Later requesters
 *    would rely on the flag, and the work would wait until the first requester runs again. So
 *    preemption is off there. */
#include <sched/cleaner.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/interrupt.h>
#include <arch/upcalls.h>
#include <debug/panic.h>
#include <lock/spinlock.h>
#include <sched/park.h>
#include <sched/thread.h>

#define WINDOW_NANOSECONDS 2000000l
#define WORK_LIMIT_NANOSECONDS (WINDOW_NANOSECONDS / 2)

static struct thread* cleaner;

void soft_interrupt(void) {
    thread_unpark(cleaner);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* The work that the cleaner has accepted, in the order of its turns; only the cleaner touches this.
 * A cleaning is in this queue, or in `requested`, or it is not requested. */
static struct cleaning* first_in_turn;
static struct cleaning** end_of_turn = &first_in_turn;

/* Moves all requests to the end of the queue, oldest first. The list has the newest first, so each
 * one goes before those that were moved already. */
static void take_requests(void) {
    struct cleaning* list = cleaning_take_requests(first_in_turn == NULL);
    struct cleaning** place = end_of_turn;
    if (list)
        end_of_turn = &list->next;
    for (struct cleaning* next; list; list = next) {
        next = list->next;
        list->next = *place;
        *place = list;
    }
}

/* A request that comes from here on may have come too late for this piece, so it queues the work
 * anew. */
static void run_piece(struct cleaning* cleaning) {
    atomic_exchange(&cleaning->is_requested, false); /* race 2 */
    if (!cleaning->run_piece(cleaning)) {
        atomic_fetch_add(&cleaning->rounds, 1);
    } else if (!atomic_exchange(&cleaning->is_requested, true)) {
        cleaning->next = NULL;
        *end_of_turn = cleaning;
        end_of_turn = &cleaning->next;
    }
    cleaning_wake_waiters();
}

/* The end of the current window, and the time that the cleaner has worked in it. */
static zx_time_t window_end;
static zx_duration_t worked;

/* Applies the rule for programs (cleaner.h) after a piece that began at `piece_began`. */
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
    /* The host may stop a virtual CPU for a while, so a short piece may seem to have taken long. */
    while (thread_sleep_until(now + MIN(worked, WINDOW_NANOSECONDS)) != ZX_OK)
        ;
}

static struct cleaning* next_in_turn(void) {
    take_requests();
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
