/* Starting the other CPUs, one at a time: INIT, one or two start-up messages, then waiting until
 * the CPU has arrived. */
#include <pc/machine.h>

#include <stdatomic.h>

#include <arch/clock.h>
#include <arch/cpu_start.h>
#include <arch/layout.h>
#include <arch/local_apic.h>
#include <arch/paging.h>
#include <debug/log.h>
#include <lib/compiler.h>
#include <lib/string.h>
#include <mm/kernel_stack.h>
#include <mm/slab.h>

#include "pc_internal.h"

#define TRAMPOLINE_PAGE 0x8000ul /* below 1 MiB, which main.c keeps out of the free memory */
#define INIT_WAIT_NANOSECONDS 200000
#define STARTUP_WAIT_NANOSECONDS 200000
#define ARRIVAL_LIMIT_NANOSECONDS 500000000l

static atomic_bool has_arrived;
static void (*secondary_main)(void);

static struct slab_cache cpu_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(cpu_cache, "CPU", sizeof(struct cpu));

/* --- memory ------------------------------------------------------------------------------------
 */

bool exception_stacks_alloc(struct cpu* cpu) {
    void* tops[EXCEPTION_STACK_COUNT];
    for (unsigned i = 0; i < EXCEPTION_STACK_COUNT; i++) {
        tops[i] = kernel_stack_alloc();
        if (!tops[i]) {
            while (i-- > 0)
                (void)kernel_stack_free(tops[i]);
            return false;
        }
    }
    cpu_set_exception_stacks(cpu, tops);
    return true;
}

static struct cpu* cpu_allocate(uint32_t apic_id) {
    struct cpu* cpu = slab_alloc(&cpu_cache);
    struct cpu_arch* arch = heap_alloc_zeroed(cpu_arch_size());
    if (!cpu || !arch)
        goto free_both;
    cpu_add(cpu, arch, apic_id);
    if (exception_stacks_alloc(cpu))
        return cpu;
    cpu_remove(cpu);

free_both:
    heap_free(arch);
    if (cpu)
        slab_free(&cpu_cache, cpu);
    return NULL;
}

/* --- starting ----------------------------------------------------------------------------------
 */

/* Runs on the new CPU, on its own stack. */
static void secondary_entry(void) {
    paging_init_cpu();
    cpu_init_secondary(this_cpu());
    local_apic_init_cpu();
    cpu_set_online();
    atomic_store(&has_arrived, true);
    secondary_main();
}

static bool wait_for_arrival(zx_duration_t limit) {
    zx_time_t deadline = clock_now() + limit;
    while (!atomic_load(&has_arrived)) {
        if (clock_now() >= deadline)
            return false;
        cpu_relax();
    }
    return true;
}

static bool start(uint32_t apic_id) {
    uint32_t startup = APIC_DELIVER_STARTUP | APIC_LEVEL_ASSERT | TRAMPOLINE_PAGE >> PAGE_SHIFT;
    atomic_store(&has_arrived, false);
    local_apic_send(apic_id, APIC_DELIVER_INIT | APIC_LEVEL_ASSERT);
    clock_busy_wait(INIT_WAIT_NANOSECONDS);
    local_apic_send(apic_id, startup);
    if (wait_for_arrival(STARTUP_WAIT_NANOSECONDS))
        return true;
    local_apic_send(apic_id, startup);
    return wait_for_arrival(ARRIVAL_LIMIT_NANOSECONDS);
}

/* The new CPU's stack becomes the stack of its idle thread. */
static bool start_one(uint32_t apic_id) {
    struct cpu* cpu = cpu_allocate(apic_id);
    void* stack_top = cpu ? kernel_stack_alloc() : NULL;
    if (!stack_top) {
        log_warning("no memory to start the CPU with APIC id %u", apic_id);
        if (cpu)
            cpu_remove(cpu);
        return false;
    }
    cpu_start = (struct cpu_start){
        .page_tables = page_table_kernel()->root.value,
        .stack_top = stack_top,
        .cpu = cpu,
        .entry = secondary_entry,
    };
    if (start(apic_id))
        return true;
    log_warning("the CPU with APIC id %u does not answer", apic_id);
    cpu_remove(cpu); /* its memory is not freed: the CPU may still start later and use it */
    return false;
}

void machine_start_cpus(const struct machine_description* description, uint32_t limit,
                        void (*entry)(void)) {
    secondary_main = entry;
    memcpy(physical_to_virtual(physical_address(TRAMPOLINE_PAGE)), trampoline_start,
           (size_t)(trampoline_end - trampoline_start));
    if (limit == 0 || limit > CPU_MAX)
        limit = CPU_MAX;
    for (uint32_t i = 0; i < description->cpu_count && cpu_count() < limit; i++) {
        uint32_t apic_id = description->cpus[i].apic_id;
        if (description->cpus[i].is_enabled && apic_id != this_cpu()->apic_id)
            start_one(apic_id);
    }
}
