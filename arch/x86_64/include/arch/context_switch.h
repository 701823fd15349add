/* The switch between threads; for the scheduler only. It is inline and clobbers the general
 * registers. So the compiler saves only the registers that it still needs. */
#pragma once

#include <arch/context.h>
#include <arch/cpu.h>
#include <lib/compiler.h>

extern uint32_t fpu_xsave_mask;     /* the XCR0 components in use */
extern bool fpu_has_quick_exchange; /* the CPU has XSAVE and FSGSBASE */

/* The slow path: for a CPU without XSAVE or FSGSBASE, or when one thread is a kernel thread. Kernel
 * threads have no user state: it is not saved for `from`, or not loaded for `to`. */
void context_exchange_user_state_slowly(struct thread_context* from,
                                        const struct thread_context* to);

/* While the kernel runs, the inactive GS base (of swapgs) is that of user mode.
 *
 * The data selectors mean nothing in 64-bit mode and are not saved. They are cleared, so that one
 * program cannot leave a value in them for the next. Clearing a selector can change its base, so
 * the selectors are cleared before the bases are loaded. */
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
    if (!from->fpu_state || !to->fpu_state || !fpu_has_quick_exchange) {
        context_exchange_user_state_slowly(from, to);
        return;
    }
    context_exchange_user_bases(from, to);
    uint32_t mask = fpu_xsave_mask;
    __asm__ volatile("xsave64 (%0)" ::"r"(from->fpu_state), "a"(mask), "d"(0) : "memory");
    __asm__ volatile("xrstor64 (%0)" ::"r"(to->fpu_state), "a"(mask), "d"(0) : "memory");
}

/* Saves the running thread's state in `from` and resumes `to`: its kernel stack, FS and GS bases,
 * and FPU state. `to_stack_top` becomes the top of the CPU's kernel stack. Interrupts off.
 *
 * Returns when another switch resumes `from`, and returns `from`. *left is then the context of the
 * thread that made that other switch. That thread passes both in rdi and rsi, so this call need not
 * keep `from` on its stack. */
static ALWAYS_INLINE struct thread_context*
context_switch(struct cpu* cpu, struct thread_context* from, struct thread_context* to,
               uint64_t to_stack_top, struct thread_context** left) {
    cpu->kernel_stack_top = to_stack_top;
    cpu->task_state.stacks[0] = to_stack_top;
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
