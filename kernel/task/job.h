/* Jobs: a tree of processes that are killed together, and whose number is limited.
 *
 * Rules for jobs:
 * - A job holds a reference to its parent, never to its children: it only lists them.
 * - A child leaves the list when its last reference goes, a process when it ends.
 * - Once a job is being killed, nothing can be added to it or to a job below it.
 * - A policy never changes while there are processes or jobs below. */
#pragma once

#include <object/object.h>
#include <task/policy.h>

#define JOB_MAX_DEPTH 32u
#define JOB_MAX_CHILDREN 4096u /* of jobs, and of processes */

struct job {
    struct object object; /* its lock guards the fields below */
    struct job* parent;   /* a reference; NULL for the root */
    struct list_node parent_node;
    struct list children;  /* job.parent_node; borrowed: see the rules above */
    struct list processes; /* process.job_node; borrowed */
    uint32_t child_count, process_count;
    uint32_t depth;
    bool is_dying;
    struct policy policy; /* constant while there are processes or jobs below */
};

/* Makes a job with one reference. `parent` NULL: the root job. It shows NO_PROCESSES and NO_JOBS
 * while it has none. NO_MEMORY; OUT_OF_RANGE: too deep; NO_RESOURCES: too many children; BAD_STATE:
 * the parent is being killed. */
zx_status_t job_create(struct job* parent, struct job** out);
/* Adds to the job's policy. Errors as policy_add; BAD_STATE: the job has processes or jobs. */
MUST_CHECK zx_status_t job_set_policy(struct job* job, bool is_absolute,
                                      const zx_policy_basic_t* entries, uint32_t count);

/* For process.c: adds a process by its node, and writes the job's policy to `policy`. Errors as
 * job_create. */
zx_status_t job_add_process(struct job* job, struct list_node* node, struct policy* policy);
/* does nothing if it was not added */
void job_remove_process(struct job* job, struct list_node* node);

static inline struct job* job_from(struct object* object) {
    return CONTAINER_OF(object, struct job, object);
}
