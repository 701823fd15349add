/* What real calls leave in the registers: of the kernel, nothing. */
#include "raw.h"
#include <objects.h>
#include <test.h>

#include <stdlib.h>
#include <syscalls/numbers.h>
#include <zircon/process.h>

#define FLAGS_ALWAYS (1ul << 1)
#define FLAG_INTERRUPTS (1ul << 9)
#define MARK 0x5a5a000000000000ul
#define MUCH 16384u /* copied by another routine than a few bytes */
#define FEW 40u

enum { RDI, RSI, RDX, R10, R8, R9 };

/* Makes the call with marks in the registers it does not use, which are not to be seen again. */
static zx_status_t call(uint64_t number, const uint64_t* arguments, size_t count) {
    struct raw_registers registers = {.rax = number, .flags = FLAGS_ALWAYS};
    for (size_t i = 0; i < countof(registers.arguments); i++)
        registers.arguments[i] = i < count ? arguments[i] : MARK + i;
    uint64_t r12 = registers.arguments[6], r13 = registers.arguments[7];
    for (size_t i = 0; i < countof(registers.kept); i++)
        registers.kept[i] = MARK + 0x100 + i;
    raw_syscall(&registers);
    for (size_t i = RDI; i <= R9; i++)
        if (registers.arguments[i] != 0)
            test_fail(__FILE__, __LINE__, "call %lu leaves 0x%lx in argument register %zu", number,
                      registers.arguments[i], i);
    for (size_t i = 0; i < countof(registers.kept); i++)
        if (registers.kept[i] != MARK + 0x100 + i)
            test_fail(__FILE__, __LINE__, "call %lu changes kept register %zu", number, i);
    if (registers.arguments[6] != r12 || registers.arguments[7] != r13)
        test_fail(__FILE__, __LINE__, "call %lu changes r12 or r13", number);
    if (registers.flags != (FLAGS_ALWAYS | FLAG_INTERRUPTS))
        test_fail(__FILE__, __LINE__, "call %lu leaves flags 0x%lx", number, registers.flags);
    return (zx_status_t)registers.rax;
}

#define CALL(number, ...) \
    call(number, (const uint64_t[]){__VA_ARGS__}, countof(((const uint64_t[]){__VA_ARGS__})))

static zx_status_t write_raw(zx_handle_t end, const void* bytes, uint32_t size) {
    return CALL(SYSCALL_zx_channel_write, (uint64_t)end, 0, (uint64_t)bytes, size, 0, 0);
}

/* The last two arguments are in memory: r12 and r13. */
static zx_status_t read_raw(zx_handle_t end, void* bytes, uint32_t size) {
    uint32_t actual = 0;
    return CALL(SYSCALL_zx_channel_read, (uint64_t)end, 0, (uint64_t)bytes, 0, size, 0,
                (uint64_t)&actual, 0);
}

static void channel_row(uint32_t size) {
    zx_handle_t ends[2];
    char* bytes = malloc(size);
    char* seen = malloc(size);
    EXPECT(bytes && seen);
    memset(bytes, 'b', size);
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    EXPECT_OK(write_raw(ends[0], bytes, size));
    EXPECT_OK(read_raw(ends[1], seen, size));
    EXPECT_BYTES(seen, bytes, size);
    EXPECT_STATUS(read_raw(ends[1], seen, size), ZX_ERR_SHOULD_WAIT);
    EXPECT_OK(zx_handle_close_many(ends, 2));
    free(bytes);
    free(seen);
}

TEST(syscall_registers, after_a_channel_write_and_read_of_few_bytes) {
    CHECK(channel_row(FEW));
}

TEST(syscall_registers, after_a_channel_write_and_read_of_many_bytes) {
    CHECK(channel_row(MUCH));
}

TEST(syscall_registers, after_vmo_read_and_vmo_write) {
    static char bytes[MUCH];
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(MUCH, 0, &vmo));
    EXPECT_OK(CALL(SYSCALL_zx_vmo_write, (uint64_t)vmo, (uint64_t)bytes, 0, FEW));
    EXPECT_OK(CALL(SYSCALL_zx_vmo_read, (uint64_t)vmo, (uint64_t)bytes, 0, FEW));
    EXPECT_OK(CALL(SYSCALL_zx_vmo_write, (uint64_t)vmo, (uint64_t)bytes, 0, MUCH));
    EXPECT_OK(CALL(SYSCALL_zx_vmo_read, (uint64_t)vmo, (uint64_t)bytes, 0, MUCH));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(syscall_registers, after_a_copy_that_fails) {
    static const uint32_t sizes[] = {FEW, MUCH};
    zx_handle_t vmo, ends[2];
    void* bad = inaccessible_page();
    EXPECT_OK(zx_vmo_create(MUCH, 0, &vmo));
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    for (size_t i = 0; i < countof(sizes); i++) {
        EXPECT_STATUS(write_raw(ends[0], bad, sizes[i]), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(CALL(SYSCALL_zx_vmo_write, (uint64_t)vmo, (uint64_t)bad, 0, sizes[i]),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(CALL(SYSCALL_zx_vmo_read, (uint64_t)vmo, (uint64_t)bad, 0, sizes[i]),
                      ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(object_signals(ends[1]), ZX_CHANNEL_WRITABLE);
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_handle_close_many(ends, 2));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)bad, PAGE_SIZE_BYTES));
}

/* Each page of the destination is brought in on the way. */
TEST(syscall_registers, after_a_copy_to_pages_not_yet_present) {
    zx_handle_t vmo;
    char* fresh = guarded_buffer(MUCH);
    EXPECT(fresh);
    EXPECT_OK(zx_vmo_create(MUCH, 0, &vmo));
    EXPECT_OK(CALL(SYSCALL_zx_vmo_read, (uint64_t)vmo, (uint64_t)fresh, 0, MUCH));
    EXPECT_OK(zx_handle_close(vmo));
    guarded_buffer_free(fresh, MUCH);
}

/* A call that does so little that the compiler uses few registers: the entry clears them all. */
TEST(syscall_registers, after_a_call_that_is_refused_at_once) {
    EXPECT_STATUS(CALL(SYSCALL_zx_event_create, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(CALL(SYSCALL_zx_channel_create, 1), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(CALL(SYSCALL_zx_thread_set_fs_base, UINT64_MAX), ZX_ERR_INVALID_ARGS);
}

/* A call that blocks comes back another way than a call that does not. */
TEST(syscall_registers, after_a_call_that_blocks) {
    zx_handle_t event;
    uint32_t seen = 0;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(CALL(SYSCALL_zx_object_wait_one, (uint64_t)event, ZX_EVENT_SIGNALED,
                       (uint64_t)(zx_clock_get_monotonic() + ZX_MSEC(2)), (uint64_t)&seen),
                  ZX_ERR_TIMED_OUT);
    EXPECT_OK(CALL(SYSCALL_zx_nanosleep, (uint64_t)(zx_clock_get_monotonic() + ZX_MSEC(2))));
    EXPECT_OK(zx_handle_close(event));
}
