#include <mm/fail_allocation.h>

#ifdef JACINTH_DEBUG

#include <stdatomic.h>
#include <stddef.h>

#include <arch/cpu.h>
#include <lib/compiler.h>

static _Atomic(struct thread*) chosen; /* the thread whose allocations are counted; NULL: none */
static uint32_t left;                  /* touched by the chosen thread only */
static bool has_failed;

/* `chosen` is written last: from then on the chosen thread reads `left`. */
void allocation_fail_nth(uint32_t nth) {
    left = nth;
    if (nth > 0)
        has_failed = false;
    atomic_store(&chosen, nth > 0 ? thread_current() : NULL);
}

bool allocation_has_failed(void) {
    return has_failed;
}

/* Interrupts do not allocate, so only the chosen thread itself touches its counter. */
bool allocation_must_fail(void) {
    struct thread* thread = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!thread || thread != thread_current() || --left > 0)
        return false;
    atomic_store(&chosen, NULL);
    has_failed = true;
    return true;
}

#endif
