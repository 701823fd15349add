/* Jobs: a tree of processes that can be killed together, and whose number is bounded. */
#pragma once

#include <object/object.h>
#include <task/policy.h>

#define JOB_MAX_DEPTH 32u
#define JOB_MAX_CHILDREN 4096u /* jobs and processes, each */

struct process;

struct job {
    struct object object; /* its lock guards the rest */
    struct job* parent;   /* a reference; NULL for the root */
    struct list_node parent_node;
    struct list children, processes; /* borrowed: each leaves when it ends or is destroyed */
    uint32_t child_count, process_count;
    uint32_t depth;
    bool is_dying;
    struct policy policy; /* constant while there are processes or jobs below */
};

/* Shows NO_PROCESSES and NO_JOBS while it has none. One reference; `parent` NULL: the root job.
 * NO_MEMORY; OUT_OF_RANGE: too deep; NO_RESOURCES: too many; BAD_STATE: the parent is being killed.
 */
zx_status_t job_create(struct job* parent, struct job** out);
/* Kills every process of the job and of its descendants; nothing can be made in them any more. */
void job_kill(struct job* job);

/* Errors as policy_add; BAD_STATE: the job has processes or jobs. */
MUST_CHECK zx_status_t job_set_policy(struct job* job, bool is_absolute,
                                      const zx_policy_basic_t* entries, uint32_t count);

/* For process.c: the process gets the job's policy. Errors as job_create. */
zx_status_t job_add_process(struct job* job, struct process* process);
void job_remove_process(struct job* job, struct process* process); /* also when it is in no list */

static inline struct job* job_from(struct object* object) {
    return CONTAINER_OF(object, struct job, object);
}
