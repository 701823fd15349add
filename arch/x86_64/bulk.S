/* Three ways to copy a kilobyte or more, and to clear a page: see arch/bulk.h.
 *
 * size_t bulk_copy_...(void* to, const void* from, size_t size);
 *   In: rdi, rsi, rdx. Returns 0 when all is copied, 1 after a fault. The caller has opened access
 *   to user memory. Changes only rax, rcx, rdx, rsi, rdi and r8, because user_copy_much saves no
 *   other registers.
 * void bulk_clear_...(void* page);
 *   In: rdi.
 * user_copy_much, for arch/user_copy.h:
 *   In: rdi: to, rsi: from, rcx: the number of bytes, BULK_COPY_MIN or more. Access is open.
 *   Out: rcx: 0 when all is copied, 1 after a fault. Changes no register but these three.
 *
 * The direction flag is clear; interrupts may be on. */

#define PAGE_SIZE 4096
#define STATE_AVX (1 << 2) /* of XCR0: the upper halves of the 16 ymm registers */
#define STATE_ZMM (1 << 6) /* of XCR0: the upper halves of the zmm registers (AVX-512) */

#define VECTOR 32
#define BLOCK (8 * VECTOR) /* copied in one round of the loop */
#define STRETCH (16 * VECTOR) /* cleared in one round */

.macro MAY_FAULT label, fixup
    .pushsection .fault_table, "a"
    .quad \label, \fixup
    .popsection
.endm

    .section .text, "ax"
    .balign 16
    .globl bulk_copy_words
bulk_copy_words:
    mov %rdx, %rcx
    shr $3, %rcx
1:  rep movsq
    and $7, %edx
    jz 4f
    /* The rest is copied as one word, which ends with the last byte and overlaps what was copied.
     */
2:  mov -8(%rsi, %rdx), %rax
3:  mov %rax, -8(%rdi, %rdx)
4:  xor %eax, %eax
    ret
    MAY_FAULT 1b, copy_fault
    MAY_FAULT 2b, copy_fault
    MAY_FAULT 3b, copy_fault

    .globl bulk_copy_bytes
bulk_copy_bytes:
    mov %rdx, %rcx
1:  rep movsb
    xor %eax, %eax
    ret
    MAY_FAULT 1b, copy_fault

copy_fault:
    mov $1, %eax
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

    .balign 16
    .globl bulk_clear_words
bulk_clear_words:
    xor %eax, %eax
    mov $PAGE_SIZE / 8, %ecx
    rep stosq
    ret

    .globl bulk_clear_bytes
bulk_clear_bytes:
    xor %eax, %eax
    mov $PAGE_SIZE, %ecx
    rep stosb
    ret

/* --- vectors ------------------------------------------------------------------------------------
 *
 * ymm0 and ymm1 hold values of the program that runs on this thread. They are saved on the thread's
 * kernel stack, and restored at the end. A switch in between saves the values that this code has
 * put there, as part of the thread's FPU state. An exception in between may use these routines
 * too; it restores the values that it found.
 *
 * XGETBV returns in eax which vector registers are in use. If AVX-512 state is, words are moved
 * instead, because a write to a ymm register clears the rest of the zmm register. If the upper
 * halves of the ymm registers were not in use, RETURN_VECTORS marks them as unused again. So the
 * program's SSE instructions stay fast, and its saved state small. */

.macro BORROW_VECTORS otherwise
    mov $1, %ecx
    xgetbv
    test $STATE_ZMM, %al
    jnz \otherwise
    sub $2 * VECTOR, %rsp
    vmovdqu %ymm0, (%rsp)
    vmovdqu %ymm1, VECTOR(%rsp)
.endm

.macro RETURN_VECTORS
    vmovdqu (%rsp), %ymm0
    vmovdqu VECTOR(%rsp), %ymm1
    add $2 * VECTOR, %rsp
    test $STATE_AVX, %al
    jnz 9990f
    vzeroupper
9990:
.endm

.macro COPY_TWO_VECTORS at
9991: vmovdqu \at(%rsi, %rcx), %ymm0
9992: vmovdqu \at + VECTOR(%rsi, %rcx), %ymm1
9993: vmovdqu %ymm0, \at(%rdi, %rcx)
9994: vmovdqu %ymm1, \at + VECTOR(%rdi, %rcx)
    MAY_FAULT 9991b, vector_fault
    MAY_FAULT 9992b, vector_fault
    MAY_FAULT 9993b, vector_fault
    MAY_FAULT 9994b, vector_fault
.endm

/* r8: the bytes that do not fill a block; later the result: 0, or 1 after a fault. rcx counts up to
 * 0. */
    .balign 16
    .globl bulk_copy_vectors
bulk_copy_vectors:
    mov %rdx, %r8
    BORROW_VECTORS otherwise=many_in_use
    mov %r8, %rcx
    and $-BLOCK, %rcx
    add %rcx, %rsi
    add %rcx, %rdi
    neg %rcx
copy_blocks:
    .set offset, 0
    .rept BLOCK / (2 * VECTOR)
    COPY_TWO_VECTORS offset
    .set offset, offset + 2 * VECTOR
    .endr
    add $BLOCK, %rcx
    jnz copy_blocks
    and $BLOCK - 1, %r8d
    jnz copy_last_block
copy_vectors_end:
    RETURN_VECTORS
    mov %r8d, %eax
    ret

copy_last_block: /* this block ends with the last byte, and overlaps what was copied */
    add %r8, %rsi
    add %r8, %rdi
    mov $-BLOCK, %rcx
    xor %r8d, %r8d
    jmp copy_blocks

vector_fault:
    mov $1, %r8d
    jmp copy_vectors_end

many_in_use:
    mov %r8, %rdx
    jmp bulk_copy_words

    .balign 16
    .globl bulk_clear_vectors
bulk_clear_vectors:
    BORROW_VECTORS otherwise=bulk_clear_words
    vpxor %xmm0, %xmm0, %xmm0 /* this clears the upper half of ymm0 too */
    add $PAGE_SIZE, %rdi
    mov $-PAGE_SIZE, %rcx
1:  .set offset, 0
    .rept STRETCH / VECTOR
    vmovdqa %ymm0, offset(%rdi, %rcx)
    .set offset, offset + VECTOR
    .endr
    add $STRETCH, %rcx
    jnz 1b
    RETURN_VECTORS
    ret

    .section .note.GNU-stack, "", @progbits
