#include <mm/fail_allocation.h>

#ifdef JACINTH_DEBUG

#include <stdatomic.h>
#include <stddef.h>

#include <arch/cpu.h>
#include <lib/compiler.h>

static _Atomic(struct thread*) chosen; /* whose allocations count; NULL: nobody's */
static uint32_t left;                  /* touched by the chosen thread only */
static bool has_failed;

void allocation_fail_nth(uint32_t nth) {
    left = nth;
    if (nth > 0)
        has_failed = false;
    atomic_store(&chosen, nth > 0 ? thread_current() : NULL);
}

bool allocation_has_failed(void) {
    return has_failed;
}

/* An interrupt does not allocate, so the thread is alone with its counter. */
bool allocation_must_fail(void) {
    struct thread* thread = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (likely(!thread) || thread != thread_current() || --left > 0)
        return false;
    atomic_store(&chosen, NULL);
    has_failed = true;
    return true;
}

#endif
