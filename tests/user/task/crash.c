/* Every kind of exception in user mode ends the process, and nothing else. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define EXCEPTION_RETURN_CODE (-1024)
#define SURVIVED 77

typedef void (*crash_t)(void);

static void divide_by_zero(void) {
    __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx");
}

static void breakpoint(void) {
    __asm__ volatile("int3");
}

static void single_step(void) {
    __asm__ volatile("pushf; orq $0x100, (%rsp); popf; nop; nop");
}

static void undefined_instruction(void) {
    __asm__ volatile("ud2");
}

static void privileged_instruction(void) {
    __asm__ volatile("hlt");
}

static void write_control_register(void) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(0ul));
}

static void port_access(void) {
    __asm__ volatile("outb %%al, $0xe9" ::"a"(0));
}

static void software_interrupt(void) {
    __asm__ volatile("int $0x80");
}

static void interrupt_flag(void) {
    __asm__ volatile("cli");
}

static void swap_gs(void) {
    __asm__ volatile("swapgs");
}

static void read_null(void) {
    __asm__ volatile("mov (%0), %%eax" ::"r"(0ul) : "eax");
}

static void read_kernel(void) {
    __asm__ volatile("mov (%0), %%eax" ::"r"(0xffffffff80000000ul) : "eax");
}

static void read_not_canonical(void) {
    __asm__ volatile("mov (%0), %%eax" ::"r"(0x8000000000000000ul) : "eax");
}

static void stack_not_canonical(void) {
    __asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(0x8000000000000000ul));
}

static void write_code(void) {
    *(volatile char*)(uintptr_t)write_code = 0;
}

static void run_data(void) {
    static unsigned char code[] = {0xc3};
    ((crash_t)(uintptr_t)code)();
}

static void run_stack(void) {
    unsigned char code[] = {0xc3};
    __asm__ volatile("call *%0" ::"r"(code), "m"(code));
}

static void jump_to_null(void) {
    __asm__ volatile("jmp *%0" ::"r"(0ul));
}

static void jump_to_kernel(void) {
    __asm__ volatile("jmp *%0" ::"r"(0xffffffff80000000ul));
}

static void jump_not_canonical(void) {
    __asm__ volatile("jmp *%0" ::"r"(0x8000000000000000ul));
}

static void unaligned_vector(void) {
    char bytes[32] = {0};
    __asm__ volatile("movaps (%0), %%xmm0" ::"r"(((uintptr_t)bytes & ~15ul) + 1), "m"(bytes)
                     : "xmm0");
}

static void x87_arithmetic(void) {
    uint16_t unmasked = 0x0360;
    __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait" ::"m"(unmasked));
}

static void stack_overflow(void) {
    static volatile crash_t itself = stack_overflow;
    volatile char frame[1024];
    frame[0] = 0;
    itself();
    frame[1] = frame[0]; /* no tail call */
}

/* --- far returns -------------------------------------------------------------------------------
 *
 * What they take from the stack is never a good frame: zeros, or nothing at all. Some machines read
 * it as user mode would, others as the system does, which SMAP forbids on each page of a program.
 */

static char zeros[2 * PAGE] __attribute__((aligned(PAGE)));

static zx_vaddr_t frame_of_zeros(void) {
    memset(zeros, 0, sizeof(zeros));
    return (zx_vaddr_t)zeros;
}

/* Mapped, and no page is there yet. */
static zx_vaddr_t frame_untouched(void) {
    zx_handle_t vmo;
    zx_vaddr_t address = 0;
    zx_vmo_create(PAGE, 0, &vmo);
    zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, PAGE, &address);
    return address;
}

static zx_vaddr_t frame_read_only(void) {
    return (zx_vaddr_t)read_only_page();
}

static zx_vaddr_t frame_inaccessible(void) {
    return (zx_vaddr_t)inaccessible_page();
}

static zx_vaddr_t frame_unmapped(void) {
    return 8;
}

static zx_vaddr_t frame_half_mapped(void) {
    return (zx_vaddr_t)guarded_buffer(PAGE) + PAGE - 8;
}

static zx_vaddr_t frame_in_kernel(void) {
    return 0xffffffff80000000;
}

static zx_vaddr_t frame_not_canonical(void) {
    return 0x8000000000000000;
}

#define FAR_RETURNS(frame)                                                  \
    static void iretq_##frame(void) {                                       \
        __asm__ volatile("mov %0, %%rsp; iretq" ::"r"(frame()) : "memory"); \
    }                                                                       \
    static void lretq_##frame(void) {                                       \
        __asm__ volatile("mov %0, %%rsp; lretq" ::"r"(frame()) : "memory"); \
    }
#define FAR_RETURN_ENTRIES(frame)       \
    {"iretq_" #frame, iretq_##frame}, { \
        "lretq_" #frame, lretq_##frame  \
    }

FAR_RETURNS(frame_of_zeros)
FAR_RETURNS(frame_untouched)
FAR_RETURNS(frame_read_only)
FAR_RETURNS(frame_inaccessible)
FAR_RETURNS(frame_unmapped)
FAR_RETURNS(frame_half_mapped)
FAR_RETURNS(frame_in_kernel)
FAR_RETURNS(frame_not_canonical)

/* The system call's return address would be the first one past user space. */
static void system_call_at_the_last_address(void) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    const zx_vaddr_t last_page = 0x00007fffffffe000, root_base = 0x10000;
    zx_vmo_create(PAGE, 0, &vmo);
    zx_vmo_write(vmo, "\x0f\x05", PAGE - 2, 2); /* syscall */
    if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC,
                    last_page - root_base, vmo, 0, PAGE, &address) == ZX_OK)
        __asm__ volatile("xor %%eax, %%eax; jmp *%0" ::"r"(address + PAGE - 2) : "rax");
}

static const struct {
    const char* name;
    crash_t crash;
} crashes[] = {
    {"divide_by_zero", divide_by_zero},
    {"breakpoint", breakpoint},
    {"single_step", single_step},
    {"undefined_instruction", undefined_instruction},
    {"privileged_instruction", privileged_instruction},
    {"write_control_register", write_control_register},
    {"port_access", port_access},
    {"software_interrupt", software_interrupt},
    {"interrupt_flag", interrupt_flag},
    {"swap_gs", swap_gs},
    {"read_null", read_null},
    {"read_kernel", read_kernel},
    {"read_not_canonical", read_not_canonical},
    {"stack_not_canonical", stack_not_canonical},
    {"write_code", write_code},
    {"run_data", run_data},
    {"run_stack", run_stack},
    {"jump_to_null", jump_to_null},
    {"jump_to_kernel", jump_to_kernel},
    {"jump_not_canonical", jump_not_canonical},
    {"unaligned_vector", unaligned_vector},
    {"x87_arithmetic", x87_arithmetic},
    {"stack_overflow", stack_overflow},
    {"system_call_at_the_last_address", system_call_at_the_last_address},
    FAR_RETURN_ENTRIES(frame_of_zeros),
    FAR_RETURN_ENTRIES(frame_untouched),
    FAR_RETURN_ENTRIES(frame_read_only),
    FAR_RETURN_ENTRIES(frame_inaccessible),
    FAR_RETURN_ENTRIES(frame_unmapped),
    FAR_RETURN_ENTRIES(frame_half_mapped),
    FAR_RETURN_ENTRIES(frame_in_kernel),
    FAR_RETURN_ENTRIES(frame_not_canonical),
};

HELPER(crashes) {
    uint32_t index;
    if (channel_receive(channel, &index, sizeof(index), NULL, NULL, 0, NULL) == ZX_OK)
        crashes[index].crash();
    return SURVIVED;
}

TEST(exception, of_every_kind_ends_the_process_only) {
    for (uint32_t i = 0; i < countof(crashes); i++) {
        struct helper helper;
        int64_t code = 0;
        CHECK(helper_start(&helper, "crashes"));
        EXPECT_OK(zx_channel_write(helper.channel, 0, &i, sizeof(i), NULL, 0));
        zx_status_t status = helper_wait(&helper, &code);
        bool released = object_signals(helper.channel) & ZX_CHANNEL_PEER_CLOSED;
        helper_close(&helper);
        if (status != ZX_OK || code != EXCEPTION_RETURN_CODE || !released)
            test_fail(__FILE__, __LINE__, "%s: %s, return code %lld", crashes[i].name,
                      status_name(status), (long long)code);
    }
}

TEST(exception, leaks_nothing) {
    uint32_t read_null_index = 10;
    EXPECT_STRING(crashes[read_null_index].name, "read_null");
    zx_info_kernel_memory_t before = {0};
    for (int i = 0; i < 6; i++) {
        struct helper helper;
        int64_t code;
        if (i == 1)
            before = kernel_memory();
        CHECK(helper_start(&helper, "crashes"));
        EXPECT_OK(zx_channel_write(helper.channel, 0, &read_null_index, sizeof(uint32_t), NULL, 0));
        EXPECT_OK(helper_wait(&helper, &code));
        helper_close(&helper);
    }
    CHECK(expect_no_leak(&before, 8));
}
