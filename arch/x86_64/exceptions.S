/* The way in and out for exceptions and interrupts. All gates turn interrupts off.
 *
 * On the stack, from high to low: ss rsp rflags cs rip (the CPU), error code, vector (the entry),
 * general registers: struct exception_frame.
 */
#include "registers.h"

#define FRAME_CS 144
#define FRAME_RFLAGS 152
#define FRAME_SIZE 176

/* Vectors for which the CPU pushes an error code: 8, 10 to 14, 17, 21, 29, 30. */
#define HAS_ERROR_CODE 0x60227d00

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

.macro RESTORE_REGISTERS
    pop %r15
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
.endm

/* User mode may have set AC, which would hold SMAP open. */
.macro CLOSE_USER_ACCESS
    cmpb $0, smap_is_on(%rip)
    je 1f
    clac
1:
.endm

    .section .text, "ax"
    .balign 16
    .globl exception_entries
exception_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector < 32 && (HAS_ERROR_CODE >> (vector & 31)) & 1
    .else
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

/* void exception_dispatch(struct exception_frame*): C, interrupts off, kernel GS. */
exception_common:
    SAVE_REGISTERS
    CLOSE_USER_ACCESS
    testb $3, FRAME_CS(%rsp)
    jz 1f
    swapgs
1:  mov %rsp, %rdi
    mov %rsp, %rbp /* the frame chain for backtraces ends at the frame */
    call exception_dispatch

/* Also where a new user thread leaves the kernel. */
    .globl exception_return
exception_return:
    testb $3, FRAME_CS(%rsp)
    jz 1f
    swapgs
1:  RESTORE_REGISTERS
    iretq

/* NMI, double fault, machine check: they can come between SYSCALL and SWAPGS, so that neither CS nor
 * the sign of the GS base (user mode can set it) says whose GS is loaded. The top of each of these stacks
 * holds the CPU's address; the old base is put back on the way out. rbx, r12: the old base. */
exception_on_own_stack:
    SAVE_REGISTERS
    CLOSE_USER_ACCESS
    mov $MSR_GS_BASE, %ecx
    rdmsr
    mov %eax, %ebx
    mov %edx, %r12d
    mov FRAME_SIZE(%rsp), %rax
    mov %rax, %rdx
    shr $32, %rdx
    wrmsr
    mov %rsp, %rdi
    xor %ebp, %ebp
    call exception_dispatch_own_stack
    mov $MSR_GS_BASE, %ecx
    mov %ebx, %eax
    mov %r12d, %edx
    wrmsr
    RESTORE_REGISTERS
    iretq

    .section .note.GNU-stack, "", @progbits
