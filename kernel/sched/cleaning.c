/* The list of requests. The numbers of the races are those of cleaner.c. */
#include <sched/cleaning.h>

#include <stddef.h>

#include <arch/interrupt.h>
#include <arch/preempt.h>

static _Atomic bool is_waiting;            /* the thread waits for requests, or is about to wait */
static struct cleaning* _Atomic requested; /* the newest request comes first */

static void put_into_list(struct cleaning* cleaning) {
    struct cleaning* first = atomic_load_explicit(&requested, memory_order_relaxed);
    do
        cleaning->next = first;
    while (!atomic_compare_exchange_weak(&requested, &first, cleaning));
    if (!first && atomic_load(&is_waiting)) /* race 1 */
        interrupt_raise_soft();
}

/* Preemption is off: race 3. */
void cleaner_request(struct cleaning* cleaning) {
    preempt_disable();
    if (!atomic_exchange(&cleaning->is_requested, true))
        put_into_list(cleaning);
    preempt_enable();
}

struct cleaning* cleaning_take_requests(void) {
    return atomic_exchange(&requested, NULL);
}

bool cleaning_is_requested(void) {
    return atomic_load(&requested) != NULL;
}

void cleaning_set_waiting(bool waits) {
    atomic_store(&is_waiting, waits);
}
