/* A thread's saved machine state. arch/context_switch.h has the switch between threads. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <arch/cpu.h>

/* The first member of struct thread. */
struct thread_context {
    uint64_t stack_pointer;            /* of the kernel, while the thread does not run */
    uint64_t fs_base;                  /* of user mode: its thread pointer */
    uint64_t gs_base;                  /* of user mode */
    void* fpu_state;                   /* NULL for kernel threads: they never touch the FPU */
    _Atomic uint32_t pending_work;     /* not 0: thread_return_to_user has work */
    uint32_t fault_repeats;            /* how often the page fault below was repeated */
    uint64_t fault_rip, fault_address; /* of the last page fault */
};
#define CONTEXT_PENDING_WORK 32 /* offset of pending_work, for the system call exit */
#define CONTEXT_PENDING_KILL 1u /* the bit of `pending_work` that says that the thread must end */

/* Returns the running thread's context. It is the first member of struct thread, so arch needs no
 * other part of that structure. */
static inline struct thread_context* context_current(void) {
    return (struct thread_context*)thread_current();
}

/* Returns whether the running thread was killed. Code that may not use threads checks this in long
 * loops, and then returns CANCELED. User mode never sees that error: the thread ends first. */
static inline bool context_is_killed(void) {
    return atomic_load_explicit(&context_current()->pending_work, memory_order_relaxed) &
           CONTEXT_PENDING_KILL;
}

/* Prepares `context` and its stack, which ends at `stack_top`. The first switch to it calls
 * thread_first_run with the context of the thread that ran before. Then it turns interrupts on and
 * calls entry(argument). */
void context_init(struct thread_context* context, void* stack_top, void (*entry)(void*),
                  void* argument);

/* Allocates the FPU state of a user thread, with the initial values of all registers. False: no
 * memory. */
bool context_fpu_create(struct thread_context* context);
void context_fpu_destroy(struct thread_context* context);

/* Goes to user mode for the first time in this thread. All general registers are 0 but the given
 * ones. The caller has checked that `entry` and `stack` are user addresses. Never returns. */
_Noreturn void context_enter_user(uintptr_t entry, uintptr_t stack, uint64_t argument1,
                                  uint64_t argument2);

/* Sets the current thread's FS base in user mode, its thread pointer. */
void context_set_fs_base(uint64_t base);
