/* The system call path. User mode: number in rax; arguments rdi rsi rdx r10 r8 r9 r12 r13.
 * The CPU left the return address in rcx and the flags in r11 and turned off what FMASK names
 * (interrupts, direction, trap, alignment check).
 *
 * Only what C may clobber is lost: rbx, rbp and r12 to r15 are C's to keep. On return the argument
 * registers are zeroed, so that nothing of the kernel shows.
 *
 * SYSRET to a non-canonical address would fault in ring 0. rcx cannot hold one: it is the address
 * behind a SYSCALL instruction, and no program owns the last page below the hole
 * (USER_ADDRESS_END). An NMI anywhere in here comes on a stack of its own: see exceptions.S.
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

/* The result is kept over the call; a killed thread does not come back from it. */
pending_work:
    sti
    mov %rax, 16(%rsp)
    call thread_return_to_user
    mov 16(%rsp), %rax
    jmp syscall_done

    .section .note.GNU-stack, "", @progbits
