/* Interrupts, exceptions and inter-processor messages, as the rest of the kernel sees them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The registers at an exception or interrupt, as the entry code pushed them. */
struct exception_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

static inline bool exception_frame_is_user(const struct exception_frame* frame) {
    return (frame->cs & 3) == 3;
}

/* Inter-processor interrupts. */
void ipi_reschedule(uint32_t cpu);
/* Runs function(argument) on every CPU in `cpu_mask` but this one, with interrupts off there, and
 * waits until all have. Interrupts must be on here. */
void ipi_call(uint32_t cpu_mask, void (*function)(void*), void* argument);

/* This CPU interrupts itself as soon as its interrupts are on, and calls soft_interrupt: for work
 * that must not be done where the caller is. Any context. */
void interrupt_raise_soft(void);

/* --- where arch calls up; each function is defined by the named room --------------------
 */

/* kernel/mm + object: a page fault. `address` faulted; true: resolved, resume. Called with
 * interrupts on when they were on. The user copy fault table is tried after this answered false. */
struct page_fault {
    uintptr_t address;
    bool is_write, is_execute, is_user, is_present;
};
bool page_fault_handle(const struct page_fault* fault);
/* kernel/mm: whether the page tables permit the access already. Interrupts on. */
bool page_fault_is_spurious(const struct page_fault* fault);
/* kernel/object: an exception of user mode that nothing resolved; kills the process. */
_Noreturn void user_exception(const struct exception_frame* frame, uintptr_t fault_address);
/* arch/pc: a device raised the ISA line (0-15). Interrupts off. */
void device_interrupt(uint32_t line);
/* kernel/sched: the one-shot timer fired; a reschedule IPI came; this CPU interrupted itself.
 * Interrupts off. */
void timer_interrupt(void);
void reschedule_interrupt(void);
void soft_interrupt(void);
/* kernel/sched: around the handler of each interrupt. What the first one returns goes to the
 * second.
 */
bool interrupt_begin(void);
void interrupt_end(bool was_handing_over);
/* kernel/sched: called last on the way out of an interrupt, interrupts off, when the interrupted
 * code was preemptible (preempt_count 0 with the reschedule bit set); may switch threads. */
void interrupt_preempt(void);
/* kernel/sched: called before going back to user mode (system call, interrupt, exception) when the
 * thread's context.pending_work is not 0. Does not return if the thread was killed. */
void thread_return_to_user(void);

const char* exception_name(uint64_t vector);
