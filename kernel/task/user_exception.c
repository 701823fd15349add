/* An exception in user mode that the kernel could not resolve is logged, and ends the process. */
#include <arch/interrupt.h>
#include <arch/upcalls.h>
#include <debug/log.h>
#include <task/process.h>

#define RETURN_CODE_EXCEPTION (-1024) /* return code of such a process */

void user_exception(const struct exception_frame* frame, const char* name,
                    uintptr_t fault_address) {
    const struct process* process = process_current();
    log_error("process '%s' (%lu), thread '%s': %s at 0x%lx, error 0x%lx, address 0x%lx",
              process->name, process->object.koid, thread_current()->name, name, frame->rip,
              frame->error_code, fault_address);
    log_error("  rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx rsp %lx", frame->rax,
              frame->rbx, frame->rcx, frame->rdx, frame->rsi, frame->rdi, frame->rbp, frame->rsp);
    log_error("  r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx", frame->r8,
              frame->r9, frame->r10, frame->r11, frame->r12, frame->r13, frame->r14, frame->r15);
    process_exit_current(RETURN_CODE_EXCEPTION);
}
