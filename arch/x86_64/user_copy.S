/* The instructions that touch user memory, all of them.
 *
 * size_t user_copy_raw(void* to, const void* from, size_t size);
 *   rdi, rsi, rdx; 0: all copied. Any other answer: a fault. Ranges were checked to be user addresses.
 * size_t user_touch_raw(void* address, bool is_write);
 *   rdi, esi; reads one byte, or writes back what is there. 0: done.
 *
 * Interrupts stay as they are; SMAP is open between STAC and CLAC only. */

#include "user_access.inc"

.macro MAY_FAULT label
    .pushsection .fault_table, "a"
    .quad \label, user_copy_fault
    .popsection
.endm

    .section .text, "ax"
    .balign 16
    .globl user_copy_raw
user_copy_raw:
    OPEN_USER_ACCESS
    cmp $8, %rdx
    jb copy_few
    mov %rdx, %rcx
    shr $3, %rcx
1:  rep movsq
    and $7, %edx
    jz copy_done
    /* The rest, as the last part of a word that begins in what was copied. */
2:  mov -8(%rsi, %rdx), %rax
3:  mov %rax, -8(%rdi, %rdx)
copy_done:
    CLOSE_USER_ACCESS
    xor %eax, %eax
    ret

copy_few:
    test $4, %dl
    jz 9f
4:  mov (%rsi), %eax
5:  mov %eax, (%rdi)
    add $4, %rsi
    add $4, %rdi
9:  and $3, %edx
    jz copy_done
copy_byte:
10: mov (%rsi), %al
11: mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %edx
    jnz copy_byte
    jmp copy_done

    .globl user_touch_raw
user_touch_raw:
    OPEN_USER_ACCESS
    test %esi, %esi
    jnz 7f
6:  mov (%rdi), %al
    jmp copy_done
7:  lock orb $0, (%rdi)
    jmp copy_done

user_copy_fault:
    CLOSE_USER_ACCESS
    mov $1, %eax
    ret

    MAY_FAULT 1b
    MAY_FAULT 2b
    MAY_FAULT 3b
    MAY_FAULT 4b
    MAY_FAULT 5b
    MAY_FAULT 6b
    MAY_FAULT 7b
    MAY_FAULT 10b
    MAY_FAULT 11b

    .section .note.GNU-stack, "", @progbits
