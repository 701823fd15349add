/* The destruction of many objects by one release. */
#include <debug/selftest.h>
#include <object/object.h>
#include <sched/sched.h>
#include <sched/thread.h>

#define LINKS 100u

/* Each has a reference to the next one, which is destroyed after it. */
static struct object chain[LINKS];
static _Atomic bool has_begun;
static _Atomic uint32_t priority_at_the_end;

static void destroy_link(struct object* link) {
    atomic_store(&has_begun, true);
    while (!thread_is_killed(thread_current()))
        thread_yield();
    if (link < &chain[LINKS - 1]) {
        object_release(link + 1);
        return;
    }
    while (thread_current()->priority == THREAD_PRIORITY_DEFAULT) /* the kill is under way */
        thread_yield();
    atomic_store(&priority_at_the_end, thread_current()->priority);
}

static const struct object_ops link_ops = {
    .type = ZX_OBJ_TYPE_EVENT,
    .name = "link",
    .destroy = destroy_link,
};

static void release_chain(void* unused) {
    (void)unused;
    object_release(&chain[0]);
}

/* A program may have millions of objects destroyed by one close, and kill the thread meanwhile:
 * that must not keep other programs from running. */
SELFTEST(object_destroy, a_killed_thread_that_destroys_many_objects_is_not_above_programs) {
    size_t before = object_count();
    atomic_store(&has_begun, false);
    for (uint32_t i = 0; i < LINKS; i++)
        object_init(&chain[i], &link_ops, NULL, 0);
    struct thread* thread =
        thread_create("destroyer", release_chain, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread_start(thread);
    while (!atomic_load(&has_begun))
        thread_yield();
    thread_kill(thread);
    thread_join(thread);
    thread_release(thread);
    EXPECT_EQUAL(atomic_load(&priority_at_the_end), THREAD_PRIORITY_USER_MAX);
    EXPECT_EQUAL(object_count(), before);
}
