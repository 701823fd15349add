/* A thread is made although memory is missing, because dead threads are buried for it. */

#ifdef JACINTH_DEBUG

#include <abi/errors.h>
#include <mm/fail_allocation.h>
#include <sched/thread.h>
#include <task/job.h>
#include <task/process.h>
#include <task/user_thread.h>

#include "all_cpus.h"
#include "held_cleaner.h"
#include "selftest.h"

#define ALLOCATIONS_MAX 100u

static void do_nothing(void* unused) {
    (void)unused;
}

/* On this CPU, at once. Nobody buries it while the cleaner is held. */
static bool leave_dead_thread(void) {
    struct thread* thread = thread_create("dead", do_nothing, NULL, THREAD_PRIORITY_DEFAULT + 1);
    if (!thread)
        return false;
    bool is_bound = thread_set_affinity(thread, 1) == ZX_OK;
    thread_start(thread);
    thread_release(thread);
    return is_bound;
}

static bool make_thread(struct process* process) {
    struct user_thread* thread;
    zx_status_t status = user_thread_create(process, "test", &thread);
    if (status == ZX_OK)
        object_release(&thread->object);
    return status == ZX_OK;
}

/* The first allocation is the object of the user thread. That one does not wait for burials. */
static uint32_t make_threads(struct process* process) {
    uint32_t nth = 2, made = 0;
    for (bool is_over = false; !is_over && nth < ALLOCATIONS_MAX; nth++) {
        if (!leave_dead_thread())
            break;
        allocation_fail_nth(nth);
        bool is_made = make_thread(process);
        allocation_fail_nth(0);
        is_over = !allocation_has_failed();
        if (!is_made) {
            selftest_fail(__FILE__, __LINE__, "allocation %u fails", nth);
            break;
        }
        made++;
    }
    return made;
}

SELFTEST(out_of_memory, a_user_thread_is_made_of_the_memory_of_dead_threads) {
    struct job* job;
    struct process* process;
    stay_on_cpu(0);
    thread_bury_all();
    EXPECT_OK(job_create(NULL, &job));
    EXPECT_OK(process_create(job, "test", &process));
    EXPECT(make_thread(process)); /* so that there is a slab */
    EXPECT(cleaner_hold());
    uint32_t made = make_threads(process);
    cleaner_let_go();
    object_release(&process->object);
    object_release(&job->object);
    stay_anywhere();
    EXPECT(made >= 3); /* the thread, its FPU state, and at last no failure */
}

#endif
