/* The board around the CPUs: interrupt controllers, timers, starting the CPUs. What the console and
 * the panic need of it stands in debug/board.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the machine tables say; filled by kernel/boot, used once by machine_init. */
struct machine_description {
    struct {
        uint32_t apic_id;
        bool is_enabled;
    } cpus[256];
    uint32_t cpu_count;
    uint64_t local_apic_address;
    struct {
        uint64_t address;
        uint32_t first_interrupt;
    } io_apics[8];
    uint32_t io_apic_count;
    struct {
        uint32_t isa_line, global_interrupt;
        bool is_active_low, is_level_triggered;
    } overrides[32];
    uint32_t override_count;
    uint64_t hpet_address; /* 0: none */
    bool has_8259;
};

/* First C code of all: serial line in polled mode, GDT, IDT, per-CPU area of the boot CPU, CPU
 * features. Nothing may fail before it. */
void machine_early_init(void);
/* Interrupt controllers, timers. After paging_init and the kernel heap. */
void machine_init(const struct machine_description* description);
/* Starts the other CPUs (at most CPU_MAX in all, `limit` if not 0). Each calls `entry` on its own
 * stack, interrupts off, its struct cpu and the final page tables in place; `entry` never returns.
 */
void machine_start_cpus(const struct machine_description* description, uint32_t limit,
                        void (*entry)(void));
