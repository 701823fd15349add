/* memcpy, memmove, memset: C's prototypes. Blocks below 128 bytes go by 8-byte moves, longer ones by
 * string instructions of 8 bytes; direction flag clear, as always in the kernel. */
    .section .text, "ax"

    .balign 16
    .globl memcpy
    .type memcpy, @function
memcpy:
    mov %rdi, %rax
    cmp $128, %rdx
    jae 3f
    mov %edx, %ecx
    shr $3, %ecx
    jz 2f
1:  mov (%rsi), %r8
    mov %r8, (%rdi)
    add $8, %rsi
    add $8, %rdi
    dec %ecx
    jnz 1b
2:  and $7, %edx
    jz 5f
4:  mov (%rsi), %r8b
    mov %r8b, (%rdi)
    inc %rsi
    inc %rdi
    dec %edx
    jnz 4b
5:  ret
3:  mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    jmp 2b
    .size memcpy, . - memcpy

/* Backwards when the destination begins inside the source. */
    .balign 16
    .globl memmove
    .type memmove, @function
memmove:
    mov %rdi, %rax
    sub %rsi, %rax
    cmp %rdx, %rax
    jae memcpy
    mov %rdi, %rax
    mov %rdx, %rcx
    lea -1(%rdi, %rdx), %rdi
    lea -1(%rsi, %rdx), %rsi
    std
    rep movsb
    cld
    ret
    .size memmove, . - memmove

    .balign 16
    .globl memset
    .type memset, @function
memset:
    mov %rdi, %r9
    movzbl %sil, %eax
    movabs $0x0101010101010101, %rcx
    imul %rcx, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    and $7, %ecx
    rep stosb
    mov %r9, %rax
    ret
    .size memset, . - memset

    .section .note.GNU-stack, "", @progbits
