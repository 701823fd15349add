/* The system call path. From user mode: the number in rax; arguments in rdi rsi rdx r10 r8 r9 r12
 * r13. The CPU has put the return address in rcx and the flags in r11. It has cleared the flags in
 * FMASK (interrupts, direction and trap among them).
 *
 * The C functions keep rbx, rbp and r12 to r15. On return the other argument registers are zeroed,
 * so that user mode sees no values of the kernel.
 *
 * SYSRET to a non-canonical address would fault in ring 0. rcx cannot hold such an address: it is
 * the address behind a SYSCALL instruction, and the last page below the non-canonical addresses is
 * never mapped (USER_ADDRESS_END). An NMI anywhere in here has a stack of its own: see
 * exceptions.S.
 */
#define CPU_CURRENT 0x08
#define CPU_KERNEL_STACK_TOP 0x10
#define CPU_USER_STACK_SCRATCH 0x18
#define CONTEXT_PENDING_WORK 32
#define SYSCALL_MAX_NUMBER 128

    .section .text, "ax"
    .balign 64
    .globl syscall_entry
syscall_entry:
    swapgs
    mov %rsp, %gs:CPU_USER_STACK_SCRATCH
    mov %gs:CPU_KERNEL_STACK_TOP, %rsp
    push %gs:CPU_USER_STACK_SCRATCH
    push %rcx /* return address */
    push %r11 /* flags */
    sti
    push $0   /* C wants rsp 16-byte aligned at the call */
    push %r13
    push %r12
    mov %r10, %rcx
    cmp $SYSCALL_MAX_NUMBER, %rax
    jae unknown_number
    call *syscall_table(, %rax, 8)
syscall_done:
    cli
    mov %gs:CPU_CURRENT, %rdx
    cmpl $0, CONTEXT_PENDING_WORK(%rdx)
    jne pending_work
syscall_return:
    add $24, %rsp
    pop %r11
    pop %rcx
    pop %rsp
    xor %edi, %edi
    xor %esi, %esi
    xor %edx, %edx
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    swapgs
    sysretq

unknown_number:
    call sys_bad_syscall
    jmp syscall_done

/* The result is kept on the stack during the call. If the thread was killed, the call does not
 * return. */
pending_work:
    sti
    mov %rax, 16(%rsp)
    call thread_return_to_user
    mov 16(%rsp), %rax
    jmp syscall_done

    .section .note.GNU-stack, "", @progbits
