/* Programs that take all the memory there is: their calls fail, the kernel and everyone else go on,
 * and nothing is lost. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define HUGE (1ull << 40)
#define FEW_PAGES 256u
#define PAGE_SLACK 32u
#define HANDLE_MAX 32u /* so few that the handle table does not grow */
#define PATIENCE_FOR_FILLING ZX_SEC(100)

static char message[ZX_CHANNEL_MAX_MSG_BYTES];

/* A program that goes on without memory must not touch fresh pages: that would be its end. So all
 * that is used later is used once before. */
static bool warm_up(void) {
    zx_handle_t ends[2];
    uint32_t size;
    memset(message, 1, sizeof(message));
    return zx_channel_create(0, &ends[0], &ends[1]) == ZX_OK &&
           zx_channel_write(ends[0], 0, message, sizeof(message), NULL, 0) == ZX_OK &&
           object_signals(ends[1]) != 0 &&
           zx_channel_read(ends[1], 0, message, NULL, sizeof(message), 0, &size, NULL) == ZX_OK &&
           zx_handle_close_many(ends, 2) == ZX_OK;
}

/* Channels full of messages, until there is no memory for one more. */
static zx_status_t fill_with_messages(zx_handle_t ends[2]) {
    for (;;) {
        zx_status_t status = zx_channel_create(0, &ends[0], &ends[1]);
        if (status != ZX_OK)
            return status;
        while ((status = zx_channel_write(ends[0], 0, message, sizeof(message), NULL, 0)) == ZX_OK)
            continue;
        if (object_signals(ends[0]) & ZX_CHANNEL_WRITABLE)
            return status; /* it was not the queue's bound */
    }
}

/* Sockets full of bytes, likewise. */
static zx_status_t fill_with_bytes(zx_handle_t ends[2]) {
    for (;;) {
        zx_status_t status = zx_socket_create(ZX_SOCKET_STREAM, &ends[0], &ends[1]);
        while (status == ZX_OK)
            status = zx_socket_write(ends[0], 0, message, sizeof(message), NULL);
        if (status != ZX_ERR_SHOULD_WAIT)
            return status;
    }
}

static zx_status_t fill_with_pages(zx_handle_t vmo) {
    zx_status_t status = ZX_OK;
    for (uint64_t offset = 0; status == ZX_OK; offset += PAGE)
        status = zx_vmo_write(vmo, "x", offset, 1);
    return status;
}

/* A helper in this role does all it should, and nothing is left of it. */
static void expect_no_trace_of(const char* role) {
    struct helper helper;
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(helper_start(&helper, role));
    EXPECT(wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE_FOR_FILLING));
    CHECK(helper_finish(&helper, 0));
    CHECK(expect_no_leak(&before, PAGE_SLACK));
}

HELPER(fills_with_messages) {
    zx_handle_t ends[2];
    uint32_t actual;
    (void)channel;
    if (!warm_up() || fill_with_messages(ends) != ZX_ERR_NO_MEMORY)
        return 1;
    /* What is given back can be used again. */
    if (zx_channel_read(ends[1], 0, message, NULL, sizeof(message), 0, &actual, NULL) != ZX_OK)
        return 2;
    if (zx_channel_write(ends[0], 0, message, sizeof(message), NULL, 0) != ZX_OK)
        return 3;
    return zx_handle_close_many(ends, 2); /* room for the way out */
}

TEST(exhaustion, by_messages_fails_the_write_and_leaks_nothing) {
    CHECK(expect_no_trace_of("fills_with_messages"));
}

static size_t bytes_waiting(zx_handle_t end) {
    size_t size = SIZE_MAX;
    zx_socket_read(end, 0, NULL, 0, &size);
    return size;
}

HELPER(fills_with_bytes) {
    zx_handle_t first[2], last[2];
    size_t actual;
    (void)channel;
    /* Each CPU puts some pages by for itself. All calls are made once, as in warm_up. */
    if (!warm_up() || zx_thread_set_affinity(zx_thread_self(), 1) != ZX_OK ||
        zx_socket_create(ZX_SOCKET_STREAM, &first[0], &first[1]) != ZX_OK ||
        zx_socket_write(first[0], 0, message, sizeof(message), &actual) != ZX_OK ||
        zx_socket_read(first[1], 0, message, sizeof(message), &actual) != ZX_OK ||
        zx_socket_write(first[0], 0, message, sizeof(message), &actual) != ZX_OK ||
        bytes_waiting(first[1]) != sizeof(message))
        return 1;
    if (fill_with_bytes(last) != ZX_ERR_NO_MEMORY)
        return 2;
    if (zx_socket_write(first[0], 0, message, sizeof(message), &actual) != ZX_ERR_NO_MEMORY ||
        bytes_waiting(first[1]) != sizeof(message))
        return 3;
    /* What is given back can be used again. */
    if (zx_socket_read(first[1], 0, message, sizeof(message), &actual) != ZX_OK ||
        zx_socket_write(first[0], 0, message, sizeof(message), &actual) != ZX_OK)
        return 4;
    if (bytes_waiting(first[1]) != sizeof(message))
        return 5;
    return zx_handle_close_many(first, 2); /* room for the way out: `last` may be empty */
}

TEST(exhaustion, by_bytes_in_sockets_fails_the_write_and_leaks_nothing) {
    CHECK(expect_no_trace_of("fills_with_bytes"));
}

HELPER(fills_with_pages) {
    zx_handle_t vmo;
    (void)channel;
    if (!warm_up() || zx_vmo_create(HUGE, 0, &vmo) != ZX_OK)
        return 1;
    if (fill_with_pages(vmo) != ZX_ERR_NO_MEMORY)
        return 2;
    if (zx_handle_close(vmo) != ZX_OK || zx_vmo_create(HUGE, 0, &vmo) != ZX_OK)
        return 3;
    return zx_vmo_write(vmo, "x", 0, 1);
}

TEST(exhaustion, by_pages_fails_the_write_and_leaks_nothing) {
    CHECK(expect_no_trace_of("fills_with_pages"));
}

HELPER(touches_too_much) {
    zx_handle_t vmo;
    uintptr_t address;
    (void)channel;
    if (zx_vmo_create(HUGE, 0, &vmo) != ZX_OK ||
        zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, HUGE,
                    &address) != ZX_OK)
        return 1;
    for (;; address += PAGE)
        *(volatile char*)address = 1;
}

TEST(exhaustion, by_touching_ends_that_program_and_leaks_nothing) {
    struct helper helper;
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(helper_start(&helper, "touches_too_much"));
    EXPECT(wait_for(helper.process, ZX_PROCESS_TERMINATED, PATIENCE_FOR_FILLING));
    EXPECT(process_return_code(helper.process) != 1);
    EXPECT(process_return_code(helper.process) != 0);
    helper_close(&helper);
    CHECK(expect_no_leak(&before, PAGE_SLACK));
}

HELPER(holds_everything) {
    zx_handle_t ends[2], vmo;
    (void)channel;
    if (!warm_up() || zx_vmo_create(HUGE, 0, &vmo) != ZX_OK)
        return 1;
    fill_with_pages(vmo);
    fill_with_messages(ends);
    return zx_nanosleep(ZX_TIME_INFINITE);
}

/* Each call may fail for want of memory, but not otherwise. All of our own memory that it needs is
 * there from an earlier time: to touch a fresh page would be the end. */
static void expect_to_go_on(void) {
    zx_handle_t handles[HANDLE_MAX] = {0};
    uint32_t count = 0;
    zx_status_t status = ZX_OK;
    while (count < HANDLE_MAX && status == ZX_OK) {
        zx_handle_t* ends = &handles[count];
        status = zx_channel_create(0, &ends[0], &ends[1]);
        if (status != ZX_OK)
            break;
        status = zx_channel_write(ends[0], 0, message, PAGE, NULL, 0);
        count += 2;
    }
    EXPECT(status == ZX_OK || status == ZX_ERR_NO_MEMORY);
    EXPECT_OK(zx_handle_close_many(handles, count));
}

static bool memory_becomes_scarce(void) {
    zx_time_t deadline = zx_clock_get_monotonic() + PATIENCE_FOR_FILLING;
    while (kernel_memory().free_pages > FEW_PAGES && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_MSEC(5));
    return kernel_memory().free_pages <= FEW_PAGES;
}

TEST(exhaustion, leaves_other_programs_alive_until_the_glutton_is_killed) {
    struct helper helper;
    EXPECT(warm_up());
    CHECK(expect_to_go_on());
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(helper_start(&helper, "holds_everything"));
    EXPECT(memory_becomes_scarce());
    for (int i = 0; i < 10; i++)
        CHECK(expect_to_go_on());
    CHECK(helper_kill(&helper));
    helper_close(&helper);
    CHECK(expect_no_leak(&before, PAGE_SLACK));
}
