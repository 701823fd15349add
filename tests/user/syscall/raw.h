/* System calls with registers of our choice. */
#pragma once

#include <stdint.h>

/* The argument registers and the result; what they hold afterwards is written back. */
struct raw_registers {
    uint64_t rax;
    uint64_t arguments[8]; /* rdi rsi rdx r10 r8 r9 r12 r13 */
    uint64_t kept[4];      /* rbx rbp r14 r15 */
    uint64_t rcx, r11;
    uint64_t flags;
    uint64_t instruction; /* the address behind the system call */
};

void raw_syscall(struct raw_registers* registers);
