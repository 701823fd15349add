#include <arch/context.h>

#include <arch/backtrace.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>

#include "cpu_internal.h"
#include "fpu_internal.h"
#include "registers.h"

void context_switch_stacks(uint64_t* save_stack_pointer, uint64_t new_stack_pointer);
void context_first_run(void);
_Noreturn void context_enter_user_frame(const struct exception_frame* frame);

/* What context_switch_stacks pops, lowest address first. */
struct switch_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    void (*return_address)(void);
    uint64_t alignment; /* so that context_first_run is entered as if by a call */
};

void context_init(struct thread_context* context, void* stack_top, void (*entry)(void*),
                  void* argument) {
    struct switch_frame* frame = (struct switch_frame*)stack_top - 1;
    *frame = (struct switch_frame){
        .r12 = (uint64_t)entry,
        .r13 = (uint64_t)argument,
        .return_address = context_first_run,
    };
    *context = (struct thread_context){.stack_pointer = (uint64_t)frame};
}

/* The saved rbp and the return address above it lie like a function's frame. */
uintptr_t backtrace_begin(const struct thread_context* context) {
    const struct switch_frame* frame = (const struct switch_frame*)context->stack_pointer;
    return (uintptr_t)&frame->rbp;
}

/* User mode's GS base is the inactive one while the kernel runs. */
static ALWAYS_INLINE void save_user_bases(struct thread_context* context) {
    if (!cpu_features.has_fsgsbase)
        return; /* then user mode cannot change them behind our back */
    __asm__ volatile("rdfsbase %0" : "=r"(context->fs_base));
    __asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(context->gs_base));
}

/* The data selectors mean nothing in 64-bit mode and are not part of a thread's state; they are
 * cleared, so that they carry nothing from one program to the next. Clearing changes the bases, so
 * it comes first. */
static ALWAYS_INLINE void load_user_bases(const struct thread_context* context) {
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" ::"r"(0));
    if (cpu_features.has_fsgsbase) {
        __asm__ volatile("wrfsbase %0" ::"r"(context->fs_base));
        __asm__ volatile("swapgs; mov %0, %%gs; wrgsbase %1; swapgs" ::"r"(0),
                         "r"(context->gs_base));
    } else {
        __asm__ volatile("swapgs; mov %0, %%gs; swapgs" ::"r"(0));
        msr_write(MSR_FS_BASE, context->fs_base);
        msr_write(MSR_KERNEL_GS_BASE, context->gs_base);
    }
}

void context_switch(struct thread_context* from, struct thread_context* to, uint64_t to_stack_top) {
    struct cpu* cpu = this_cpu();
    cpu->kernel_stack_top = to_stack_top;
    descriptors_set_kernel_stack(cpu, to_stack_top);
    if (from->fpu_state) {
        save_user_bases(from);
        fpu_save(from->fpu_state);
    }
    if (to->fpu_state) {
        load_user_bases(to);
        fpu_restore(to->fpu_state);
    }
    context_switch_stacks(&from->stack_pointer, to->stack_pointer);
}

void context_set_fs_base(uint64_t base) {
    context_current()->fs_base = base;
    if (cpu_features.has_fsgsbase)
        __asm__ volatile("wrfsbase %0" ::"r"(base));
    else
        msr_write(MSR_FS_BASE, base);
}

void context_enter_user(uintptr_t entry, uintptr_t stack, uint64_t argument1, uint64_t argument2) {
    struct exception_frame frame = {
        .rdi = argument1,
        .rsi = argument2,
        .rip = entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_FIXED | RFLAGS_IF,
        .rsp = stack,
        .ss = SELECTOR_USER_DATA,
    };
    interrupts_disable();
    struct thread_context* context = context_current();
    load_user_bases(context);
    fpu_restore(context->fpu_state);
    context_enter_user_frame(&frame);
}
