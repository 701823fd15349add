#include <task/job_kill.h>

#include <abi/errors.h>
#include <task/job.h>
#include <task/process.h>

/* Returns a process of the job with a reference; NULL: there are no more. *left: how many of the
 * list have not been looked at. Each one looked at moves to the end of the list, so the next call
 * finds another. A process without references is being destroyed, and is skipped. */
static struct process* next_process(struct job* job, uint32_t* left) {
    struct process* victim = NULL;
    spin_lock(job->object.lock);
    while (*left > 0 && !victim && !list_is_empty(&job->processes)) {
        struct list_node* node = list_pop_front(&job->processes);
        list_push_back(&job->processes, node);
        (*left)--;
        struct process* process = LIST_ENTRY(node, struct process, job_node);
        if (object_try_reference(&process->object))
            victim = process;
    }
    spin_unlock(job->object.lock);
    return victim;
}

static void kill_processes(struct job* job) {
    spin_lock(job->object.lock);
    job->is_dying = true; /* from here on nothing can be added */
    uint32_t left = job->process_count;
    spin_unlock(job->object.lock);
    struct process* victim;
    while ((victim = next_process(job, &left))) {
        process_kill(victim, ZX_ERR_CANCELED);
        object_release(&victim->object);
    }
}

/* The same for the child jobs. */
static struct job* next_child(struct job* job, uint32_t* left) {
    struct job* child = NULL;
    spin_lock(job->object.lock);
    while (*left > 0 && !child && !list_is_empty(&job->children)) {
        struct list_node* node = list_pop_front(&job->children);
        list_push_back(&job->children, node);
        (*left)--;
        struct job* candidate = LIST_ENTRY(node, struct job, parent_node);
        if (object_try_reference(&candidate->object))
            child = candidate;
    }
    spin_unlock(job->object.lock);
    return child;
}

/* The recursion is limited by JOB_MAX_DEPTH. */
void job_kill(struct job* job) {
    kill_processes(job);
    uint32_t left = job->child_count;
    struct job* child;
    while ((child = next_child(job, &left))) {
        job_kill(child);
        object_release(&child->object);
    }
}
