/* Starting the other CPUs, one at a time: INIT, one or two start-up messages, then waiting until
 * the CPU has arrived. */
#include <pc/machine.h>

#include <arch/clock.h>
#include <arch/cpu_start.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/paging.h>
#include <arch/upcalls.h>
#include <debug/log.h>
#include <lib/string.h>
#include <mm/kernel_stack.h>

#include "pc_internal.h"

#define TRAMPOLINE_PAGE 0x8000ul /* below 1 MiB, which main.c keeps out of the free memory */
#define INIT_WAIT_NANOSECONDS 200000
#define STARTUP_WAIT_NANOSECONDS 200000
#define ARRIVAL_LIMIT_NANOSECONDS 500000000l

/* Runs on the new CPU, on its own stack. */
static void secondary_entry(void) {
    paging_init_cpu();
    cpu_init_secondary(this_cpu());
    local_apic_init_cpu();
    cpu_set_online();
    secondary_cpu_main();
}

static bool wait_for_arrival(const struct cpu* cpu, zx_duration_t limit) {
    zx_time_t deadline = clock_now() + limit;
    while (cpu_count() <= cpu->number) {
        if (clock_now() >= deadline)
            return false;
        cpu_relax();
    }
    return true;
}

static bool start(const struct cpu* cpu) {
    uint32_t startup = APIC_DELIVER_STARTUP | APIC_LEVEL_ASSERT | TRAMPOLINE_PAGE >> PAGE_SHIFT;
    local_apic_send(cpu->apic_id, APIC_DELIVER_INIT | APIC_LEVEL_ASSERT);
    (void)wait_for_arrival(cpu, INIT_WAIT_NANOSECONDS); /* it cannot arrive yet */
    local_apic_send(cpu->apic_id, startup);
    if (wait_for_arrival(cpu, STARTUP_WAIT_NANOSECONDS))
        return true;
    local_apic_send(cpu->apic_id, startup);
    return wait_for_arrival(cpu, ARRIVAL_LIMIT_NANOSECONDS);
}

bool exception_stacks_alloc(struct cpu* cpu) {
    for (unsigned i = 0; i < EXCEPTION_STACK_COUNT; i++) {
        void* top = kernel_stack_alloc();
        if (!top)
            return false;
        cpu_set_exception_stack(cpu, i, top);
    }
    return true;
}

/* The new CPU's stack becomes the stack of its idle thread. False: there is no memory for another
 * CPU (what was allocated stays so), or it has not arrived in time. It may still arrive later, and
 * use what it was given: so no other CPU is started after it. */
static bool start_one(uint32_t apic_id) {
    struct cpu* cpu = cpu_prepare(apic_id);
    void* stack_top = kernel_stack_alloc();
    if (!stack_top || !exception_stacks_alloc(cpu)) {
        log_warning("no memory to start the CPU with APIC id %u", apic_id);
        return false;
    }
    cpu_start = (struct cpu_start){
        .page_tables = page_table_kernel()->root.value,
        .stack_top = stack_top,
        .cpu = cpu,
        .entry = secondary_entry,
    };
    if (start(cpu))
        return true;
    log_warning("the CPU with APIC id %u does not answer: no more are started", apic_id);
    return false;
}

void machine_start_cpus(const struct machine_description* description, uint32_t limit) {
    memcpy(physical_to_virtual(physical_address(TRAMPOLINE_PAGE)), trampoline_start,
           (size_t)(trampoline_end - trampoline_start));
    if (limit == 0 || limit > CPU_MAX)
        limit = CPU_MAX;
    for (uint32_t i = 0; i < description->cpu_count && cpu_count() < limit; i++)
        if (description->apic_ids[i] != this_cpu()->apic_id && !start_one(description->apic_ids[i]))
            return;
}
