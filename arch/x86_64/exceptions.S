/* Entry and exit code of exceptions and interrupts. All gates turn interrupts off.
 *
 * The stack, from high to low: ss, rsp, rflags, cs and rip (pushed by the CPU); error code; vector
 * (pushed by the entry); general registers. This is struct exception_frame. */
#include "registers.h"

#define FRAME_RIP 136
#define FRAME_CS 144
#define FRAME_SIZE 176

/* Vectors for which the CPU pushes an error code: 8, 10 to 14, 17, 21, 29, 30. */
#define HAS_ERROR_CODE 0x60227d00

/* Closes SMAP by CLAC, which cpu_start.c puts in place of this no-operation of three bytes if the CPU
 * has SMAP: see USER_ACCESS_PATCH in arch/user_copy.h. */
.macro CLOSE_USER_ACCESS
9990:
    .byte 0x0f, 0x1f, 0x00
    .pushsection .smap_patches, "a"
    .quad 9990b, 0xca010f
    .popsection
.endm

.macro SAVE_REGISTERS
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
.endm

    .section .text, "ax"
    .balign 16
    .globl exception_entries
exception_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector >= 32 || !((HAS_ERROR_CODE >> (vector & 31)) & 1)
    push $0
    .endif
    pushq $vector
    .if vector == VECTOR_NMI || vector == VECTOR_DOUBLE_FAULT || vector == VECTOR_MACHINE_CHECK
    jmp exception_on_own_stack
    .else
    jmp exception_common
    .endif
    .set vector, vector + 1
    .endr

/* void exception_dispatch(struct exception_frame*): C, interrupts off, kernel GS. SMAP is closed
 * first: user mode may have set AC, which would leave it open.
 *
 * The last two words pushed look like a function's frame, so a backtrace continues in the
 * interrupted kernel code. After an exception of user mode the saved rbp is 0, and the backtrace
 * ends. */
exception_common:
    SAVE_REGISTERS
    CLOSE_USER_ACCESS
    mov %rsp, %rdi
    testb $3, FRAME_CS(%rsp)
    jz 1f
    swapgs
    xor %ebp, %ebp
1:  push FRAME_RIP(%rsp)
    push %rbp
    mov %rsp, %rbp
    call exception_dispatch
    add $16, %rsp

/* A new user thread leaves the kernel here too. */
    .globl exception_return
exception_return:
    testb $3, FRAME_CS(%rsp)
    jz 1f
    swapgs
1:  pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp /* vector, error code */
    iretq

/* NMI, double fault, machine check. They can come between SYSCALL and SWAPGS, so CS does not show
 * whether the kernel's GS is loaded. Nor does the sign of the GS base, because user mode can set
 * it. So the top of the stack of these exceptions holds the address of the struct cpu.
 *
 * exception_dispatch_own_stack never returns: it reports and stops. */
exception_on_own_stack:
    SAVE_REGISTERS
    CLOSE_USER_ACCESS
    mov FRAME_SIZE(%rsp), %rax
    mov %rax, %rdx
    shr $32, %rdx
    mov $MSR_GS_BASE, %ecx
    wrmsr
    mov %rsp, %rdi
    xor %ebp, %ebp
    call exception_dispatch_own_stack
    ud2

    .section .note.GNU-stack, "", @progbits
