#include "all_cpus.h"

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <mm/kernel_stack.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "selftest.h"

#define TRIES 20u
#define FOR_EVER_NANOSECONDS 30000000000l
#define LOOK_NANOSECONDS 100000l

static void (*job)(void* cpu);
static _Atomic uint32_t arrived;

/* Yields, so that it also ends when the CPUs take turns. */
static void run_job(void* cpu) {
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < cpu_count())
        thread_yield();
    job(cpu);
}

/* Threads that cannot all be made do nothing: the missing ones are counted as arrived, and the rest
 * find no work. */
static void no_job(void* cpu) {
    (void)cpu;
}

bool run_on_all_cpus(void (*function)(void* cpu)) {
    struct thread* threads[CPU_MAX];
    uint32_t count = 0;
    job = function;
    atomic_store(&arrived, 0);
    for (; count < cpu_count(); count++) {
        threads[count] =
            thread_create("every CPU", run_job, (void*)(uintptr_t)count, THREAD_PRIORITY_DEFAULT);
        if (!threads[count])
            break;
        if (thread_set_affinity(threads[count], 1u << count) != ZX_OK)
            selftest_fail(__FILE__, __LINE__, "CPU %u takes no thread", count);
    }
    if (count < cpu_count()) {
        job = no_job;
        atomic_store(&arrived, cpu_count());
    }
    for (uint32_t i = 0; i < count; i++)
        thread_start(threads[i]);
    for (uint32_t i = 0; i < count; i++) {
        thread_join(threads[i]);
        thread_release(threads[i]);
    }
    return count == cpu_count();
}

static void (*long_job)(void* unused);
static _Atomic uint32_t ended;

static void run_long_job(void* unused) {
    long_job(unused);
    atomic_fetch_add(&ended, 1);
}

/* A killed thread leaves most calls. If this one does not, it is left behind. */
bool runs_to_its_end(void (*function)(void* unused)) {
    long_job = function;
    atomic_store(&ended, 0);
    struct thread* thread = thread_create("long job", run_long_job, NULL, THREAD_PRIORITY_DEFAULT);
    if (!thread)
        return false;
    thread_start(thread);
    bool has_ended = counter_comes_to(&ended, 1);
    if (!has_ended) {
        thread_kill(thread);
        if (!counter_comes_to(&ended, 1))
            return false;
    }
    thread_join(thread);
    thread_release(thread);
    return has_ended;
}

void stay_on_cpu(uint32_t cpu) {
    if (thread_set_affinity(thread_current(), 1u << cpu) != ZX_OK)
        selftest_fail(__FILE__, __LINE__, "cannot go to CPU %u", cpu);
    while (cpu_number() != cpu)
        thread_yield();
}

void stay_anywhere(void) {
    if (thread_set_affinity(thread_current(), UINT32_MAX) != ZX_OK)
        selftest_fail(__FILE__, __LINE__, "cannot be set free");
}

static void trim_here(void* cpu) {
    (void)cpu;
    slab_trim();
}

/* The joining threads are woken before the memory of the dead thread goes back. */
size_t pages_free_when_trimmed(void) {
    thread_bury_all();
    size_t count = thread_count();
    if (!run_on_all_cpus(trim_here) || !threads_come_back(count))
        selftest_fail(__FILE__, __LINE__, "no memory");
    kernel_stack_trim();
    slab_trim();
    return page_count_free();
}

bool pages_come_back(size_t free_before) {
    for (unsigned i = 0; i < TRIES; i++)
        if (pages_free_when_trimmed() + cpu_count() >= free_before)
            return true;
    return false;
}

bool threads_come_back(size_t count_before) {
    zx_time_t give_up = clock_now() + FOR_EVER_NANOSECONDS;
    while (thread_count() > count_before && clock_now() < give_up)
        if (thread_sleep_until(clock_now() + LOOK_NANOSECONDS) != ZX_OK)
            return false;
    return thread_count() <= count_before;
}

bool counter_comes_to(_Atomic uint32_t* counter, uint32_t value) {
    zx_time_t give_up = clock_now() + FOR_EVER_NANOSECONDS;
    while (atomic_load(counter) != value && clock_now() < give_up)
        if (thread_sleep_until(clock_now() + LOOK_NANOSECONDS) != ZX_OK)
            return false;
    return atomic_load(counter) == value;
}
