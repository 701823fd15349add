/* The instructions that touch user memory.
 *
 * size_t user_copy_raw(void* to, const void* from, size_t size);
 *   In: rdi, rsi, rdx. Returns 0 when all is copied; any other value: a fault. The caller has
 *   checked that the user's range has user addresses only. BULK_COPY_MIN bytes or more are
 *   copied by a routine of bulk.S.
 * user_copy_much, for arch/user_copy.h:
 *   In: rdi: to, rsi: from, rcx: the number of bytes, BULK_COPY_MIN or more. Access is open.
 *   Out: rcx: 0 when all is copied, 1 after a fault. Changes no register but these three.
 * size_t user_touch_raw(void* address, bool is_write);
 *   In: rdi, esi. Reads one byte; with is_write also writes it back. Returns 0 if that worked.
 *
 * None of these changes whether interrupts are on. SMAP is open between STAC and CLAC only. */

#include "user_access.inc"

#define BULK_COPY_MIN 1024 /* of arch/bulk.h */

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
    cmp $BULK_COPY_MIN, %rdx
    jae copy_much
    mov %rdx, %rcx
    shr $3, %rcx
1:  rep movsq
    and $7, %edx
    jz copy_done
    /* The rest is copied as one word, which ends with the last byte and overlaps what was copied.
     */
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

copy_much:
    call *bulk_copy(%rip)
    CLOSE_USER_ACCESS
    ret

    .globl user_copy_much
user_copy_much:
    push %rax
    push %rdx
    push %r8
    mov %rcx, %rdx
    call *bulk_copy(%rip)
    mov %eax, %ecx
    pop %r8
    pop %rdx
    pop %rax
    ret

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
