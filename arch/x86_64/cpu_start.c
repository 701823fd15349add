/* The features of the CPUs, and what the kernel turns on in each. */
#include <arch/cpu_start.h>

#include <lib/string.h>

#include "cpu_internal.h"
#include "registers.h"

#define EARLY_EXCEPTION_STACK_SIZE 8192ul

/* For the boot CPU, until a stack with a guard page exists. */
static uint8_t early_exception_stack[EARLY_EXCEPTION_STACK_SIZE] __attribute__((aligned(16)));

/* --- what it can do ------------------------------------------------------------------------ */

static bool bit(uint32_t word, unsigned number) {
    return word >> number & 1;
}

static void detect_features(void) {
    struct cpuid_result basic = cpuid(1, 0);
    struct cpuid_result extended = cpuid(0x80000001, 0);
    cpu_features.has_xsave = bit(basic.ecx, 26);
    cpu_features.has_rdrand = bit(basic.ecx, 30);
    cpu_features.has_global_pages = bit(basic.edx, 13);
    cpu_features.has_nx = bit(extended.edx, 20);
    cpu_features.has_1gib_pages = bit(extended.edx, 26);
    if (cpuid(0, 0).eax >= 7) {
        struct cpuid_result structured = cpuid(7, 0);
        cpu_features.has_fsgsbase = bit(structured.ebx, 0);
        cpu_features.has_smep = bit(structured.ebx, 7);
        cpu_features.has_erms = bit(structured.ebx, 9);
        cpu_features.has_smap = bit(structured.ebx, 20);
        cpu_features.has_umip = bit(structured.ecx, 2);
    }
}

/* --- bring-up ------------------------------------------------------------------------------ */

/* SYSENTER has no kernel side: with a null selector it is a fault. There is no 32-bit user segment,
 * so the compatibility mode entry (CSTAR) cannot be reached. */
static void syscall_init_cpu(void) {
    msr_write(MSR_SYSENTER_CS, 0);
    msr_write(MSR_STAR, (uint64_t)SELECTOR_USER_BASE << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
    msr_write(MSR_FMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL);
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
}

static void protections_init_cpu(void) {
    cr4_write(cr4_read() | (cpu_features.has_smep ? CR4_SMEP : 0) |
              (cpu_features.has_smap ? CR4_SMAP : 0) | (cpu_features.has_umip ? CR4_UMIP : 0) |
              (cpu_features.has_fsgsbase ? CR4_FSGSBASE : 0));
}

/* See USER_ACCESS_PATCH in arch/user_copy.h. Code is writable only while the boot page tables are
 * in use. */
static void smap_patch(void) {
    extern const struct { uint64_t address, instruction; } smap_patches_start[], smap_patches_end[];
    for (size_t i = 0; smap_patches_start + i < smap_patches_end; i++)
        memcpy((void*)smap_patches_start[i].address, &smap_patches_start[i].instruction, 3);
}

/* exceptions.S finds the struct cpu at the top of the stack, which stays aligned to 16 bytes. */
void cpu_set_exception_stack(struct cpu* cpu, unsigned number, void* top) {
    struct cpu** place = (struct cpu**)top - 2;
    *place = cpu;
    cpu->task_state.interrupt_stacks[number] = (uint64_t)place;
}

static void cpu_init_common(struct cpu* cpu) {
    descriptors_init_cpu(cpu);
    syscall_init_cpu();
    protections_init_cpu();
}

/* This function changes the stack protector's cookie, so it must not be checked itself. */
__attribute__((no_stack_protector)) void cpu_init_boot(void) {
    detect_features();
    for (unsigned i = 0; i < EXCEPTION_STACK_COUNT; i++)
        cpu_set_exception_stack(&all_cpus[0], i,
                                early_exception_stack + sizeof(early_exception_stack));
    interrupt_table_init();
    user_copy_init();
    if (cpu_features.has_smap)
        smap_patch();
    cpu_init_common(&all_cpus[0]);
    all_cpus[0].stack_guard = cpu_random() & ~0xfful; /* a zero byte ends string overruns */
    fpu_init_boot();
}

void cpu_init_secondary(struct cpu* cpu) {
    cpu_init_common(cpu);
    fpu_init_cpu();
}
