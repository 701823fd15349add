/* The way in and out of the kernel: numbers, registers, flags. */
#include "raw.h"
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <syscalls/numbers.h>

#define FLAG_CARRY (1ul << 0)
#define FLAG_ALWAYS (1ul << 1)
#define FLAG_DIRECTION (1ul << 10)
#define FLAG_ALIGNMENT_CHECK (1ul << 18)
#define FLAG_ID (1ul << 21)
#define FLAG_INTERRUPTS (1ul << 9)

static zx_status_t call_number(uint64_t number) {
    struct raw_registers registers = {.rax = number, .flags = FLAG_ALWAYS};
    raw_syscall(&registers);
    return (zx_status_t)registers.rax;
}

TEST(syscall, null_returns_ok_in_both_generations) {
    EXPECT_OK(zx_syscall_null());
    EXPECT_EQUAL(mx_syscall_null(), MX_OK);
}

TEST(syscall, unknown_numbers_are_bad_syscall) {
    static const uint64_t numbers[] = {7,         127,        128,        129,           255,
                                       1000,      INT32_MAX,  UINT32_MAX, 1ul << 32,     1ul << 63,
                                       INT64_MIN, UINT64_MAX, 1ul << 61,  UINT64_MAX / 8};
    for (size_t i = 0; i < countof(numbers); i++)
        EXPECT_STATUS(call_number(numbers[i]), ZX_ERR_BAD_SYSCALL);
}

TEST(syscall, registers_of_the_caller_are_kept_and_none_of_the_kernel_show) {
    struct raw_registers before = {
        .rax = SYSCALL_zx_syscall_null,
        .arguments = {0x1111111111111111, 0x2222222222222222, 0x3333333333333333,
                      0x4444444444444444, 0x5555555555555555, 0x6666666666666666,
                      0x7777777777777777, 0x8888888888888888},
        .kept = {0x9999999999999999, 0xaaaaaaaaaaaaaaaa, 0xbbbbbbbbbbbbbbbb, 0xcccccccccccccccc},
        .flags = FLAG_ALWAYS,
    };
    struct raw_registers after = before;
    raw_syscall(&after);
    EXPECT_EQUAL(after.rax, ZX_OK);
    for (size_t i = 0; i < 8; i++)
        EXPECT(after.arguments[i] == 0 || after.arguments[i] == before.arguments[i]);
    /* r12 and r13 are the C compiler's to rely on. */
    EXPECT_EQUAL(after.arguments[6], before.arguments[6]);
    EXPECT_EQUAL(after.arguments[7], before.arguments[7]);
    for (size_t i = 0; i < countof(before.kept); i++)
        EXPECT_EQUAL(after.kept[i], before.kept[i]);
    EXPECT_EQUAL(after.rcx, after.instruction);
}

TEST(syscall, flags_of_the_caller_come_back) {
    static const uint64_t flags[] = {FLAG_ALWAYS | FLAG_DIRECTION, FLAG_ALWAYS | FLAG_CARRY,
                                     FLAG_ALWAYS | FLAG_ALIGNMENT_CHECK, FLAG_ALWAYS | FLAG_ID};
    for (size_t i = 0; i < countof(flags); i++) {
        struct raw_registers registers = {.rax = SYSCALL_zx_syscall_null, .flags = flags[i]};
        raw_syscall(&registers);
        EXPECT_EQUAL(registers.rax, ZX_OK);
        EXPECT_EQUAL(registers.flags, flags[i] | FLAG_INTERRUPTS);
    }
}

/* The kernel must not copy backwards, whatever the caller's direction flag says. */
TEST(syscall, direction_flag_does_not_disturb_copies) {
    char text[64] = "before", expected[64] = "before";
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(PAGE_SIZE_BYTES, 0, &vmo));
    struct raw_registers registers = {
        .rax = SYSCALL_zx_vmo_write,
        .arguments = {(uint64_t)vmo, (uint64_t)text, 0, sizeof(text)},
        .flags = FLAG_ALWAYS | FLAG_DIRECTION,
    };
    raw_syscall(&registers);
    EXPECT_EQUAL(registers.rax, ZX_OK);
    memset(text, 0, sizeof(text));
    EXPECT_OK(zx_vmo_read(vmo, text, 0, sizeof(text)));
    EXPECT_BYTES(text, expected, sizeof(text));
    EXPECT_OK(zx_handle_close(vmo));
}

/* 32-bit arguments come in 64-bit registers; what stands above does not count. */
TEST(syscall, upper_halves_of_narrow_arguments_are_ignored) {
    zx_handle_t event = ZX_HANDLE_INVALID;
    struct raw_registers registers = {
        .rax = SYSCALL_zx_event_create,
        .arguments = {0xdeadbeef00000000, (uint64_t)&event},
        .flags = FLAG_ALWAYS,
    };
    raw_syscall(&registers);
    EXPECT_EQUAL((zx_status_t)registers.rax, ZX_OK);
    registers = (struct raw_registers){
        .rax = SYSCALL_zx_handle_close,
        .arguments = {0xffffffff00000000 | (uint32_t)event},
        .flags = FLAG_ALWAYS,
    };
    raw_syscall(&registers);
    EXPECT_EQUAL((zx_status_t)registers.rax, ZX_OK);
    EXPECT(!handle_is_valid(event));
}
