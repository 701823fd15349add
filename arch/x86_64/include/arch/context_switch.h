/* The switch between threads; for the scheduler only. Inline: what the compiler has in registers is
 * saved once, by being clobbered. */
#pragma once

#include <arch/context.h>
#include <arch/cpu.h>
#include <lib/compiler.h>

extern uint32_t fpu_xsave_mask;     /* the XCR0 components in use */
extern bool fpu_has_quick_exchange; /* the CPU has XSAVE and FSGSBASE */

/* Where it has not, or between a user thread and a kernel thread, which has no such state. */
void context_exchange_user_state_slowly(struct thread_context* from,
                                        const struct thread_context* to);

/* User mode's GS base is the inactive one while the kernel runs. The data selectors mean nothing in
 * 64-bit mode and are not part of a thread's state; they are cleared, so that they carry nothing
 * from one program to the next. Clearing changes the bases, so it comes first. */
static ALWAYS_INLINE void context_exchange_user_bases(struct thread_context* from,
                                                      const struct thread_context* to) {
    __asm__ volatile("rdfsbase %0" : "=r"(from->fs_base));
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" ::"r"(0));
    __asm__ volatile("wrfsbase %0" ::"r"(to->fs_base));
    __asm__ volatile("swapgs; rdgsbase %0; mov %2, %%gs; wrgsbase %1; swapgs"
                     : "=&r"(from->gs_base)
                     : "r"(to->gs_base), "r"(0));
}

static ALWAYS_INLINE void context_exchange_user_state(struct thread_context* from,
                                                      const struct thread_context* to) {
    if (unlikely(!from->fpu_state || !to->fpu_state || !fpu_has_quick_exchange)) {
        context_exchange_user_state_slowly(from, to);
        return;
    }
    context_exchange_user_bases(from, to);
    uint32_t mask = fpu_xsave_mask;
    __asm__ volatile("xsave64 (%0)" ::"r"(from->fpu_state), "a"(mask), "d"(0) : "memory");
    __asm__ volatile("xrstor64 (%0)" ::"r"(to->fpu_state), "a"(mask), "d"(0) : "memory");
}

/* Saves the running state in `from` and resumes `to`; sets the CPU's kernel stack top to
 * `to_stack_top`, FS/GS bases and FPU state. Interrupts off. Returns when `from` is resumed, and
 * answers it; `left` is whose place it took then. Both come in the registers of whoever switched
 * to it, so that nothing need be kept on the stack. */
static ALWAYS_INLINE struct thread_context*
context_switch(struct cpu* cpu, struct thread_context* from, struct thread_context* to,
               uint64_t to_stack_top, struct thread_context** left) {
    cpu->kernel_stack_top = to_stack_top;
    *cpu->interrupt_stack_top = to_stack_top;
    context_exchange_user_state(from, to);
    __asm__ volatile("pushq $1f\n"
                     "push %%rbp\n"
                     "mov %%rsp, (%0)\n"
                     "mov (%1), %%rsp\n"
                     "pop %%rbp\n"
                     "ret\n"
                     "1:"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "memory", "cc");
    *left = from;
    return to;
}
