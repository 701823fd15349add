#include "objects.h"
#include "test.h"

#include <jacinth/bootstrap.h>
#include <zircon/process.h>

#define SETTLE_TIME ZX_SEC(10)
#define PAGE PAGE_SIZE_BYTES

/* --- handles ------------------------------------------------------------------------------ */

static zx_info_handle_basic_t basic_info(zx_handle_t handle) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return info;
}

bool handle_is_valid(zx_handle_t handle) {
    return zx_object_get_info(handle, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL) == ZX_OK;
}

zx_rights_t handle_rights(zx_handle_t handle) {
    return basic_info(handle).rights;
}

uint32_t handle_type(zx_handle_t handle) {
    return basic_info(handle).type;
}

zx_koid_t handle_koid(zx_handle_t handle) {
    return basic_info(handle).koid;
}

zx_koid_t handle_related_koid(zx_handle_t handle) {
    return basic_info(handle).related_koid;
}

uint32_t object_handle_count(zx_handle_t handle) {
    zx_info_handle_count_t info = {0};
    zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &info, sizeof(info), NULL, NULL);
    return info.handle_count;
}

zx_signals_t object_signals(zx_handle_t handle) {
    zx_signals_t observed = 0;
    zx_object_wait_one(handle, ZX_SIGNAL_NONE, 0, &observed);
    return observed;
}

zx_handle_t duplicate_without(zx_handle_t handle, zx_rights_t removed) {
    zx_handle_t copy = ZX_HANDLE_INVALID;
    zx_handle_duplicate(handle, handle_rights(handle) & ~removed, &copy);
    return copy;
}

zx_handle_t duplicate(zx_handle_t handle) {
    return duplicate_without(handle, 0);
}

zx_handle_t stale_handle(void) {
    zx_handle_t event = ZX_HANDLE_INVALID;
    zx_event_create(0, &event);
    zx_handle_close(event);
    return event;
}

bool wait_for(zx_handle_t handle, zx_signals_t signals, zx_duration_t patience) {
    return zx_object_wait_one(handle, signals, zx_clock_get_monotonic() + patience, NULL) == ZX_OK;
}

static zx_info_process_t process_info(zx_handle_t process) {
    zx_info_process_t info = {0};
    zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    return info;
}

uint32_t thread_state(zx_handle_t thread) {
    zx_info_thread_t info = {.state = UINT32_MAX};
    zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof(info), NULL, NULL);
    return info.state;
}

bool process_has_ended(zx_handle_t process) {
    return process_info(process).exited;
}

int64_t process_return_code(zx_handle_t process) {
    return process_info(process).return_code;
}

/* --- memory ------------------------------------------------------------------------------- */

static char* map_fresh(size_t size, uint32_t permissions) {
    zx_handle_t vmo;
    zx_vaddr_t address = 0;
    if (zx_vmo_create(size, 0, &vmo) != ZX_OK)
        return NULL;
    zx_vmar_map(zx_vmar_root_self(), permissions, 0, vmo, 0, size, &address);
    zx_handle_close(vmo);
    return (char*)address;
}

static size_t whole_pages(size_t size) {
    return (size + PAGE - 1) & -(size_t)PAGE;
}

char* guarded_buffer(size_t size) {
    size_t room = whole_pages(size);
    char* start = map_fresh(room + PAGE, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
    if (!start || zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)start + room, PAGE) != ZX_OK)
        return NULL;
    return start + room - size;
}

void guarded_buffer_free(char* buffer, size_t size) {
    size_t room = whole_pages(size);
    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)(buffer + size) - room, room);
}

void* read_only_page(void) {
    return map_fresh(PAGE, ZX_VM_PERM_READ);
}

void* inaccessible_page(void) {
    return map_fresh(PAGE, 0);
}

void bad_pointers_to_read(void* pointers[BAD_POINTER_COUNT]) {
    static void* inaccessible;
    if (!inaccessible)
        inaccessible = inaccessible_page();
    const uintptr_t addresses[BAD_POINTER_COUNT] = {
        0,
        8,                       /* the page of NULL */
        0x00007ffffffff000,      /* just past user space */
        0x0000800000000000,      /* not canonical */
        0xffff800000000000,      /* the kernel's map of all memory */
        0xffffffff80200000,      /* the kernel image */
        UINTPTR_MAX & ~7ul,      /* wraps around */
        0xdead00000000,          /* nothing there */
        (uintptr_t)inaccessible, /* mapped, without permissions */
    };
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        pointers[i] = (void*)addresses[i];
}

/* Reading the last one would do. */
void bad_pointers_to_write(void* pointers[BAD_POINTER_COUNT]) {
    static void* read_only;
    if (!read_only)
        read_only = read_only_page();
    bad_pointers_to_read(pointers);
    pointers[BAD_POINTER_COUNT - 1] = read_only;
}

/* --- leaks -------------------------------------------------------------------------------- */

zx_info_kernel_memory_t kernel_memory(void) {
    zx_info_kernel_memory_t info = {0};
    zx_object_get_info(bootstrap_borrow(BOOTSTRAP_RESOURCE), ZX_INFO_KERNEL_MEMORY, &info,
                       sizeof(info), NULL, NULL);
    return info;
}

static bool has_settled(const zx_info_kernel_memory_t* before, const zx_info_kernel_memory_t* now,
                        uint64_t page_slack) {
    return now->free_pages + page_slack >= before->free_pages &&
           now->slab_objects <= before->slab_objects &&
           now->kernel_objects <= before->kernel_objects && now->threads <= before->threads;
}

void grow_handle_table(uint32_t count) {
    zx_handle_t handles[GROWN_HANDLES_MAX];
    EXPECT(count <= countof(handles));
    for (uint32_t i = 0; i < count; i++)
        EXPECT_OK(zx_event_create(0, &handles[i]));
    EXPECT_OK(zx_handle_close_many(handles, count));
}

/* What each CPU keeps for itself of every kind of object may fill a page more or less. */
#define CPU_CACHE_PAGES 32u

void expect_no_leak(const zx_info_kernel_memory_t* before, uint64_t page_slack) {
    page_slack += CPU_CACHE_PAGES;
    zx_time_t deadline = zx_clock_get_monotonic() + SETTLE_TIME;
    zx_info_kernel_memory_t now = kernel_memory();
    while (!has_settled(before, &now, page_slack) && zx_clock_get_monotonic() < deadline) {
        sleep_for(ZX_MSEC(10));
        now = kernel_memory();
    }
    EXPECT_AT_MOST(now.threads, before->threads);
    EXPECT_AT_MOST(now.kernel_objects, before->kernel_objects);
    EXPECT_AT_MOST(now.slab_objects, before->slab_objects);
    EXPECT_AT_MOST(before->free_pages, now.free_pages + page_slack);
}

/* --- time --------------------------------------------------------------------------------- */

void sleep_for(zx_duration_t duration) {
    zx_nanosleep(zx_clock_get_monotonic() + duration);
}

void wait_until_handle_count(zx_handle_t handle, uint32_t count) {
    zx_time_t deadline = zx_clock_get_monotonic() + SETTLE_TIME;
    while (object_handle_count(handle) != count && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_MSEC(1));
    EXPECT_EQUAL(object_handle_count(handle), count);
}

static bool blocks_or_is_dead(uint32_t state) {
    return ZX_THREAD_STATE_BASIC(state) == ZX_THREAD_STATE_BLOCKED || state == ZX_THREAD_STATE_DEAD;
}

void wait_until_blocked(zx_handle_t thread) {
    EXPECT_EQUAL(handle_type(thread), ZX_OBJ_TYPE_THREAD);
    while (!blocks_or_is_dead(thread_state(thread)))
        zx_thread_yield();
}
