/* Calls that take long, and whose thread is killed in the middle: the thread ends without doing the
 * rest. How far it came is seen from what it left behind.
 *
 * On some machine a call may return before the kill comes: CPUs that take turns do so for a tenth
 * of a second. So each test tries again until a kill came in the middle. */
#include <objects.h>
#include <test.h>

#include <stdatomic.h>
#include <threads.h>
#include <magenta/syscalls.h>
#include <zircon/process.h>
#include <zircon/threads.h>

#define PAGE PAGE_SIZE_BYTES
#define PIECE (1ull << 20)
#define LONG (192ull << 20) /* bytes that a call is asked for */
#define LONG_PAGES (LONG / PAGE)
#define BEGUN_PAGES 400u
#define PRIORITY_TEST 24u
#define PRIORITY_NORMAL 16u
#define PATIENCE ZX_SEC(100)
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define ANY_CHILD \
    (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)

static zx_handle_t vmar, piece; /* the buffer's */
static zx_handle_t object;      /* what the call is made with */
static char* buffer;            /* LONG bytes, all of them the same PIECE */
static _Atomic zx_status_t result;

#define NOT_RETURNED 1

/* A buffer that is long and takes little memory: one piece, many times. */
static void make_buffer(void) {
    zx_vaddr_t base, address;
    EXPECT_OK(zx_vmo_create(PIECE, 0, &piece));
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(), ANY_CHILD, 0, LONG + PIECE, &vmar, &base));
    for (uint64_t offset = 0; offset < LONG; offset += PIECE)
        EXPECT_OK(
            zx_vmar_map(vmar, READ_WRITE | ZX_VM_SPECIFIC, offset, piece, 0, PIECE, &address));
    buffer = (char*)base;
}

static void free_buffer(void) {
    EXPECT_OK(zx_vmar_destroy(vmar));
    EXPECT_OK(zx_handle_close(vmar));
    EXPECT_OK(zx_handle_close(piece));
}

static bool has_begun_by_pages(uint64_t free_before) {
    return kernel_memory().free_pages + BEGUN_PAGES < free_before;
}

static bool has_begun_by_buffer(uint64_t unused) {
    (void)unused;
    return buffer[0] == 0;
}

static bool has_begun_soon(uint64_t unused) {
    (void)unused;
    return true;
}

static bool was_in_the_middle; /* of the last call: the kill came before it returned */

/* Runs `call` in a thread, kills the thread when the call has begun, and waits for its end. */
static void kill_in_the_middle(thrd_start_t call, bool (*has_begun)(uint64_t free_before)) {
    thrd_t thread;
    zx_handle_t handle;
    EXPECT_OK(zx_thread_set_priority(zx_thread_self(), PRIORITY_TEST));
    uint64_t free_before = kernel_memory().free_pages;
    atomic_store(&result, NOT_RETURNED);
    EXPECT_EQUAL(thrd_create(&thread, call, NULL), thrd_success);
    EXPECT_OK(zx_handle_duplicate(thrd_get_zx_handle(thread), ZX_RIGHT_SAME_RIGHTS, &handle));
    do
        sleep_for(ZX_MSEC(1));
    while (!has_begun(free_before) && atomic_load(&result) == NOT_RETURNED);
    EXPECT_OK(zx_task_kill(handle));
    EXPECT(wait_for(handle, ZX_THREAD_TERMINATED, PATIENCE));
    was_in_the_middle = atomic_load(&result) == NOT_RETURNED;
    EXPECT_OK(zx_handle_close(handle));
    EXPECT_OK(zx_thread_set_priority(zx_thread_self(), PRIORITY_NORMAL));
}

#define ATTEMPTS 50

static void try_until_in_the_middle(void (*attempt)(void)) {
    was_in_the_middle = false;
    for (int i = 0; i < ATTEMPTS && !was_in_the_middle; i++)
        CHECK(attempt());
    EXPECT(was_in_the_middle);
}

/* The body is one attempt. What it expects of a call that was killed holds if was_in_the_middle. */
#define LONG_TEST(name)                                 \
    static void name##_attempt(void);                   \
    TEST(long_calls, name) {                            \
        CHECK(try_until_in_the_middle(name##_attempt)); \
    }                                                   \
    static void name##_attempt(void)

/* --- VMOs ------------------------------------------------------------------------------------- */

static int write_vmo(void* unused) {
    (void)unused;
    atomic_store(&result, zx_vmo_write(object, buffer, 0, LONG));
    return 0;
}

LONG_TEST(zx_vmo_write_ends_in_the_middle) {
    char last = 1;
    CHECK(make_buffer());
    memset(buffer, 'w', PIECE);
    EXPECT_OK(zx_vmo_create(LONG + PAGE, 0, &object));
    CHECK(kill_in_the_middle(write_vmo, has_begun_by_pages));
    EXPECT_OK(zx_vmo_read(object, &last, LONG - 1, 1));
    EXPECT(!was_in_the_middle || last == 0);
    EXPECT_OK(zx_handle_close(object));
    CHECK(free_buffer());
}

static int read_vmo(void* unused) {
    (void)unused;
    atomic_store(&result, zx_vmo_read(object, buffer, 0, LONG));
    return 0;
}

LONG_TEST(zx_vmo_read_ends_in_the_middle) {
    CHECK(make_buffer());
    memset(buffer, 'r', PIECE);
    EXPECT_OK(zx_vmo_create(LONG, 0, &object));
    EXPECT_OK(zx_vmo_write(object, "e", LONG - 1, 1));
    CHECK(kill_in_the_middle(read_vmo, has_begun_by_buffer));
    EXPECT(!was_in_the_middle || buffer[LONG - 1] != 'e'); /* it did not come to the end */
    EXPECT_OK(zx_handle_close(object));
    CHECK(free_buffer());
}

static int map_vmo(void* unused) {
    (void)unused;
    zx_vaddr_t address;
    atomic_store(&result,
                 zx_vmar_map(vmar, READ_WRITE | ZX_VM_MAP_RANGE, 0, object, 0, LONG, &address));
    return 0;
}

LONG_TEST(zx_vmar_map_of_a_whole_range_ends_in_the_middle) {
    zx_vaddr_t base;
    uint64_t free_before = kernel_memory().free_pages;
    EXPECT_OK(zx_vmo_create(LONG, 0, &object));
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(), ANY_CHILD, 0, 2 * LONG, &vmar, &base));
    CHECK(kill_in_the_middle(map_vmo, has_begun_by_pages));
    if (was_in_the_middle)
        EXPECT_AT_MOST(free_before - kernel_memory().free_pages, LONG_PAGES - BEGUN_PAGES);
    EXPECT_OK(zx_vmar_destroy(vmar));
    EXPECT_OK(zx_handle_close(vmar));
    EXPECT_OK(zx_handle_close(object));
}

/* --- pipes and handles ------------------------------------------------------------------------ */

static int write_data_pipe(void* unused) {
    (void)unused;
    atomic_store(&result, mx_datapipe_write(object, 0, LONG, buffer) < 0);
    return 0;
}

/* Nothing of a write that did not end can be read, and the pipe goes on. */
LONG_TEST(mx_datapipe_write_ends_in_the_middle) {
    zx_handle_t consumer;
    char byte;
    CHECK(make_buffer());
    memset(buffer, 'p', PIECE);
    object = mx_datapipe_create(0, 1, LONG, &consumer);
    EXPECT(object > 0);
    CHECK(kill_in_the_middle(write_data_pipe, has_begun_by_pages));
    if (was_in_the_middle) {
        EXPECT_EQUAL(mx_datapipe_read(consumer, MX_DATAPIPE_READ_FLAG_QUERY, 0, NULL), 0);
        EXPECT_EQUAL(mx_datapipe_write(object, 0, 1, "x"), 1);
        EXPECT_EQUAL(mx_datapipe_read(consumer, 0, 1, &byte), 1);
        EXPECT_EQUAL(byte, 'x');
    }
    EXPECT_OK(zx_handle_close(object));
    EXPECT_OK(zx_handle_close(consumer));
    CHECK(free_buffer());
}

/* The value of one event stands behind very many zeros. */
static void put_event_behind_the_buffer(void) {
    zx_vaddr_t address;
    zx_handle_t tail;
    CHECK(make_buffer());
    EXPECT_OK(zx_event_create(0, &object));
    EXPECT_OK(zx_vmo_create(PAGE, 0, &tail));
    EXPECT_OK(zx_vmo_write(tail, &object, 0, sizeof(object)));
    EXPECT_OK(zx_vmar_map(vmar, READ_WRITE | ZX_VM_SPECIFIC, LONG, tail, 0, PAGE, &address));
    EXPECT_OK(zx_handle_close(tail));
}

static int close_handles(void* unused) {
    (void)unused;
    zx_handle_t* values = (zx_handle_t*)buffer;
    atomic_store(&result, zx_handle_close_many(values, LONG / sizeof(*values) + 1));
    return 0;
}

LONG_TEST(zx_handle_close_many_ends_in_the_middle) {
    CHECK(put_event_behind_the_buffer());
    CHECK(kill_in_the_middle(close_handles, has_begun_soon));
    if (was_in_the_middle)
        EXPECT(handle_is_valid(object));
    (void)zx_handle_close(object);
    CHECK(free_buffer());
}

static int write_handles(void* unused) {
    (void)unused;
    zx_handle_t* values = (zx_handle_t*)buffer;
    uint32_t count = LONG / sizeof(*values) + 1;
    atomic_store(&result, zx_channel_write(ZX_HANDLE_INVALID, 0, NULL, 0, values, count));
    return 0;
}

LONG_TEST(zx_channel_write_that_discards_many_handles_ends_in_the_middle) {
    CHECK(put_event_behind_the_buffer());
    CHECK(kill_in_the_middle(write_handles, has_begun_soon));
    if (was_in_the_middle)
        EXPECT(handle_is_valid(object));
    (void)zx_handle_close(object);
    CHECK(free_buffer());
}
