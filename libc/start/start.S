/* The first instruction of a program. The kernel leaves the handle of the bootstrap channel in edi
 * and the end of the first stack in rsp; all other registers are zero. It continues in _Noreturn
 * void start_c(zx_handle_t bootstrap) (start.c). */

    .section .text._start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp         /* a backtrace ends here */
    andq $-16, %rsp
    call start_c
    ud2
    .size _start, . - _start

    .section .note.GNU-stack, "", @progbits
