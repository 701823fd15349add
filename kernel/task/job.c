#include <task/job.h>

#include <abi/errors.h>
#include <mm/slab.h>

static struct slab_cache job_cache = SLAB_CACHE_INITIALIZER(job_cache, "job", sizeof(struct job));
static const struct object_ops job_ops;

zx_status_t job_join(struct job* job, struct job_members* members, struct job_member* member,
                     struct policy* policy) {
    zx_status_t status = ZX_OK;
    spin_lock(job->object.lock);
    if (job->is_dying) {
        status = ZX_ERR_BAD_STATE;
    } else if (members->count == JOB_MAX_CHILDREN) {
        status = ZX_ERR_NO_RESOURCES;
    } else {
        list_push_back(&members->list, &member->node);
        *policy = job->policy;
        if (members->count++ == 0)
            object_update_signals_locked(&job->object, members->none, 0);
    }
    spin_unlock(job->object.lock);
    return status;
}

void job_leave(struct job* job, struct job_members* members, struct job_member* member) {
    spin_lock(job->object.lock);
    if (list_node_is_linked(&member->node)) {
        list_remove(&member->node);
        if (--members->count == 0)
            object_update_signals_locked(&job->object, 0, members->none);
    }
    spin_unlock(job->object.lock);
}

static zx_status_t join_parent(struct job* job, struct job* parent) {
    if (parent->depth + 1 >= JOB_MAX_DEPTH)
        return ZX_ERR_OUT_OF_RANGE;
    zx_status_t status = job_join(parent, &parent->children, &job->member, &job->policy);
    if (status != ZX_OK)
        return status;
    object_reference(&parent->object);
    job->parent = parent;
    job->depth = parent->depth + 1;
    return ZX_OK;
}

static void members_init(struct job_members* members, zx_signals_t none) {
    list_init(&members->list);
    members->count = 0;
    members->none = none;
}

zx_status_t job_create(struct job* parent, struct job** out) {
    struct job* job = slab_alloc(&job_cache);
    if (!job)
        return ZX_ERR_NO_MEMORY;
    job->parent = NULL;
    job->member.object = &job->object;
    members_init(&job->children, ZX_JOB_NO_JOBS);
    members_init(&job->processes, ZX_JOB_NO_PROCESSES);
    job->depth = 0;
    job->is_dying = false;
    job->policy = (struct policy){.actions = 0};
    /* Before join_parent, because a kill of the parent takes a reference to each child that it
     * finds. */
    object_init(&job->object, &job_ops, NULL, ZX_JOB_NO_PROCESSES | ZX_JOB_NO_JOBS);
    zx_status_t status = parent ? join_parent(job, parent) : ZX_OK;
    if (status != ZX_OK) {
        object_release(&job->object);
        return status;
    }
    *out = job;
    return ZX_OK;
}

/* The lock is held from the look to the change, so no child or process joins in between. */
zx_status_t job_set_policy(struct job* job, bool is_absolute, const zx_policy_basic_t* entries,
                           uint32_t count) {
    spin_lock(job->object.lock);
    bool is_alone = job->children.count == 0 && job->processes.count == 0;
    zx_status_t status =
        is_alone ? policy_add(&job->policy, is_absolute, entries, count) : ZX_ERR_BAD_STATE;
    spin_unlock(job->object.lock);
    return status;
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void job_destroy(struct object* object) {
    struct job* job = job_from(object);
    if (job->parent) {
        job_leave(job->parent, &job->parent->children, &job->member);
        object_release(&job->parent->object);
    }
    slab_free(&job_cache, job);
}

static zx_koid_t job_related_koid(const struct object* object) {
    const struct job* parent = CONTAINER_OF(object, struct job, object)->parent;
    return parent ? parent->object.koid : ZX_KOID_INVALID;
}

static const struct object_ops job_ops = {
    .type = ZX_OBJ_TYPE_JOB,
    .name = "job",
    .default_rights = ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHTS_PROPERTY | ZX_RIGHTS_POLICY |
                      ZX_RIGHT_ENUMERATE | ZX_RIGHT_DESTROY | ZX_RIGHT_SIGNAL |
                      ZX_RIGHT_MANAGE_JOB | ZX_RIGHT_MANAGE_PROCESS | ZX_RIGHT_MANAGE_THREAD,
    .user_signals = ZX_USER_SIGNAL_ALL,
    .destroy = job_destroy,
    .related_koid = job_related_koid,
};
