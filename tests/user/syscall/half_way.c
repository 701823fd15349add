/* User memory that is good at first and ends half-way: the call fails, and neither the object nor
 * the part that is good has changed. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define UNTOUCHED 0x5a

/* A page of memory behind which there is nothing. */
static char* page;

/* Where an object of `size` begins whose second half is not mapped. */
static void* half(size_t size) {
    return page + PAGE - size / 2;
}

static void page_create(void) {
    page = guarded_buffer(PAGE);
    EXPECT(page);
    memset(page, UNTOUCHED, PAGE);
}

static void page_expect_untouched(void) {
    for (size_t i = 0; i < PAGE; i++)
        EXPECT_EQUAL(page[i], UNTOUCHED);
}

static void page_destroy(void) {
    guarded_buffer_free(page, PAGE);
}

static bool is_zero(zx_handle_t vmo, uint64_t offset, size_t size) {
    static char bytes[2 * PAGE];
    if (zx_vmo_read(vmo, bytes, offset, size) != ZX_OK)
        return false;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Few bytes, many, and over more pages of the VMO than one. */
TEST(half_way, vmo_read_and_vmo_write_are_invalid_args_and_copy_nothing) {
    static const size_t sizes[] = {2, 8, 40, 1024, 4000, PAGE, 2 * PAGE};
    static const uint64_t offsets[] = {0, 1, PAGE - 20, 2 * PAGE - 1};
    zx_handle_t vmo;
    CHECK(page_create());
    EXPECT_OK(zx_vmo_create(5 * PAGE, 0, &vmo));
    for (size_t i = 0; i < countof(sizes); i++)
        for (size_t k = 0; k < countof(offsets); k++) {
            EXPECT_STATUS(zx_vmo_write(vmo, half(sizes[i]), offsets[k], sizes[i]),
                          ZX_ERR_INVALID_ARGS);
            EXPECT(is_zero(vmo, offsets[k], sizes[i]));
            EXPECT_STATUS(zx_vmo_read(vmo, half(sizes[i]), offsets[k], sizes[i]),
                          ZX_ERR_INVALID_ARGS);
            CHECK(page_expect_untouched());
        }
    EXPECT_OK(zx_vmo_write(vmo, page, PAGE - 20, PAGE)); /* as usable as before */
    EXPECT(!is_zero(vmo, PAGE - 20, PAGE));
    EXPECT_OK(zx_handle_close(vmo));
    page_destroy();
}

TEST(half_way, info_calls_are_invalid_args) {
    zx_handle_t event, process, vmar;
    zx_info_handle_basic_t basic;
    zx_info_handle_count_t count;
    size_t actual = 77, available = 78;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_process_create(zx_job_default(), "p", 1, 0, &process, &vmar));
    const struct {
        zx_handle_t handle;
        uint32_t topic;
        size_t size;
    } rows[] = {
        {event, ZX_INFO_HANDLE_BASIC, sizeof(basic)},
        {event, ZX_INFO_HANDLE_COUNT, sizeof(count)},
        {process, ZX_INFO_PROCESS, sizeof(zx_info_process_t)},
        {zx_thread_self(), ZX_INFO_THREAD, sizeof(zx_info_thread_t)},
    };
    CHECK(page_create());
    for (size_t i = 0; i < countof(rows); i++) {
        EXPECT_STATUS(zx_object_get_info(rows[i].handle, rows[i].topic, half(rows[i].size),
                                         rows[i].size, &actual, &available),
                      ZX_ERR_INVALID_ARGS);
        CHECK(page_expect_untouched());
        EXPECT_EQUAL(actual, 77);
        EXPECT_EQUAL(available, 78);
        /* The counts, each in turn. */
        EXPECT_STATUS(zx_object_get_info(rows[i].handle, rows[i].topic, page, rows[i].size,
                                         half(sizeof(size_t)), NULL),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_get_info(rows[i].handle, rows[i].topic, page, rows[i].size, NULL,
                                         half(sizeof(size_t))),
                      ZX_ERR_INVALID_ARGS);
        CHECK(page_expect_untouched());
    }
    page_destroy();
    const zx_handle_t handles[] = {event, process, vmar};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

/* A list of records: what does not fit any more is no success. */
TEST(half_way, info_lists_are_invalid_args) {
    size_t actual = 77, available = 78;
    zx_handle_t process, vmar, threads[4];
    EXPECT_OK(zx_process_create(zx_job_default(), "p", 1, 0, &process, &vmar));
    for (size_t i = 0; i < countof(threads); i++)
        EXPECT_OK(zx_thread_create(process, "t", 1, 0, &threads[i]));
    CHECK(page_create());
    EXPECT_STATUS(zx_object_get_info(process, ZX_INFO_PROCESS_THREADS,
                                     half(countof(threads) * sizeof(zx_koid_t)),
                                     countof(threads) * sizeof(zx_koid_t), &actual, &available),
                  ZX_ERR_INVALID_ARGS);
    CHECK(page_expect_untouched());
    size_t room = 3 * sizeof(zx_info_handle_entry_t);
    EXPECT_STATUS(zx_object_get_info(zx_process_self(), ZX_INFO_HANDLE_TABLE, half(room), room,
                                     &actual, &available),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, 77);
    EXPECT_EQUAL(available, 78);
    page_destroy();
    EXPECT_OK(zx_handle_close_many(threads, countof(threads)));
    EXPECT_OK(zx_handle_close(process));
    EXPECT_OK(zx_handle_close(vmar));
}

static void make_half_way(void) {
    zx_handle_t vmo, child = 5;
    zx_vaddr_t address = 6;
    const uint32_t can_read = ZX_VM_CAN_MAP_READ;
    CHECK(page_create());
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmo_create(PAGE, 0, half(sizeof(zx_handle_t))), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, half(sizeof(zx_handle_t))),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmo_get_size(vmo, half(sizeof(uint64_t))), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE,
                              half(sizeof(zx_vaddr_t))),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(
        zx_vmar_allocate(zx_vmar_root_self(), can_read, 0, PAGE, &child, half(sizeof(zx_vaddr_t))),
        ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(zx_vmar_allocate(zx_vmar_root_self(), can_read, 0, PAGE,
                                   half(sizeof(zx_handle_t)), &address),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(child, 5);
    EXPECT_EQUAL(address, 6);
    CHECK(page_expect_untouched());
    EXPECT_EQUAL(object_signals(vmo), ZX_VMO_ZERO_CHILDREN);
    EXPECT_EQUAL(object_handle_count(vmo), 1);
    EXPECT_OK(zx_handle_close(vmo));
    page_destroy();
}

TEST(half_way, memory_calls_are_invalid_args_and_make_nothing) {
    CHECK(make_half_way()); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 20; i++)
        CHECK(make_half_way());
    CHECK(expect_no_leak(&before, 4));
}

/* The items that can be written are not filled in, either. */
TEST(half_way, wait_many_is_invalid_args) {
    enum { COUNT = 4 };
    zx_handle_t event;
    CHECK(page_create());
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
    zx_wait_item_t* items = half(COUNT * sizeof(*items));
    for (size_t i = 0; i < COUNT / 2; i++)
        items[i] = (zx_wait_item_t){event, ZX_EVENT_SIGNALED, 77};
    EXPECT_STATUS(zx_object_wait_many(items, COUNT, ZX_TIME_INFINITE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_object_wait_many(items, COUNT, ZX_TIME_INFINITE), MX_ERR_INVALID_ARGS);
    for (size_t i = 0; i < COUNT / 2; i++)
        EXPECT_EQUAL(items[i].pending, 77);
    EXPECT_OK(zx_object_wait_many(items, COUNT / 2, ZX_TIME_INFINITE));
    EXPECT_EQUAL(items[COUNT / 2 - 1].pending, ZX_EVENT_SIGNALED);
    EXPECT_OK(zx_handle_close(event));
    page_destroy();
}

/* Items that can be read and not written: the wait is refused before it begins. */
TEST(half_way, wait_many_of_items_that_are_read_only_is_invalid_args_at_once) {
    zx_handle_t event;
    CHECK(page_create());
    EXPECT_OK(zx_event_create(0, &event));
    zx_wait_item_t* items = (zx_wait_item_t*)page;
    *items = (zx_wait_item_t){event, ZX_EVENT_SIGNALED, 77};
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, (zx_vaddr_t)page, PAGE));
    zx_time_t deadline = zx_clock_get_monotonic() + ZX_SEC(10);
    EXPECT_STATUS(zx_object_wait_many(items, 1, deadline), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_object_wait_many(items, 1, deadline), MX_ERR_INVALID_ARGS);
    EXPECT(zx_clock_get_monotonic() < deadline);
    EXPECT_EQUAL(items->pending, 77);
    EXPECT_OK(zx_handle_close(event));
    page_destroy();
}
