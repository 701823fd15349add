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

/* Inter-processor interrupts. The receiving CPU calls reschedule_interrupt or ipi_call_interrupt
 * (arch/upcalls.h). */
void ipi_reschedule(uint32_t cpu);
void ipi_send_call(uint32_t cpu); /* for ipi_call */

/* Makes this CPU interrupt itself as soon as its interrupts are on; the interrupt calls
 * soft_interrupt. It is for work that the caller may not do in its own context. Any context. */
void interrupt_raise_soft(void);

/* A page fault, as page_fault_handle gets it. `address` is the address of the access that faulted.
 */
struct page_fault {
    uintptr_t address;
    bool is_write, is_execute, is_user;
};
