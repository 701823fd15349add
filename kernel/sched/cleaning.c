/* The list of requests, and waiting for requested work. The numbers of the races are those of
 * cleaner.c. */
#include <sched/cleaning.h>

#include <stddef.h>

#include <abi/errors.h>
#include <arch/interrupt.h>
#include <arch/preempt.h>
#include <sched/park.h>
#include <sched/wait_queue.h>

static _Atomic bool is_waiting;            /* the thread waits for requests, or is about to wait */
static struct cleaning* _Atomic requested; /* the newest request comes first */

/* Preemption is off: race 3. */
void cleaner_request(struct cleaning* cleaning) {
    preempt_disable();
    if (!atomic_exchange(&cleaning->is_requested, true)) {
        struct cleaning* first = atomic_load_explicit(&requested, memory_order_relaxed);
        do
            cleaning->next = first;
        while (!atomic_compare_exchange_weak(&requested, &first, cleaning));
        if (!first && atomic_load(&is_waiting)) /* race 1 */
            interrupt_raise_soft();
    }
    preempt_enable();
}

/* Race 1: the order of these steps matters. */
struct cleaning* cleaning_take_requests(bool must_wait) {
    struct cleaning* list;
    atomic_store(&is_waiting, must_wait);
    while (!(list = atomic_exchange(&requested, NULL)) && must_wait)
        thread_park_uninterruptible();
    atomic_store(&is_waiting, false);
    return list;
}

/* --- waiting for the cleaner -------------------------------------------------------------------
 */

static struct wait_queue waiters = WAIT_QUEUE_INITIALIZER(waiters);

void cleaning_wake_waiters(void) {
    wait_queue_wake(&waiters, WAKE_ALL);
}

zx_status_t cleaner_wait_until(struct cleaning* cleaning, bool (*condition)(void*),
                               void* argument) {
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

/* Waits for two rounds. The first one to end may have begun before this call; the second is
 * requested after that, so it is a whole one. */
zx_status_t cleaner_run_out(struct cleaning* cleaning) {
    zx_status_t status = ZX_OK;
    for (int i = 0; i < 2 && status == ZX_OK; i++) {
        struct round round = {cleaning, atomic_load(&cleaning->rounds)};
        status = cleaner_wait_until(cleaning, has_ended, &round);
    }
    return status;
}
