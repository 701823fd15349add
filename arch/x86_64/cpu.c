/* The CPUs and their areas. cpu_start.c brings a CPU into use. */
#include <arch/cpu.h>

#include <stdatomic.h>
#include <stddef.h>

#include <abi/limits.h>
#include <arch/preempt.h>
#include <lib/compiler.h>
#include <lib/panic.h>

#include "cpu_internal.h"

/* Assembly code uses these as numbers. */
_Static_assert(offsetof(struct cpu, current) == 0x08, "see syscall_entry.S");
_Static_assert(offsetof(struct cpu, kernel_stack_top) == 0x10, "see syscall_entry.S");
_Static_assert(offsetof(struct cpu, user_stack_scratch) == 0x18, "see syscall_entry.S");
_Static_assert(offsetof(struct cpu, preempt_count) == 0x20, "see arch/cpu.h");
_Static_assert(offsetof(struct cpu, number) == 0x24, "see arch/cpu.h");
_Static_assert(offsetof(struct cpu, stack_guard) == 0x28, "where gcc looks for it");
_Static_assert(SYSCALL_MAX_NUMBER == 128, "see syscall_entry.S");

struct cpu_features cpu_features;

struct cpu all_cpus[CPU_MAX] HOT_DATA = {
    {.self = &all_cpus[0], .mask = 1, .preempt_count = PREEMPT_NOT_WANTED},
};
_Atomic uint32_t cpus_online = 1;

uint64_t cpu_random(void) {
    static _Atomic uint64_t state;
    uint64_t value = 0;
    if (cpu_features.has_rdrand) {
        bool is_valid = false;
        for (unsigned tries = 0; tries < 10 && !is_valid; tries++)
            __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(is_valid));
    }
    /* The time stamp and the number of calls so far are mixed in too. */
    return mix(value ^ (timestamp_read() + atomic_fetch_add(&state, 0x9e3779b97f4a7c15)));
}

/* --- registration ---------------------------------------------------------------------------- */

struct cpu* cpu_prepare(uint32_t apic_id) {
    uint32_t number = cpu_count();
    struct cpu* cpu = &all_cpus[number];
    ASSERT(number < CPU_MAX);
    *cpu = (struct cpu){
        .self = cpu,
        .preempt_count = PREEMPT_NOT_WANTED,
        .number = number,
        .mask = 1u << number,
        .stack_guard = all_cpus[0].stack_guard, /* the same on all CPUs: threads move */
        .apic_id = apic_id,
    };
    return cpu;
}

void cpu_set_online(void) {
    atomic_fetch_add(&cpus_online, 1);
}

/* --- the end ------------------------------------------------------------------------------- */

void cpu_stop(void) {
    for (;;)
        __asm__ volatile("cli; hlt");
}

void cpu_triple_fault(void) {
    static const uint8_t empty_table[10]; /* a limit and a base of 0 */
    __asm__ volatile("lidt %0; int3" ::"m"(empty_table));
}
