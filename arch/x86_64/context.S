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
    call thread_exit_current
    ud2

/* Calls preempt_reschedule and keeps every register but the flags. Preemption is on; kernel GS. */
    .globl preempt_reschedule_keeping
preempt_reschedule_keeping:
    push %rbp
    mov %rsp, %rbp
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    sub $8, %rsp
    call preempt_reschedule
    add $8, %rsp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    pop %rbp
    ret

/* _Noreturn void context_enter_user_frame(const struct exception_frame* frame);
 * rdi: a complete frame on this thread's stack. Interrupts off. */
    .globl context_enter_user_frame
context_enter_user_frame:
    mov %rdi, %rsp
    jmp exception_return

    .section .note.GNU-stack, "", @progbits
