/* Where a new thread begins: on the stack its entry and the argument, put there by context_init;
 * rdi: whose place it took. Interrupts off. */
    .section .text, "ax"
    .globl context_first_run
context_first_run:
    pop %r12
    pop %r13
    call thread_first_run
    sti
    mov %r13, %rdi
    call *%r12
    call thread_entry_returned
    ud2

/* _Noreturn void context_enter_user_frame(const struct exception_frame* frame);
 * rdi: a complete frame on this thread's stack. Interrupts off. */
    .globl context_enter_user_frame
context_enter_user_frame:
    mov %rdi, %rsp
    jmp exception_return

    .section .note.GNU-stack, "", @progbits
