/* The board around the CPUs: interrupt controllers, timers, starting the CPUs. debug/board.h has
 * the functions that the console and the panic use. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ISA_LINE_COUNT 16

/* The contents of the firmware's tables; filled by kernel/boot, used once by machine_init. */
struct machine_description {
    uint32_t apic_ids[256]; /* of the CPUs that can be started, the boot CPU among them */
    uint32_t cpu_count;
    uint64_t local_apic_address;
    struct {
        uint64_t address;
        uint32_t first_interrupt;
    } io_apics[8];
    uint32_t io_apic_count;
    struct {
        uint32_t global_interrupt;
        bool is_active_low, is_level_triggered;
    } isa_lines[ISA_LINE_COUNT];
    uint64_t hpet_address; /* 0: none */
};

/* Sets up what all other code needs: the serial line in polled mode, GDT, IDT, the boot CPU's
 * per-CPU area, and CPU features. It is the first call; nothing before it may fail. */
void machine_early_init(void);
/* Sets up the interrupt controllers and timers. Called after paging_init, with the kernel heap
 * ready. */
void machine_init(const struct machine_description* description);
/* Starts the other CPUs; each calls secondary_cpu_main. At most `limit` CPUs run in all, or CPU_MAX
 * if `limit` is 0. */
void machine_start_cpus(const struct machine_description* description, uint32_t limit);
