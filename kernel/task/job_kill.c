#include <task/job_kill.h>

#include <abi/errors.h>
#include <task/job.h>
#include <task/process.h>

/* Returns a member of the job with a reference; NULL: there are no more. *left counts the members
 * that this kill has not yet found. A member that was found moves to the end of the list, so the
 * next call finds another one. A member without references is being destroyed, and is skipped. */
static struct object* next_member(struct job* job, struct job_members* members, uint32_t* left) {
    struct object* found = NULL;
    spin_lock(job->object.lock);
    while (*left > 0 && !found && !list_is_empty(&members->list)) {
        struct list_node* node = list_pop_front(&members->list);
        list_push_back(&members->list, node);
        (*left)--;
        struct object* object = LIST_ENTRY(node, struct job_member, node)->object;
        if (object_try_reference(object))
            found = object;
    }
    spin_unlock(job->object.lock);
    return found;
}

/* JOB_MAX_DEPTH limits the recursion. No lock is held while a victim is killed, because two locks
 * of one class are never held together. */
void job_kill(struct job* job) {
    spin_lock(job->object.lock);
    job->is_dying = true; /* from here on nothing can join the job */
    uint32_t left = job->processes.count;
    spin_unlock(job->object.lock);
    struct object* victim;
    while ((victim = next_member(job, &job->processes, &left))) {
        process_kill(process_from(victim), ZX_ERR_CANCELED);
        object_release(victim);
    }
    left = job->children.count;
    while ((victim = next_member(job, &job->children, &left))) {
        job_kill(job_from(victim));
        object_release(victim);
    }
}
