/* void context_switch_stacks(uint64_t* save_stack_pointer, uint64_t new_stack_pointer);
 *
 * rdi: where the old rsp goes, rsi: the new rsp. Saves what C expects to survive a call. Interrupts
 * off, kernel GS. Returns on the new stack. */
    .section .text, "ax"
    .globl context_switch_stacks
context_switch_stacks:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

/* Where a new thread begins: r12 entry, r13 argument (context_init put them there). Interrupts
 * off. */
    .globl context_first_run
context_first_run:
    xor %ebp, %ebp
    call thread_first_run
    sti
    mov %r13, %rdi
    call *%r12
    call thread_exit_current
    ud2

/* _Noreturn void context_enter_user_frame(const struct exception_frame* frame);
 * rdi: a complete frame on this thread's stack. Interrupts off. */
    .globl context_enter_user_frame
context_enter_user_frame:
    mov %rdi, %rsp
    jmp exception_return

    .section .note.GNU-stack, "", @progbits
