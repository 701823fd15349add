/* Where a started CPU begins: in real mode, at the page whose number is in the start-up message.
 * start_cpus.c copies this code to that page (below 1 MiB) and fills in the words at its end.
 *
 * The boot page tables map the first 4 GiB one to one, so this code can turn paging on. Until then
 * every address is written relative to the page.
 */
#define RELATIVE(symbol) ((symbol) - trampoline_start)

#define CR0_PE 0x1
#define CR0_PG_WP_PE 0x80010001
#define CR4_PAE_OSFXSR 0x220
#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101
#define EFER_LME 0x100
#define EFER_NXE 0x800

    .section .rodata, "a"
    .balign 16
    .globl trampoline_start, trampoline_end, trampoline_words
    .code16
trampoline_start:
    cli
    cld
    mov %cs, %ax
    mov %ax, %ds
    movzwl %ax, %ebx
    shl $4, %ebx /* the page's address */

    /* The pointer to the descriptor table and the far pointer contain this address too. */
    lea RELATIVE(gdt)(%ebx), %eax
    mov %eax, RELATIVE(gdt_pointer) + 2
    lea RELATIVE(long_entry)(%ebx), %eax
    mov %eax, RELATIVE(long_pointer)

    lgdtl RELATIVE(gdt_pointer)
    mov $CR4_PAE_OSFXSR, %eax
    mov %eax, %cr4
    mov RELATIVE(page_tables), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    or RELATIVE(efer_bits), %eax
    wrmsr
    mov $CR0_PG_WP_PE, %eax
    mov %eax, %cr0
    ljmpl *RELATIVE(long_pointer)

    .code64
long_entry: /* rbx: the page's address */
    mov %ebx, %ebx
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov RELATIVE(final_tables)(%rbx), %rdx
    mov RELATIVE(stack)(%rbx), %rsi
    mov RELATIVE(cpu)(%rbx), %rdi
    mov RELATIVE(entry)(%rbx), %rax
    mov $secondary_start, %rcx
    jmp *%rcx

    .balign 8
gdt:
    .quad 0
    .quad 0x00209a0000000000 /* 64-bit code */
gdt_end:
gdt_pointer:
    .short gdt_end - gdt - 1
    .long 0
    .balign 8
long_pointer:
    .long 0
    .short 8
    .balign 8
/* struct trampoline_words in start_cpus.c */
trampoline_words:
page_tables:
    .long 0
efer_bits:
    .long 0
final_tables:
    .quad 0
stack:
    .quad 0
cpu:
    .quad 0
entry:
    .quad 0
trampoline_end:

/* In the higher half, which the boot tables and the final tables both map. rdx: the final tables,
 * rsi: the stack, rdi: the struct cpu, rax: the C function. Only the final tables are sure to map
 * the stack, so they are loaded first. */
    .section .text, "ax"
secondary_start:
    mov %rdx, %cr3
    mov %rsi, %rsp
    mov %rax, %rsi
    mov $MSR_GS_BASE, %ecx /* from here on C code finds its CPU and its stack cookie */
    mov %edi, %eax
    mov %rdi, %rdx
    shr $32, %rdx
    wrmsr
    xor %ebp, %ebp
    push %rbp /* in place of a return address */
    jmp *%rsi

    .section .note.GNU-stack, "", @progbits
