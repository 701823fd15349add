/* From the loader to C, and from the start-up message of another CPU to C.
 *
 * The boot CPU has two entries: Multiboot2 (GRUB) and PVH (qemu -kernel). Both loaders leave the CPU
 * in 32-bit protected mode with flat segments; paging and interrupts are off. Another CPU comes from
 * real mode, by the trampoline. Until the jump to the higher half this code runs at its physical
 * address. So every symbol is written as PHYSICAL(symbol). */
#include "registers.h"

#define PHYSICAL(symbol) ((symbol) - 0xffffffff80000000)

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289
#define PVH_LOADER_MAGIC 0x336ec578 /* what hvm_start_info begins with */

#define BOOT_CODE_64 0x08 /* selectors of boot_gdt */
#define BOOT_CODE_32 0x10
#define BOOT_DATA 0x18

#define PAGE_PRESENT 0x1
#define PAGE_WRITABLE 0x2
#define PAGE_LARGE 0x80

#define CR0_PE 0x1
#define CR0_PG_WP_NE_MP_PE 0x80010023
#define CR4_OSXMMEXCPT_OSFXSR_PAE_DE 0x628

#define COM1 0x3f8
#define VGA_TEXT 0xb8000

    .section .multiboot, "a"
    .balign 8
multiboot_header:
    .long MULTIBOOT2_HEADER_MAGIC
    .long 0 /* i386, protected mode */
    .long multiboot_header_end - multiboot_header
    .long -(MULTIBOOT2_HEADER_MAGIC + (multiboot_header_end - multiboot_header))
    /* information request, optional: command line, modules, memory map, framebuffer, RSDPs */
    .balign 8
    .short 1, 1
    .long information_request_end - . + 4
    .long 1, 3, 6, 8, 14, 15
information_request_end:
    /* framebuffer, optional: any size, 32 bits a pixel */
    .balign 8
    .short 5, 1
    .long 20
    .long 0, 0, 32
    /* modules on page boundaries */
    .balign 8
    .short 6, 0
    .long 8
    .balign 8
    .short 0, 0
    .long 8
multiboot_header_end:

    .section .note.Xen, "a", @note
    .balign 4
    .long 4       /* size of the name */
    .long 4       /* size of the entry address */
    .long 18      /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long PHYSICAL(boot_entry_pvh)

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
boot_pml4:
    .skip 4096
boot_pdpt_low: /* the first 4 GiB, used by the identity map and by the direct map */
    .skip 4096
boot_pdpt_high: /* the kernel image: the first GiB at -2 GiB */
    .skip 4096
boot_pd:
    .skip 4 * 4096
    .globl boot_stack_guard, boot_stack_top
boot_stack_guard: /* not mapped by the final tables */
    .skip 4096
    .skip 16384
boot_stack_top:

    .section .data, "aw"
    /* The time stamp near the first instruction: uint64_t boot_entry_ticks. */
    .balign 8
    .globl boot_entry_ticks
boot_entry_ticks:
    .quad 0
    /* struct cpu_start (arch/cpu_start.h), for the boot CPU. */
    .globl cpu_start
cpu_start:
start_page_tables:
    .quad PHYSICAL(boot_pml4)
start_stack_top:
    .quad boot_stack_top
start_cpu:
    .quad all_cpus
start_entry:
    .quad kernel_main

    .section .rodata, "a"
no_long_mode_text:
    .asciz "Jacinth: this processor has no 64-bit mode\r\n"
serial_set_up: /* pairs of value and register: 115,200 baud, 8N1, no interrupts */
    .byte 0x00, 1, 0x80, 3, 0x01, 0, 0x00, 1, 0x03, 3, 0x07, 2, 0x03, 4
serial_set_up_end:
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00209a0000000000 /* 64-bit code */
    .quad 0x00cf9a000000ffff /* 32-bit code */
    .quad 0x00cf92000000ffff /* data */
boot_gdt_end:

/* --- 16-bit ---------------------------------------------------------------------------------- */

/* The board copies this to a page below 1 MiB. A CPU that is started begins at that page. */
    .globl trampoline_start, trampoline_end
    .code16
trampoline_start:
    cli
    lgdtl %cs:(boot_gdt_pointer - trampoline_start)
    mov $CR0_PE, %eax
    mov %eax, %cr0
    ljmpl $BOOT_CODE_32, $PHYSICAL(trampoline_entry)
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long PHYSICAL(boot_gdt)
trampoline_end:

/* --- 32-bit ---------------------------------------------------------------------------------- */

    .section .text.boot, "ax"
    .code32
    .globl boot_entry_multiboot2, boot_entry_pvh

/* ebx: hvm_start_info. */
boot_entry_pvh:
    mov $PVH_LOADER_MAGIC, %eax

/* eax: the loader's magic, ebx: its information. Both become arguments of kernel_main. */
boot_entry_multiboot2:
    mov %eax, %edi
    mov %ebx, %esi
    cld
    mov $PHYSICAL(boot_stack_top), %esp

    mov $0x80000000, %eax
    cpuid
    cmp $0x80000001, %eax
    jb no_long_mode
    mov $0x80000001, %eax
    cpuid
    test $(1 << 29), %edx
    jz no_long_mode
    rdtsc
    mov %eax, PHYSICAL(boot_entry_ticks)
    mov %edx, PHYSICAL(boot_entry_ticks) + 4
    call fill_page_tables
    lgdt PHYSICAL(boot_gdt_pointer)

enter_long_mode:
    mov $PHYSICAL(boot_pml4), %eax
    mov %eax, %cr3
    mov $CR4_OSXMMEXCPT_OSFXSR_PAE_DE, %eax
    mov %eax, %cr4
    mov $0x80000001, %eax
    cpuid
    mov %edx, %ebx
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    test $(1 << 20), %ebx
    jz 1f
    or $EFER_NXE, %eax
1:  wrmsr
    mov $CR0_PG_WP_NE_MP_PE, %eax
    mov %eax, %cr0
    ljmp $BOOT_CODE_64, $PHYSICAL(long_mode)

trampoline_entry:
    mov $BOOT_DATA, %eax
    mov %eax, %ds
    jmp enter_long_mode

/* 2 MiB pages over the first 4 GiB; clobbers eax, ecx. */
fill_page_tables:
    mov $PHYSICAL(boot_pd) + (PAGE_PRESENT | PAGE_WRITABLE), %eax
    mov %eax, PHYSICAL(boot_pdpt_high) + 510 * 8
    xor %ecx, %ecx
1:  mov %eax, PHYSICAL(boot_pdpt_low)(, %ecx, 8)
    add $4096, %eax
    inc %ecx
    cmp $4, %ecx
    jb 1b

    mov $(PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE), %eax
    xor %ecx, %ecx
1:  mov %eax, PHYSICAL(boot_pd)(, %ecx, 8)
    add $(2 << 20), %eax
    inc %ecx
    cmp $2048, %ecx
    jb 1b

    movl $PHYSICAL(boot_pdpt_low) + (PAGE_PRESENT | PAGE_WRITABLE), PHYSICAL(boot_pml4)
    movl $PHYSICAL(boot_pdpt_low) + (PAGE_PRESENT | PAGE_WRITABLE), PHYSICAL(boot_pml4) + 256 * 8
    movl $PHYSICAL(boot_pdpt_high) + (PAGE_PRESENT | PAGE_WRITABLE), PHYSICAL(boot_pml4) + 511 * 8
    ret

/* Prints the reason on the serial line and the text screen, and stops. */
no_long_mode:
    mov $PHYSICAL(serial_set_up), %esi
    mov $((serial_set_up_end - serial_set_up) / 2), %ecx
1:  lodsw
    movzbl %ah, %edx
    add $COM1, %edx
    out %al, %dx
    loop 1b

    mov $PHYSICAL(no_long_mode_text), %esi
    mov $VGA_TEXT, %edi
2:  lodsb
    test %al, %al
    jz 4f
    mov %al, %bl
    mov $(COM1 + 5), %edx
3:  in %dx, %al
    test $0x20, %al /* room for a byte; without a serial line the port reads as 0xff */
    jz 3b
    mov %bl, %al
    mov $COM1, %edx
    out %al, %dx
    cmp $' ', %al
    jb 2b
    mov $0x0f, %ah /* white on black */
    stosw
    jmp 2b

4:  mov $0x21, %eax /* the status of a boot that failed; see machine_exit */
    mov $0xf4, %edx
    out %eax, %dx
5:  cli
    hlt
    jmp 5b

/* --- 64-bit ---------------------------------------------------------------------------------- */

    .code64
long_mode:
    movabs $higher_half, %rax
    jmp *%rax

/* Only the final page tables are sure to map the stack of a CPU that is started. So cpu_start names
 * its page tables, too. */
higher_half:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %eax, %fs
    mov %eax, %gs
    mov start_page_tables, %rax
    mov %rax, %cr3
    mov start_stack_top, %rsp
    /* C code finds its CPU, and the stack protector its cookie, through GS. */
    mov start_cpu, %eax
    mov start_cpu + 4, %edx
    mov $MSR_GS_BASE, %ecx
    wrmsr

    mov %edi, %edi
    mov %esi, %esi
    xor %ebp, %ebp /* the end of every backtrace */
    call *start_entry
    ud2

    .section .note.GNU-stack, "", @progbits
