/* The dispatch of interrupts, and messages between CPUs. */
#include <arch/interrupt.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/local_apic.h>
#include <debug/panic.h>
#include <lock/spinlock.h>

#include "cpu_internal.h"

/* One call at a time in the whole system. The caller waits with interrupts on, so that two CPUs
 * that call each other both get on: whoever waits for `call_lock` answers calls meanwhile. */
static struct spinlock call_lock = SPINLOCK_INITIALIZER(LOCK_CPU_CALL);
static void (*call_function)(void*);
static void* call_argument;
static _Atomic uint32_t call_pending; /* bit per CPU that has not yet answered */

void ipi_reschedule(uint32_t cpu) {
    local_apic_send(cpu_by_number(cpu)->apic_id, APIC_DELIVER_FIXED | VECTOR_RESCHEDULE);
}

void interrupt_raise_soft(void) {
    local_apic_send(0, APIC_DELIVER_FIXED | APIC_TO_SELF | VECTOR_SOFT);
}

static void call_answer(void) {
    uint32_t here = 1u << cpu_number();
    if (!(atomic_load_explicit(&call_pending, memory_order_acquire) & here))
        return;
    call_function(call_argument);
    atomic_fetch_and_explicit(&call_pending, ~here, memory_order_release);
}

void ipi_call(uint32_t cpu_mask, void (*function)(void*), void* argument) {
    ASSERT(interrupts_are_enabled());
    spin_lock(&call_lock);
    uint32_t targets = 0;
    for (uint32_t i = 0; i < cpu_count(); i++)
        if (i != cpu_number() && cpu_mask >> i & 1 && cpu_by_number(i)->is_online)
            targets |= 1u << i;
    call_function = function;
    call_argument = argument;
    atomic_store_explicit(&call_pending, targets, memory_order_release);
    for (uint32_t i = 0; i < cpu_count(); i++)
        if (targets >> i & 1)
            local_apic_send(cpu_by_number(i)->apic_id, APIC_DELIVER_FIXED | VECTOR_CALL);
    while (atomic_load_explicit(&call_pending, memory_order_acquire))
        cpu_relax();
    spin_unlock(&call_lock);
}

void interrupt_send_nmi_to_others(void) {
    for (uint32_t i = 0; i < cpu_count(); i++)
        if (i != cpu_number())
            local_apic_send(cpu_by_number(i)->apic_id, APIC_DELIVER_NMI | APIC_LEVEL_ASSERT);
}

void interrupt_dispatch(struct exception_frame* frame) {
    uint64_t line = frame->vector - VECTOR_DEVICE_FIRST;
    if (frame->vector == VECTOR_SPURIOUS)
        return; /* no end of interrupt for these */
    local_apic_end_of_interrupt();
    if (frame->vector == VECTOR_TIMER) {
        timer_interrupt();
    } else if (frame->vector == VECTOR_RESCHEDULE) {
        this_cpu()->statistics_ipis++;
        reschedule_interrupt();
    } else if (frame->vector == VECTOR_SOFT) {
        soft_interrupt();
    } else if (frame->vector == VECTOR_CALL) {
        this_cpu()->statistics_ipis++;
        call_answer();
    } else if (line < VECTOR_DEVICE_COUNT) {
        device_interrupt((uint32_t)line);
    }
}
