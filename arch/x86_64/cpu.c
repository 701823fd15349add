/* The CPUs: their areas, what they can do, and what is switched on in each. */
#include <arch/cpu.h>

#include <stdatomic.h>
#include <stddef.h>

#include <abi/limits.h>
#include <arch/preempt.h>
#include <lib/compiler.h>
#include <lib/panic.h>
#include <lib/string.h>

#include "cpu_internal.h"
#include "registers.h"
#include "user_copy_internal.h"

/* Entry code knows these by number. */
_Static_assert(offsetof(struct cpu, current) == 0x08, "see syscall_entry.S");
_Static_assert(offsetof(struct cpu, kernel_stack_top) == 0x10, "see syscall_entry.S");
_Static_assert(offsetof(struct cpu, user_stack_scratch) == 0x18, "see syscall_entry.S");
_Static_assert(offsetof(struct cpu, preempt_count) == 0x20, "see arch/cpu.h");
_Static_assert(offsetof(struct cpu, number) == 0x24, "see arch/cpu.h");
_Static_assert(offsetof(struct cpu, stack_guard) == 0x28, "where gcc looks for it");
_Static_assert(SYSCALL_MAX_NUMBER == 128, "see syscall_entry.S");

#define EARLY_EXCEPTION_STACK_SIZE 8192ul

struct cpu_features cpu_features;

/* What lies at the top of each exception stack: see exceptions.S. */
struct exception_stack_top {
    struct cpu* cpu;
    uint64_t alignment;
};

/* For the boot CPU, as long as there are no stacks with guard pages. */
static struct {
    uint8_t space[EARLY_EXCEPTION_STACK_SIZE];
    struct exception_stack_top top;
} early_exception_stack __attribute__((aligned(16)));
static struct cpu_arch boot_cpu_arch HOT_DATA;
struct cpu boot_cpu HOT_DATA = {
    .self = &boot_cpu,
    .mask = 1,
    .preempt_count = PREEMPT_NOT_WANTED,
    .arch = &boot_cpu_arch,
};

static struct cpu* cpus[CPU_MAX] = {&boot_cpu};
static uint32_t cpus_allocated = 1;
static _Atomic uint32_t cpus_online = 1;
static atomic_bool is_stopping;

uint32_t cpu_count(void) {
    return atomic_load_explicit(&cpus_online, memory_order_relaxed);
}

struct cpu* cpu_by_number(uint32_t number) {
    return number < cpus_allocated ? cpus[number] : NULL;
}

/* --- what it can do ------------------------------------------------------------------------ */

static bool bit(uint32_t word, unsigned number) {
    return word >> number & 1;
}

static void detect_features(void) {
    uint32_t highest = cpuid(0, 0).eax;
    uint32_t highest_extended = cpuid(0x80000000, 0).eax;
    struct cpuid_result basic = cpuid(1, 0);
    struct cpuid_result extended = cpuid(0x80000001, 0);
    cpu_features.has_xsave = bit(basic.ecx, 26);
    cpu_features.has_x2apic = bit(basic.ecx, 21);
    cpu_features.has_rdrand = bit(basic.ecx, 30);
    cpu_features.has_global_pages = bit(basic.edx, 13);
    cpu_features.has_nx = bit(extended.edx, 20);
    cpu_features.has_1gib_pages = bit(extended.edx, 26);
    cpu_features.has_rdtscp = bit(extended.edx, 27);
    if (highest >= 7) {
        struct cpuid_result structured = cpuid(7, 0);
        cpu_features.has_fsgsbase = bit(structured.ebx, 0);
        cpu_features.has_smep = bit(structured.ebx, 7);
        cpu_features.has_erms = bit(structured.ebx, 9);
        cpu_features.has_smap = bit(structured.ebx, 20);
        cpu_features.has_umip = bit(structured.ecx, 2);
    }
    if (highest_extended >= 0x80000007)
        cpu_features.has_invariant_tsc = bit(cpuid(0x80000007, 0).edx, 8);
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

/* --- bring-up ------------------------------------------------------------------------------ */

/* SYSENTER has no kernel side: with a null selector it is a fault. There is no 32-bit user segment,
 * so the compatibility mode entry (CSTAR) cannot be reached. */
static void syscall_init_cpu(void) {
    msr_write(MSR_SYSENTER_CS, 0);
    msr_write(MSR_STAR, (uint64_t)SELECTOR_USER_BASE << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
    msr_write(MSR_FMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL);
    uint64_t efer = msr_read(MSR_EFER) | EFER_SCE;
    msr_write(MSR_EFER, cpu_features.has_nx ? efer | EFER_NXE : efer);
}

static void protections_init_cpu(void) {
    uint64_t cr4 = cr4_read() | CR4_DE;
    if (cpu_features.has_smep)
        cr4 |= CR4_SMEP;
    if (cpu_features.has_smap)
        cr4 |= CR4_SMAP;
    if (cpu_features.has_umip)
        cr4 |= CR4_UMIP;
    if (cpu_features.has_fsgsbase)
        cr4 |= CR4_FSGSBASE;
    cr4_write(cr4);
    cr0_write(cr0_read() | CR0_WP);
}

/* See user_access.inc. While the boot page tables are in use, code can be written. */
static void smap_patch(void) {
    extern const struct { uint64_t address, instruction; } smap_patches_start[], smap_patches_end[];
    for (size_t i = 0; smap_patches_start + i < smap_patches_end; i++)
        memcpy((void*)smap_patches_start[i].address, &smap_patches_start[i].instruction, 3);
}

static void exception_stack_set(struct cpu* cpu, unsigned index, void* end) {
    struct exception_stack_top* top = (struct exception_stack_top*)end - 1;
    top->cpu = cpu;
    cpu->arch->task_state.interrupt_stacks[index] = (uint64_t)top;
}

void cpu_set_exception_stacks(struct cpu* cpu, void* const tops[EXCEPTION_STACK_COUNT]) {
    for (unsigned i = 0; i < EXCEPTION_STACK_COUNT; i++)
        exception_stack_set(cpu, i, tops[i]);
}

static void cpu_init_common(struct cpu* cpu) {
    descriptors_init_cpu(cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
    syscall_init_cpu();
    protections_init_cpu();
}

/* The cookie changes under this function's feet, so it must not have one itself. */
__attribute__((optimize("no-stack-protector"))) void cpu_init_boot(void) {
    detect_features();
    for (unsigned i = 0; i < EXCEPTION_STACK_COUNT; i++)
        exception_stack_set(&boot_cpu, i, &early_exception_stack.top + 1);
    interrupt_table_init();
    user_copy_init();
    if (cpu_features.has_smap)
        smap_patch();
    cpu_init_common(&boot_cpu);
    boot_cpu.stack_guard = cpu_random() & ~0xfful; /* a zero byte ends string overruns */
    boot_cpu.is_online = true;
    fpu_init_boot();
}

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
        .stack_guard = boot_cpu.stack_guard, /* the same everywhere: threads move */
        .apic_id = apic_id,
        .arch = arch,
    };
    cpus[cpus_allocated++] = cpu;
}

void cpu_remove(struct cpu* cpu) {
    ASSERT(cpu->number == cpus_allocated - 1);
    cpus[--cpus_allocated] = NULL;
}

void cpu_init_secondary(struct cpu* cpu) {
    cpu_init_common(cpu);
    fpu_init_cpu();
}

void cpu_set_online(struct cpu* cpu) {
    cpu->is_online = true;
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

bool cpu_is_stopping(void) {
    return atomic_load(&is_stopping);
}

void cpu_stop_others(void) {
    atomic_store(&is_stopping, true);
    if (cpu_count() > 1)
        interrupt_send_nmi_to_others();
}
