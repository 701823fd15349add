/* Jobs: a tree of processes that are killed together, and whose number is limited.
 *
 * Rules for jobs:
 * - A job holds a reference to its parent, never to its children: it only lists them.
 * - A child job leaves the list when its last reference is dropped, a process when it ends.
 * - Once a job is being killed, nothing can be added to it or to a job below it.
 * - A job's policy never changes while the job has processes or child jobs. */
#pragma once

#include <object/object.h>
#include <task/policy.h>

#define JOB_MAX_DEPTH 32u
#define JOB_MAX_CHILDREN 4096u /* of jobs, and of processes */

/* What a job lists: its child jobs, or its processes. */
struct job_members {
    struct list list; /* job_member.node; borrowed: see the rules above */
    uint32_t count;
    zx_signals_t none; /* the signal that the job shows while the list is empty */
};

struct job_member {
    struct list_node node;
    struct object* object;
};

struct job {
    struct object object;     /* its lock guards the fields below */
    struct job* parent;       /* a reference; NULL for the root */
    struct job_member member; /* in the parent's list; under the parent's lock */
    struct job_members children, processes;
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

/* Adds a child job or a process, and writes the job's policy to `policy`, in one lock hold. So a
 * kill either finds the member in the list, or has set `is_dying` before, and this fails. The
 * policy cannot change between the copy and the join. Errors as job_create. */
MUST_CHECK zx_status_t job_join(struct job* job, struct job_members* members,
                                struct job_member* member, struct policy* policy);
/* Does nothing if the member has not joined. */
void job_leave(struct job* job, struct job_members* members, struct job_member* member);

static inline struct job* job_from(struct object* object) {
    return CONTAINER_OF(object, struct job, object);
}
