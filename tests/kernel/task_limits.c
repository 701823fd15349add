/* How many jobs, processes and threads there may be, and how deep jobs may lie. Where it would take
 * long to make them all, the test sets the count instead. */
#include <abi/errors.h>
#include <task/job.h>
#include <task/process.h>
#include <task/user_thread.h>

#include "selftest.h"

SELFTEST(task_limits, jobs_lie_as_deep_as_the_limit_says) {
    static struct job* jobs[JOB_MAX_DEPTH + 2];
    size_t before = object_count();
    zx_status_t status = job_create(NULL, &jobs[0]);
    uint32_t count = 1;
    EXPECT_OK(status);
    while (count < ARRAY_LENGTH(jobs) &&
           (status = job_create(jobs[count - 1], &jobs[count])) == ZX_OK)
        count++;
    EXPECT_EQUAL(status, ZX_ERR_OUT_OF_RANGE);
    EXPECT_EQUAL(jobs[count - 1]->depth, count - 1);
    EXPECT_EQUAL(count, JOB_MAX_DEPTH);
    EXPECT_EQUAL(jobs[count - 1]->children.count, 0);
    while (count > 0)
        object_release(&jobs[--count]->object);
    EXPECT_EQUAL(object_count(), before);
}

SELFTEST(task_limits, a_job_has_as_many_jobs_as_the_limit_says) {
    struct job *root, *last, *more;
    size_t before = object_count();
    EXPECT_OK(job_create(NULL, &root));
    root->children.count = JOB_MAX_CHILDREN - 1;
    EXPECT_OK(job_create(root, &last));
    EXPECT_EQUAL(root->children.count, JOB_MAX_CHILDREN);
    EXPECT_EQUAL(job_create(root, &more), ZX_ERR_NO_RESOURCES);
    EXPECT_EQUAL(root->children.count, JOB_MAX_CHILDREN);
    object_release(&last->object);
    EXPECT_OK(job_create(root, &last)); /* the place is free again */
    object_release(&last->object);
    EXPECT_EQUAL(root->children.count, JOB_MAX_CHILDREN - 1);
    root->children.count = 0;
    object_release(&root->object);
    EXPECT_EQUAL(object_count(), before);
}

SELFTEST(task_limits, a_job_has_as_many_processes_as_the_limit_says) {
    struct job* root;
    struct process *last, *more;
    size_t before = object_count();
    EXPECT_OK(job_create(NULL, &root));
    root->processes.count = JOB_MAX_CHILDREN - 1;
    EXPECT_OK(process_create(root, "last", &last));
    EXPECT_EQUAL(root->processes.count, JOB_MAX_CHILDREN);
    EXPECT_EQUAL(process_create(root, "more", &more), ZX_ERR_NO_RESOURCES);
    EXPECT_EQUAL(root->processes.count, JOB_MAX_CHILDREN);
    object_release(&last->object);
    EXPECT_EQUAL(root->processes.count, JOB_MAX_CHILDREN - 1);
    root->processes.count = 0;
    object_release(&root->object);
    EXPECT_EQUAL(object_count(), before);
}

SELFTEST(task_limits, a_process_has_as_many_threads_as_the_limit_says) {
    struct job* root;
    struct process* process;
    struct user_thread *last, *more;
    size_t before = object_count();
    EXPECT_OK(job_create(NULL, &root));
    EXPECT_OK(process_create(root, "crowd", &process));
    process->thread_count = PROCESS_MAX_THREADS - 1;
    EXPECT_OK(user_thread_create(process, "last", &last));
    EXPECT_EQUAL(process->thread_count, PROCESS_MAX_THREADS);
    EXPECT_EQUAL(user_thread_create(process, "more", &more), ZX_ERR_NO_RESOURCES);
    EXPECT_EQUAL(process->thread_count, PROCESS_MAX_THREADS);
    object_release(&last->object);
    EXPECT_EQUAL(process->thread_count, PROCESS_MAX_THREADS - 1);
    process->thread_count = 0;
    object_release(&process->object);
    object_release(&root->object);
    EXPECT_EQUAL(object_count(), before);
}
