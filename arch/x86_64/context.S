/* Where a new thread begins. On the stack: the entry function and its argument, stored by
 * context_init. rdi: the context of the thread that ran before. Interrupts off. */
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
 *   rdi: a complete frame on this thread's stack. Interrupts off. */
    .globl context_enter_user_frame
context_enter_user_frame:
    mov %rdi, %rsp
    jmp exception_return

    .section .note.GNU-stack, "", @progbits
