/* Calls from one CPU to others. */
#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <arch/upcalls.h>
#include <lib/panic.h>
#include <lock/spinlock.h>

/* One call at a time in the whole system. The caller waits with interrupts on. So a CPU that waits
 * for `call_lock` still runs the calls of other CPUs, and two CPUs that call each other do not
 * deadlock. */
static struct spinlock call_lock = SPINLOCK_INITIALIZER(LOCK_CPU_CALL);
static void (*call_function)(void*);
static void* call_argument;
static _Atomic uint32_t call_pending; /* bit per CPU that has not run it yet */

void ipi_call_interrupt(void) {
    uint32_t here = 1u << cpu_number();
    if (!(atomic_load_explicit(&call_pending, memory_order_acquire) & here))
        return;
    call_function(call_argument);
    atomic_fetch_and_explicit(&call_pending, ~here, memory_order_release);
}

void ipi_call(uint32_t cpu_mask, void (*function)(void*), void* argument) {
    ASSERT(interrupts_are_enabled());
    spin_lock(&call_lock);
    uint32_t targets = cpu_mask & cpu_online_mask() & ~this_cpu()->mask;
    call_function = function;
    call_argument = argument;
    atomic_store_explicit(&call_pending, targets, memory_order_release);
    for (uint32_t left = targets; left != 0; left &= left - 1)
        ipi_send_call((uint32_t)__builtin_ctz(left));
    while (atomic_load_explicit(&call_pending, memory_order_acquire))
        cpu_relax();
    spin_unlock(&call_lock);
}
