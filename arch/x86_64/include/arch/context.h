/* A thread's saved machine state. The switch between threads stands in arch/context_switch.h. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>

/* The first member of struct thread. */
struct thread_context {
    uint64_t
        stack_pointer; /* kernel rsp while not running; callee-saved registers are on the stack */
    uint64_t fs_base;  /* user mode's, thread pointer */
    uint64_t gs_base;  /* user mode's */
    void* fpu_state;   /* NULL for kernel threads: they never touch the FPU */
    _Atomic uint32_t pending_work;     /* not 0: thread_return_to_user has something to do */
    uint32_t fault_repeats;            /* how often the last page fault has come again */
    uint64_t fault_rip, fault_address; /* the last page fault's */
};
#define CONTEXT_PENDING_WORK 32 /* its offset, for the system call exit */
#define CONTEXT_PENDING_KILL 1u /* the bit of `pending_work` that says that the thread must end */

/* The running thread's. struct thread begins with it, so that arch need not know the rest. */
static inline struct thread_context* context_current(void) {
    return (struct thread_context*)thread_current();
}

/* Whether the running thread was killed. Code that is not allowed to know of threads asks here in
 * its long loops, and returns CANCELED: the thread ends before user mode sees that. */
static inline bool context_is_killed(void) {
    return atomic_load_explicit(&context_current()->pending_work, memory_order_relaxed) &
           CONTEXT_PENDING_KILL;
}

/* Prepares `context` so that the first switch to it calls entry(argument) on the stack that ends at
 * `stack_top`, with interrupts enabled after thread_first_run (sched) was called with the context
 * that was left. */
void context_init(struct thread_context* context, void* stack_top, void (*entry)(void*),
                  void* argument);

/* FPU state of a user thread: allocated zeroed-to-architectural-default; false: no memory. */
bool context_fpu_create(struct thread_context* context);
void context_fpu_destroy(struct thread_context* context);

/* Leaves the kernel for the first time in this thread: registers zeroed but the given ones.
 * `entry` and `stack` were checked to be user addresses. Never returns. */
_Noreturn void context_enter_user(uintptr_t entry, uintptr_t stack, uint64_t argument1,
                                  uint64_t argument2);

/* Sets user mode's FS base of the current thread (thread pointer). */
void context_set_fs_base(uint64_t base);
