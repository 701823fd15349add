#include <task/leak_check.h>

#ifdef JACINTH_DEBUG
#include <abi/types.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/board.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <mm/kernel_stack.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <ipc/message_cycle.h>
#include <task/job.h>
#include <object/object.h>
#include <task/process.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#define CACHES_MAX 64u
#define PATIENCE 10000000000l /* nanoseconds that the last threads have to end */
#define PAUSE 1000000l

/* Number of pages that may stay in use, for slabs with objects in the CPUs' magazines. */
#define PAGE_SLACK 32u

struct count {
    const struct slab_cache* cache;
    size_t in_use;
};

static struct count counts_before[CACHES_MAX];
static size_t count_of_counts, pages_before;

static void remember(const struct slab_cache* cache, size_t in_use) {
    ASSERT(count_of_counts < CACHES_MAX);
    counts_before[count_of_counts++] = (struct count){cache, in_use};
}

/* The number of stack tables that the kernel keeps depends on how many threads existed at once. So
 * their pages do not count as used. */
static size_t pages_free_or_kept(void) {
    return page_count_free() + kernel_stack_bookkeeping_pages();
}

void leak_check_begin(void) {
    count_of_counts = 0;
    slab_for_each_cache(remember);
    pages_before = pages_free_or_kept();
}

static size_t in_use_before(const struct slab_cache* cache) {
    for (size_t i = 0; i < count_of_counts; i++)
        if (counts_before[i].cache == cache)
            return counts_before[i].in_use;
    return 0;
}

/* The state of one count. Only one thread counts at a time, so no lock is needed. */
static size_t leaks;
static bool is_logging;

static void compare(const struct slab_cache* cache, size_t in_use) {
    size_t before = in_use_before(cache);
    if (in_use <= before || cache == &slab_magazine_cache) /* CPUs keep their magazines */
        return;
    leaks++;
    if (is_logging)
        log_error("leak: %zu of '%s', which has %zu in use", in_use - before, cache->name, in_use);
}

size_t leak_check_count(bool must_log) {
    leaks = 0;
    is_logging = must_log;
    slab_for_each_cache(compare);
    size_t pages = pages_free_or_kept();
    if (pages + PAGE_SLACK < pages_before) {
        leaks++;
        if (must_log)
            log_error("leak: %zu pages", pages_before - pages);
    }
    return leaks;
}

/* Frees the objects and pages that each CPU keeps for later. */
static void trim_everywhere(void) {
    thread_bury_all();
    for (uint32_t cpu = 0; cpu < cpu_count(); cpu++) {
        if (thread_set_affinity(thread_current(), 1u << cpu) != ZX_OK)
            continue;
        while (cpu_number() != cpu)
            thread_yield();
        slab_trim();
    }
    kernel_stack_trim();
}

/* Runs in a kernel thread, because all user threads are killed. */
static void check_and_exit(void* status) {
    zx_time_t deadline = clock_now() + PATIENCE;
    trim_everywhere();
    while (leak_check_count(false) > 0 && clock_now() < deadline &&
           thread_sleep_until(clock_now() + PAUSE) == ZX_OK) {
        message_cycle_collect_all();
        trim_everywhere();
    }
    machine_exit(leak_check_count(true) > 0 ? 1 : (uint32_t)(uintptr_t)status);
}

void leak_check_exit(uint32_t status) {
    struct job* job = process_current()->job;
    while (job->parent)
        job = job->parent;
    struct thread* thread = thread_create("leak check", check_and_exit, (void*)(uintptr_t)status,
                                          THREAD_PRIORITY_DEFAULT);
    if (!thread)
        machine_exit(status);
    thread_start(thread);
    thread_release(thread);
    job_kill(job);
    process_exit_current(0);
}
#endif
