/* memcpy, memmove, memset, with C's prototypes. Blocks of up to 64 bytes (memset: 32) are moved by
 * loads and stores that overlap in the middle. Longer blocks use string instructions of 8 bytes.
 * The direction flag is clear, as always in the kernel. */
    .section .text, "ax"

    .balign 16
    .globl memcpy
    .type memcpy, @function
memcpy:
    mov %rdi, %rax
    cmp $16, %rdx
    ja memcpy_above_16
    cmp $8, %edx
    jae memcpy_8_to_16
    cmp $4, %edx
    jae memcpy_4_to_7
    test %edx, %edx
    jz 1f
    /* 1 to 3: the first, the middle and the last byte */
    movzbl (%rsi), %r10d
    movzbl -1(%rsi, %rdx), %ecx
    mov %edx, %r8d
    shr %r8d
    movzbl (%rsi, %r8), %r9d
    mov %r10b, (%rdi)
    mov %r9b, (%rdi, %r8)
    mov %cl, -1(%rdi, %rdx)
1:  ret

memcpy_4_to_7:
    mov (%rsi), %r8d
    mov -4(%rsi, %rdx), %ecx
    mov %r8d, (%rdi)
    mov %ecx, -4(%rdi, %rdx)
    ret

memcpy_8_to_16:
    mov (%rsi), %r8
    mov -8(%rsi, %rdx), %rcx
    mov %r8, (%rdi)
    mov %rcx, -8(%rdi, %rdx)
    ret

memcpy_above_64: /* the last 8 bytes, then all whole words */
    mov -8(%rsi, %rdx), %r8
    mov %r8, -8(%rdi, %rdx)
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    ret

memcpy_above_16:
    cmp $64, %rdx
    ja memcpy_above_64
    mov (%rsi), %rcx
    mov -16(%rsi, %rdx), %r8
    mov -8(%rsi, %rdx), %r9
    cmp $32, %edx
    jbe 2f
    mov 16(%rsi), %r10
    mov 24(%rsi), %r11
    mov %r10, 16(%rdi)
    mov %r11, 24(%rdi)
    mov -32(%rsi, %rdx), %r10
    mov -24(%rsi, %rdx), %r11
    mov %r10, -32(%rdi, %rdx)
    mov %r11, -24(%rdi, %rdx)
2:  mov 8(%rsi), %rsi
    mov %rcx, (%rdi)
    mov %rsi, 8(%rdi)
    mov %r8, -16(%rdi, %rdx)
    mov %r9, -8(%rdi, %rdx)
    ret
    .size memcpy, . - memcpy

/* Copies forwards, unless the destination begins inside the source. The kernel itself never calls
 * it, but a compiler may. */
    .globl memmove
    .type memmove, @function
memmove:
    mov %rdi, %rax
    mov %rdx, %rcx
    mov %rdi, %r8
    sub %rsi, %r8
    cmp %rdx, %r8
    jb memmove_backwards
    rep movsb
    ret
memmove_backwards:
    std
    lea -1(%rsi, %rdx), %rsi
    lea -1(%rdi, %rdx), %rdi
    rep movsb
    cld
    ret
    .size memmove, . - memmove

    .balign 16
    .globl memset
    .type memset, @function
memset:
    movzbl %sil, %esi
    movabs $0x0101010101010101, %rcx
    imul %rsi, %rcx
    mov %rdi, %rsi /* the result */
    mov %rcx, %rax
    cmp $32, %rdx
    ja memset_above_32
    cmp $16, %edx
    jae memset_16_to_32
    cmp $8, %edx
    jae memset_8_to_15
    mov %edx, %ecx
    rep stosb
    mov %rsi, %rax
    ret

memset_8_to_15:
    mov %rax, (%rdi)
    mov %rax, -8(%rdi, %rdx)
    mov %rsi, %rax
    ret

memset_16_to_32:
    mov %rax, (%rdi)
    mov %rax, 8(%rdi)
    mov %rax, -16(%rdi, %rdx)
    mov %rax, -8(%rdi, %rdx)
    mov %rsi, %rax
    ret

memset_above_32:
    mov %rax, -8(%rdi, %rdx)
    mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %rsi, %rax
    ret
    .size memset, . - memset

    .section .note.GNU-stack, "", @progbits
