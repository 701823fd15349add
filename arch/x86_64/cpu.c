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

static struct cpu_arch boot_cpu_arch HOT_DATA;
struct cpu boot_cpu HOT_DATA = {
    .self = &boot_cpu,
    .mask = 1,
    .preempt_count = PREEMPT_NOT_WANTED,
    .arch = &boot_cpu_arch,
};

struct cpu* cpus[CPU_MAX] = {&boot_cpu};
static uint32_t cpus_allocated = 1;
_Atomic uint32_t cpus_online = 1;

struct cpu* cpu_by_number(uint32_t number) {
    return number < cpus_allocated ? cpus[number] : NULL;
}

uint64_t cpu_random(void) {
    static _Atomic uint64_t state;
    uint64_t value = 0;
    if (cpu_features.has_rdrand) {
        bool is_valid = false;
        for (unsigned tries = 0; tries < 10 && !is_valid; tries++)
            __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(is_valid));
    }
    /* The time stamp and the calls so far go in too, mixed by splitmix64's finaliser. */
    value ^= timestamp_read() + atomic_fetch_add(&state, 0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

/* --- registration ---------------------------------------------------------------------------- */

size_t cpu_arch_size(void) {
    return sizeof(struct cpu_arch);
}

void cpu_add(struct cpu* cpu, struct cpu_arch* arch, uint32_t apic_id) {
    ASSERT(cpus_allocated < CPU_MAX);
    *cpu = (struct cpu){
        .self = cpu,
        .preempt_count = PREEMPT_NOT_WANTED,
        .number = cpus_allocated,
        .mask = 1u << cpus_allocated,
        .stack_guard = boot_cpu.stack_guard, /* the same on all CPUs: threads move */
        .apic_id = apic_id,
        .arch = arch,
    };
    cpus[cpus_allocated++] = cpu;
}

void cpu_remove(struct cpu* cpu) {
    ASSERT(cpu->number == cpus_allocated - 1);
    cpus[--cpus_allocated] = NULL;
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
    static const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) empty_table = {0, 0};
    __asm__ volatile("lidt %0; int3" ::"m"(empty_table));
}
