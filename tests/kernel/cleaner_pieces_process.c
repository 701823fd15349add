/* The longest pieces of the cleaner: processes and threads. */
#include <ipc/message_cycle.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <sched/thread.h>
#include <task/job.h>
#include <task/process.h>

#include "all_cpus.h"
#include "measured_cleaner.h"
#include "object_helpers.h"
#include "selftest.h"

#define MAPPINGS 1000u /* of each of two kinds */
#define LARGE_PAGES 3000u
#define DEPTH 300u
#define EVENTS 3000u
#define CHANNELS 1000u
#define SPARSE 100u
#define TOP_LEVEL_SPAN (1ul << 39)
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)
#define CAPABILITIES (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC)

static size_t objects_before;
static struct job* job;
static struct process* process;

/* --- what a process has ----------------------------------------------------------------------- */

static bool map(struct vmar* vmar, struct vmo* vmo, size_t pages, uint32_t more) {
    virtual_address_t address;
    const struct vmar_map_request request = {READ_WRITE | more, READ_WRITE, 0, vmo, 0,
                                             pages * PAGE_SIZE, NULL};
    return vmar_map(vmar, &request, &address) == ZX_OK;
}

/* A VMO that only its mapping keeps, with all its pages there. */
static bool map_new(struct vmar* vmar, size_t pages) {
    struct vmo* vmo;
    if (vmo_create(pages * PAGE_SIZE, &vmo) != ZX_OK)
        return false;
    bool is_mapped = map(vmar, vmo, pages, ZX_VM_MAP_RANGE);
    vmo_release(vmo);
    return is_mapped;
}

static bool add_mappings(struct vmar* root) {
    struct vmo* shared;
    if (vmo_create(PAGE_SIZE, &shared) != ZX_OK)
        return false;
    bool is_done = true;
    for (unsigned i = 0; i < MAPPINGS && is_done; i++)
        is_done = map_new(root, 1) && map(root, shared, 1, ZX_VM_MAP_RANGE);
    vmo_release(shared);
    return is_done && map_new(root, LARGE_PAGES);
}

static bool add_nested_vmars(struct vmar* root) {
    struct vmar* deepest = root;
    for (size_t i = 0; i < DEPTH; i++) {
        struct vmar* child;
        virtual_address_t address;
        if (vmar_allocate(deepest, CAPABILITIES, 0, (DEPTH + 16 - i) * PAGE_SIZE, &child,
                          &address) != ZX_OK)
            return false;
        if (i > 0)
            vmar_release(deepest);
        deepest = child;
    }
    bool is_mapped = map_new(deepest, 1);
    vmar_release(deepest);
    return is_mapped;
}

/* Each page needs tables of its own, at all levels. */
static bool add_sparse_mappings(struct vmar* root) {
    for (size_t i = 1; i <= SPARSE; i++) {
        struct vmo* vmo;
        virtual_address_t address;
        if (vmo_create(PAGE_SIZE, &vmo) != ZX_OK)
            return false;
        const struct vmar_map_request request = {READ_WRITE | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE,
                                                 READ_WRITE,
                                                 i * TOP_LEVEL_SPAN,
                                                 vmo,
                                                 0,
                                                 PAGE_SIZE,
                                                 NULL};
        bool is_mapped = vmar_map(root, &request, &address) == ZX_OK;
        vmo_release(vmo);
        if (!is_mapped)
            return false;
    }
    return true;
}

/* Events, and channels both of whose ends the process has. */
static bool add_handles(struct handle_table* table) {
    struct event* event;
    struct handle ends[2];
    zx_handle_t value;
    for (unsigned i = 0; i < EVENTS; i++)
        if (!add_event(table, &event))
            return false;
    for (unsigned i = 0; i < CHANNELS; i++)
        if (!create_channel(ends) || handle_table_add(table, ends[0], &value) != ZX_OK ||
            handle_table_add(table, ends[1], &value) != ZX_OK)
            return false;
    return true;
}

static bool create_process(bool (*fill)(struct process* process)) {
    message_cycle_collect_all();
    objects_before = object_count();
    return job_create(NULL, &job) == ZX_OK && process_create(job, "load", &process) == ZX_OK &&
           fill(process);
}

static bool fill(struct process* filled) {
    struct vmar* root = aspace_root(filled->aspace);
    return add_mappings(root) && add_nested_vmars(root) && add_handles(&filled->handles);
}

static bool fill_sparsely(struct process* filled) {
    return add_sparse_mappings(aspace_root(filled->aspace));
}

/* The cleaner is held. */
static void release_and_measure(const char* load) {
    leave_to_cleaner(handle_to(&process->object, 0));
    leave_to_cleaner(handle_to(&job->object, 0));
    measure_pieces(load);
    measure_end();
    message_cycle_collect_all();
    EXPECT_EQUAL(object_count(), objects_before);
}

SELFTEST(cleaner_pieces_process, a_process_that_never_ran) {
    EXPECT(create_process(fill) && measure_begin());
    release_and_measure("process_new");
}

SELFTEST(cleaner_pieces_process, a_process_of_many_page_tables) {
    EXPECT(create_process(fill_sparsely) && measure_begin());
    release_and_measure("process_sparse");
}

/* --- a process that is killed ----------------------------------------------------------------- */

static _Atomic uint32_t ended;

/* As the last thread of the process: killed, and with its page tables loaded. */
static void end_process(void* unused) {
    (void)unused;
    thread_kill(thread_current());
    process_kill(process, 0);
    atomic_fetch_add(&ended, 1);
}

static void kill_and_measure(const char* load) {
    atomic_store(&ended, 0);
    struct thread* thread = thread_create("last", end_process, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread->aspace = process->aspace;
    EXPECT(measure_begin());
    thread_start(thread);
    bool has_ended = counter_comes_to(&ended, 1);
    thread_release(thread);
    measure_pieces(load);
    release_and_measure(load);
    EXPECT(has_ended);
}

SELFTEST(cleaner_pieces_process, a_process_that_is_killed) {
    EXPECT(create_process(fill));
    kill_and_measure("process_killed");
}

SELFTEST(cleaner_pieces_process, a_killed_process_of_many_page_tables) {
    EXPECT(create_process(fill_sparsely));
    kill_and_measure("process_killed_sparse");
}

/* --- threads ---------------------------------------------------------------------------------- */

#define THREADS 200u /* more than keep their stacks */

static void end_at_once(void* unused) {
    (void)unused;
    atomic_fetch_add(&ended, 1);
}

SELFTEST(cleaner_pieces_process, burials_and_stacks) {
    static struct thread* threads[THREADS];
    size_t count_before = thread_count();
    atomic_store(&ended, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = thread_create("short", end_at_once, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(threads[i] != NULL);
    }
    EXPECT(measure_begin());
    for (unsigned i = 0; i < THREADS; i++) {
        thread_start(threads[i]);
        thread_release(threads[i]);
    }
    bool have_ended = counter_comes_to(&ended, THREADS);
    measure_pieces("threads");
    measure_end();
    EXPECT(have_ended);
    EXPECT(threads_come_back(count_before));
}
