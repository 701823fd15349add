/* The dispatch of interrupts, and messages between CPUs. */
#include <arch/interrupt.h>

#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/local_apic.h>
#include <arch/upcalls.h>

#include "cpu_internal.h"

static atomic_bool is_stopping;

void ipi_reschedule(uint32_t cpu) {
    local_apic_send(all_cpus[cpu].apic_id, APIC_DELIVER_FIXED | VECTOR_RESCHEDULE);
}

void ipi_send_call(uint32_t cpu) {
    local_apic_send(all_cpus[cpu].apic_id, APIC_DELIVER_FIXED | VECTOR_CALL);
}

void interrupt_raise_soft(void) {
    local_apic_send(0, APIC_DELIVER_FIXED | APIC_TO_SELF | VECTOR_SOFT);
}

bool cpu_is_stopping(void) {
    return atomic_load(&is_stopping);
}

void cpu_stop_others(void) {
    atomic_store(&is_stopping, true);
    for (uint32_t i = 0; i < cpu_count(); i++)
        if (i != cpu_number())
            local_apic_send(all_cpus[i].apic_id, APIC_DELIVER_NMI | APIC_LEVEL_ASSERT);
}

/* Interrupts whose handlers unpark threads. A message from another CPU unparks none. */
static void dispatch_waker(uint64_t vector) {
    uint64_t line = vector - VECTOR_DEVICE_FIRST;
    bool was_handing_over = interrupt_begin();
    if (vector == VECTOR_TIMER)
        timer_interrupt();
    else if (vector == VECTOR_SOFT)
        soft_interrupt();
    else if (line < VECTOR_DEVICE_COUNT)
        device_interrupt((uint32_t)line);
    interrupt_end(was_handing_over);
}

void interrupt_dispatch(struct exception_frame* frame) {
    uint64_t vector = frame->vector;
    if (vector == VECTOR_SPURIOUS)
        return; /* a spurious interrupt needs no end-of-interrupt */
    local_apic_end_of_interrupt();
    if (vector == VECTOR_RESCHEDULE) {
        this_cpu()->statistics_ipis++;
        reschedule_interrupt();
    } else if (vector == VECTOR_CALL) {
        this_cpu()->statistics_ipis++;
        ipi_call_interrupt();
    } else {
        dispatch_waker(vector);
    }
}
