/* Bad user memory, of every kind, in the calls whose other tests do not try it. */
#include <flicker.h>
#include <objects.h>
#include <test.h>

#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES

/* --- where a call stores a result ------------------------------------------------------------- */

/* One call with a bad place for its result. */
typedef zx_status_t (*call_t)(void* bad);

static void give_bad_places(call_t call, bool is_optional) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        if (bad[i] || !is_optional)
            EXPECT_STATUS(call(bad[i]), ZX_ERR_INVALID_ARGS);
}

/* What the call was about to make goes again. */
static void expect_places_refused(call_t call) {
    CHECK(give_bad_places(call, false)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (int i = 0; i < 20; i++)
        CHECK(give_bad_places(call, false));
    CHECK(expect_no_leak(&before, 2));
}

static zx_handle_t untouched;
static zx_handle_t subject; /* that the call is about */

static zx_status_t create_vmo(void* bad) {
    return zx_vmo_create(PAGE, 0, bad);
}
TEST(zx_vmo_create, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    CHECK(expect_places_refused(create_vmo));
}

static zx_status_t create_job(void* bad) {
    return zx_job_create(zx_job_default(), 0, bad);
}
TEST(zx_job_create, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    CHECK(expect_places_refused(create_job));
}

static zx_status_t create_thread(void* bad) {
    return zx_thread_create(zx_process_self(), "x", 1, 0, bad);
}
TEST(zx_thread_create, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    CHECK(expect_places_refused(create_thread));
}

static zx_status_t create_process(void* bad) {
    return zx_process_create(zx_job_default(), "x", 1, 0, bad, &untouched);
}
TEST(zx_process_create, bad_place_for_the_process_is_invalid_args_and_leaks_nothing) {
    untouched = 5;
    CHECK(expect_places_refused(create_process));
    EXPECT_EQUAL(untouched, 5);
}

static zx_status_t create_process_vmar(void* bad) {
    return zx_process_create(zx_job_default(), "x", 1, 0, &untouched, bad);
}
TEST(zx_process_create, bad_place_for_the_vmar_is_invalid_args_and_leaks_nothing) {
    untouched = 5;
    CHECK(expect_places_refused(create_process_vmar));
    EXPECT_EQUAL(untouched, 5);
}

static zx_status_t clone_vmo(void* bad) {
    return zx_vmo_clone(subject, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, bad);
}
TEST(zx_vmo_clone, bad_out_pointer_is_invalid_args_and_leaks_nothing) {
    EXPECT_OK(zx_vmo_create(PAGE, 0, &subject));
    CHECK(expect_places_refused(clone_vmo));
    EXPECT(object_signals(subject) & ZX_VMO_ZERO_CHILDREN);
    EXPECT_OK(zx_handle_close(subject));
}

static zx_status_t map_vmo(void* bad) {
    return zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, subject, 0, PAGE, bad);
}
TEST(zx_vmar_map, bad_place_for_the_address_is_invalid_args_and_leaves_no_mapping) {
    EXPECT_OK(zx_vmo_create(PAGE, 0, &subject));
    CHECK(expect_places_refused(map_vmo));
    EXPECT_OK(zx_handle_close(subject));
}

static zx_status_t allocate_child(void* bad) {
    zx_vaddr_t address;
    return zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, PAGE, bad, &address);
}
TEST(zx_vmar_allocate, bad_place_for_the_child_is_invalid_args_and_leaks_nothing) {
    CHECK(expect_places_refused(allocate_child));
}

static zx_status_t allocate_address(void* bad) {
    return zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, PAGE, &untouched, bad);
}
TEST(zx_vmar_allocate, bad_place_for_the_address_is_invalid_args_and_leaks_nothing) {
    untouched = 5;
    CHECK(expect_places_refused(allocate_address));
    EXPECT_EQUAL(untouched, 5);
}

static zx_status_t get_size(void* bad) {
    return zx_vmo_get_size(subject, bad);
}
TEST(zx_vmo_get_size, bad_out_pointer_is_invalid_args) {
    EXPECT_OK(zx_vmo_create(PAGE, 0, &subject));
    CHECK(give_bad_places(get_size, false));
    EXPECT_OK(zx_handle_close(subject));
}

static zx_status_t get_time(void* bad) {
    return zx_clock_get(ZX_CLOCK_MONOTONIC, bad);
}
TEST(zx_clock_get, bad_out_pointer_is_invalid_args) {
    CHECK(give_bad_places(get_time, false));
}

static zx_status_t wait_for_ever(void* bad) {
    return zx_object_wait_one(subject, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, bad);
}
TEST(zx_object_wait_one, bad_observed_is_invalid_args_before_the_wait) {
    EXPECT_OK(zx_event_create(0, &subject));
    CHECK(give_bad_places(wait_for_ever, true));
    EXPECT_OK(zx_handle_close(subject));
}

static zx_status_t wait_for_many(void* bad) {
    return zx_object_wait_many(bad, 1, ZX_TIME_INFINITE);
}
TEST(zx_object_wait_many, bad_items_are_invalid_args) {
    CHECK(give_bad_places(wait_for_many, false));
}

/* --- where a call reads from ------------------------------------------------------------------ */

TEST(zx_debug_write, bad_text_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(zx_debug_write(bad[i], 8), ZX_ERR_INVALID_ARGS);
}

TEST(zx_futex_wait, bad_address_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(zx_futex_wait(bad[i], 0, 0), ZX_ERR_INVALID_ARGS);
}

/* --- sizes that wrap around ------------------------------------------------------------------- */

TEST(zx_vmo_write, sizes_that_wrap_around_are_out_of_range) {
    zx_handle_t vmo;
    char byte = 'w';
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmo_write(vmo, &byte, 0, SIZE_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_write(vmo, &byte, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
    EXPECT_OK(zx_vmo_read(vmo, &byte, 0, 1));
    EXPECT_EQUAL(byte, 0);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_read, sizes_that_wrap_around_are_out_of_range) {
    zx_handle_t vmo;
    char byte = 'u';
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(zx_vmo_read(vmo, &byte, 0, SIZE_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_vmo_read(vmo, &byte, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_debug_write, a_size_that_wraps_around_is_invalid_args) {
    EXPECT_STATUS(zx_debug_write("x", SIZE_MAX), ZX_ERR_INVALID_ARGS);
}

/* What can be read of the endless array is closed. */
TEST(zx_handle_close_many, a_size_that_wraps_around_is_invalid_args_and_closes_what_can_be_read) {
    zx_handle_t* handles = (zx_handle_t*)guarded_buffer(PAGE);
    EXPECT(handles);
    memset(handles, 0, PAGE);
    EXPECT_OK(zx_event_create(0, &handles[0]));
    EXPECT_OK(zx_event_create(0, &handles[PAGE / sizeof(handles[0]) - 1]));
    EXPECT_STATUS(zx_handle_close_many(handles, SIZE_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT(!handle_is_valid(handles[0]));
    EXPECT(!handle_is_valid(handles[PAGE / sizeof(handles[0]) - 1]));
    guarded_buffer_free((char*)handles, PAGE);
}

/* --- the end of a page ------------------------------------------------------------------------ */

/* Everything up to the last byte of a page may be used, nothing behind it. */
TEST(pointers, vmo_read_and_vmo_write_use_a_page_up_to_its_last_byte) {
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(2 * PAGE, 0, &vmo));
    static const size_t sizes[] = {1, 2, 7, 8, 9, 63, 64, 65, PAGE - 1, PAGE, PAGE + 1};
    for (size_t i = 0; i < countof(sizes); i++) {
        size_t size = sizes[i];
        char* buffer = guarded_buffer(size);
        EXPECT(buffer);
        memset(buffer, 'a' + (int)i, size);
        EXPECT_OK(zx_vmo_write(vmo, buffer, 0, size));
        memset(buffer, 0, size);
        EXPECT_OK(zx_vmo_read(vmo, buffer, 0, size));
        EXPECT_EQUAL(buffer[0], 'a' + (int)i);
        EXPECT_EQUAL(buffer[size - 1], 'a' + (int)i);
        EXPECT_STATUS(zx_vmo_write(vmo, buffer, 0, size + 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_vmo_read(vmo, buffer, 0, size + 1), ZX_ERR_INVALID_ARGS);
        guarded_buffer_free(buffer, size);
    }
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- memory that goes away during the copy ---------------------------------------------------- */

#define FLICKERING_SIZE (16 * PAGE)

static char contents[FLICKERING_SIZE];

static void fill(zx_handle_t vmo, char byte) {
    memset(contents, byte, sizeof(contents));
    EXPECT_OK(zx_vmo_write(vmo, contents, 0, sizeof(contents)));
}

/* A copy of 'n' over 'o' succeeded as a whole; or it failed where the memory ended, and behind that
 * all is as it was. */
static void expect_copied(zx_handle_t vmo, zx_status_t status) {
    size_t done = 0;
    EXPECT_OK(zx_vmo_read(vmo, contents, 0, sizeof(contents)));
    while (done < sizeof(contents) && contents[done] == 'n')
        done++;
    if (status == ZX_OK) {
        EXPECT_EQUAL(done, sizeof(contents));
    } else {
        EXPECT_STATUS(status, ZX_ERR_INVALID_ARGS);
        EXPECT(done < sizeof(contents));
    }
    for (size_t i = done; i < sizeof(contents); i++)
        EXPECT_EQUAL(contents[i], 'o');
}

TEST(zx_vmo_write, memory_unmapped_during_the_copy_is_invalid_args) {
    struct flicker flicker;
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(FLICKERING_SIZE, 0, &vmo));
    CHECK(flicker_start(&flicker, FLICKERING_SIZE));
    CHECK(fill(flicker.vmo, 'n'));
    while (!flicker_is_over(&flicker)) {
        fill(vmo, 'o');
        zx_status_t status = zx_vmo_write(vmo, flicker.bytes, 0, FLICKERING_SIZE);
        flicker_count(&flicker, status == ZX_OK);
        expect_copied(vmo, status);
    }
    CHECK(flicker_stop(&flicker));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_read, memory_unmapped_during_the_copy_is_invalid_args) {
    struct flicker flicker;
    zx_handle_t vmo;
    EXPECT_OK(zx_vmo_create(FLICKERING_SIZE, 0, &vmo));
    CHECK(flicker_start(&flicker, FLICKERING_SIZE));
    CHECK(fill(vmo, 'n'));
    while (!flicker_is_over(&flicker)) {
        fill(flicker.vmo, 'o');
        zx_status_t status = zx_vmo_read(vmo, flicker.bytes, 0, FLICKERING_SIZE);
        flicker_count(&flicker, status == ZX_OK);
        expect_copied(flicker.vmo, status);
    }
    CHECK(flicker_stop(&flicker));
    EXPECT_OK(zx_handle_close(vmo));
}
