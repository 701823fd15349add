/* Exceptions and interrupts: handling them, and what must be done before the interrupted code
 * resumes. */
#include <arch/interrupt.h>

#include <stdatomic.h>

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/preempt.h>
#include <arch/upcalls.h>
#include <arch/user_copy.h>
#include <lib/compiler.h>
#include <lib/panic.h>

#include "cpu_internal.h"
#include "registers.h"

#define PAGE_FAULT_PRESENT (1u << 0)
#define PAGE_FAULT_WRITE (1u << 1)
#define PAGE_FAULT_USER (1u << 2)
#define PAGE_FAULT_EXECUTE (1u << 4)
#define PAGE_FAULT_ACCESS (PAGE_FAULT_WRITE | PAGE_FAULT_EXECUTE)
/* A reserved bit in an entry, protection keys, shadow stacks, SGX: no mapping resolves these
 * faults. */
#define PAGE_FAULT_OTHER_CAUSES ~(PAGE_FAULT_PRESENT | PAGE_FAULT_USER | PAGE_FAULT_ACCESS)

/* How often a fault may come again, at the same instruction and address: before the kernel checks
 * whether it is spurious, and before the kernel takes it for endless. */
#define REPEATS_UNCHECKED 64u
#define REPEATS_MAX 4096u

void exception_dispatch(struct exception_frame* frame);
void exception_dispatch_own_stack(struct exception_frame* frame);

static const char* const exception_names[] = {
    "divide error",
    "debug",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 floating point",
    "alignment check",
    "machine check",
    "SIMD floating point",
    "virtualization",
    "control protection",
};

static const char* exception_name(uint64_t vector) {
    return vector < ARRAY_LENGTH(exception_names) ? exception_names[vector] : "unknown exception";
}

/* A fault in a user copy routine continues at its entry in the fault table: see arch/user_copy.h.
 */
static bool resume_at_fixup(struct exception_frame* frame) {
    uintptr_t fixup = user_copy_fixup(frame->rip);
    if (!fixup)
        return false;
    frame->rip = fixup;
    return true;
}

/* A fault may come again after it was resolved, for good reasons: another thread takes the page
 * away, shares it, or resolved the fault first. It comes again without end if something forbids an
 * access that the page tables permit. Only such a fault is spurious each time.
 *
 * The limit is high: when many CPUs fault at one place together, all but the first find the fault
 * spurious. */
static bool can_make_progress(const struct exception_frame* frame, const struct page_fault* fault) {
    struct thread_context* context = context_current();
    if (context->fault_rip != frame->rip || context->fault_address != fault->address) {
        context->fault_rip = frame->rip;
        context->fault_address = fault->address;
        context->fault_repeats = 0;
        return true;
    }
    if (++context->fault_repeats < REPEATS_UNCHECKED)
        return true;
    if (!page_fault_is_spurious(fault))
        context->fault_repeats = 0;
    return context->fault_repeats < REPEATS_MAX;
}

/* For a fault with any other cause than a missing page. While the CPU runs user mode, it also makes
 * accesses in supervisor mode (it reads a descriptor table). A mapping does not help these. */
static NOINLINE bool can_be_resolved(const struct exception_frame* frame,
                                     const struct page_fault* fault) {
    if (frame->error_code & PAGE_FAULT_OTHER_CAUSES)
        return false;
    if (exception_frame_is_user(frame) && !fault->is_user)
        return false;
    return can_make_progress(frame, fault);
}

/* Returns false if the access is not legal, or cannot be made possible. Interrupts are on. */
static inline bool resolve(const struct exception_frame* frame, const struct page_fault* fault,
                           uint32_t usual_cause) {
    uint32_t cause = (uint32_t)frame->error_code & ~PAGE_FAULT_ACCESS;
    if (cause != usual_cause && !can_be_resolved(frame, fault))
        return false;
    return page_fault_handle(fault);
}

/* A fault in the kernel is legal only in a user copy routine, and there only at a user address.
 * With preemption off (a spinlock may be held) it is not resolved: the copy fails at once, and its
 * caller handles that. */
static void kernel_page_fault(struct exception_frame* frame, const struct page_fault* fault) {
    /* A small range that begins in user space may leave it by less than USER_SMALL_MAX bytes. */
    if (fault->address < USER_ADDRESS_END + USER_SMALL_MAX && user_copy_fixup(frame->rip)) {
        bool may_block = frame->rflags & RFLAGS_IF && preempt_depth() == 0;
        if (may_block) {
            interrupts_enable();
            bool is_resolved = resolve(frame, fault, 0);
            interrupts_disable();
            if (is_resolved)
                return;
        }
        resume_at_fixup(frame);
        return;
    }
    panic_with_frame(frame, "page fault in the kernel: %s of 0x%lx (%s)",
                     fault->is_execute ? "execution"
                     : fault->is_write ? "write"
                                       : "read",
                     fault->address,
                     frame->error_code & PAGE_FAULT_PRESENT ? "not permitted" : "not mapped");
}

static void page_fault(struct exception_frame* frame) {
    struct page_fault fault = {
        .address = cr2_read(),
        .is_write = frame->error_code & PAGE_FAULT_WRITE,
        .is_execute = frame->error_code & PAGE_FAULT_EXECUTE,
        .is_user = frame->error_code & PAGE_FAULT_USER,
    };
    if (!exception_frame_is_user(frame)) {
        kernel_page_fault(frame, &fault);
        return;
    }
    interrupts_enable();
    if (!resolve(frame, &fault, PAGE_FAULT_USER))
        user_exception(frame, exception_name(frame->vector), fault.address);
    interrupts_disable();
}

/* Does what was requested while the interrupted code ran: a reschedule or a kill. Interrupts off.
 * Only an interrupt preempts the kernel, and only where the kernel had interrupts on. Exceptions
 * never do. */
static void before_return(struct exception_frame* frame) {
    if (exception_frame_is_user(frame)) {
        if (this_cpu()->preempt_count == 0)
            interrupt_preempt();
        while (atomic_load_explicit(&context_current()->pending_work, memory_order_relaxed)) {
            interrupts_enable();
            thread_return_to_user();
            interrupts_disable();
        }
    } else if (frame->vector >= VECTOR_FIRST_INTERRUPT && frame->rflags & RFLAGS_IF &&
               this_cpu()->preempt_count == 0) {
        interrupt_preempt();
    }
}

void exception_dispatch(struct exception_frame* frame) {
    if (frame->vector == VECTOR_PAGE_FAULT) {
        page_fault(frame);
    } else if (frame->vector >= VECTOR_FIRST_INTERRUPT) {
        struct cpu* cpu = this_cpu();
        cpu->interrupt_depth++;
        cpu->statistics_interrupts++;
        interrupt_dispatch(frame);
        cpu->interrupt_depth--;
    } else if (exception_frame_is_user(frame)) {
        interrupts_enable();
        user_exception(frame, exception_name(frame->vector), 0);
    } else if (!resume_at_fixup(frame)) { /* general protection: a non-canonical user address */
        panic_with_frame(frame, "%s in the kernel", exception_name(frame->vector));
    }
    before_return(frame);
}

extern char boot_stack_guard[];

/* A push onto the guard page below a stack cannot be reported on that stack, so it becomes a double
 * fault. CR2 still holds the address. */
static bool is_stack_overflow(const struct exception_frame* frame) {
    uintptr_t address = cr2_read();
    return frame->vector == VECTOR_DOUBLE_FAULT &&
           (kernel_stack_is_guard(address) ||
            ALIGN_DOWN(address, PAGE_SIZE) == (uintptr_t)boot_stack_guard);
}

void exception_dispatch_own_stack(struct exception_frame* frame) {
    if (frame->vector == VECTOR_NMI && cpu_is_stopping())
        cpu_stop();
    if (frame->vector == VECTOR_NMI)
        emergency_console_run_anywhere(); /* the NMI button was pressed */
    if (is_stack_overflow(frame))
        panic_with_frame(frame, "kernel stack overflow");
    panic_with_frame(frame, "%s", exception_name(frame->vector));
}
