/* The destruction of many objects by one release. */
#include <lib/units.h>
#include <object/object.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "selftest.h"

#define LINKS 200u

/* Each has a reference to the next one, which is destroyed after it. */
static struct object chain[LINKS];
static _Atomic bool has_begun;
static const struct thread* destroyer_of[LINKS];
static uint32_t priority_of[LINKS];

static void destroy_link(struct object* link) {
    if (link == &chain[0]) {
        atomic_store(&has_begun, true);
        while (!thread_is_killed(thread_current()) ||
               thread_current()->priority == THREAD_PRIORITY_DEFAULT) /* the kill is under way */
            thread_yield();
    }
    destroyer_of[link - chain] = thread_current();
    priority_of[link - chain] = thread_current()->priority;
    if (link < &chain[LINKS - 1])
        object_release(link + 1);
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

/* A program may have millions of objects destroyed by one close, and kill the thread meanwhile. The
 * thread is then more urgent than all programs, so it must not go on for long. */
SELFTEST(object_destroy, a_killed_thread_leaves_what_takes_long_to_the_cleaner) {
    size_t before = object_count();
    unsigned by_thread = 0;
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
    object_await_cleaner();
    EXPECT_EQUAL(object_count(), before);
    while (by_thread < LINKS && destroyer_of[by_thread] == thread)
        by_thread++;
    EXPECT(by_thread > 1 && by_thread <= UNITS_PER_PIECE);
    for (uint32_t i = 0; i < LINKS; i++) {
        EXPECT_EQUAL(priority_of[i], THREAD_PRIORITY_SYSTEM);
        EXPECT_EQUAL(destroyer_of[i] == thread, i < by_thread);
    }
    thread_release(thread);
}

/* --- pieces ----------------------------------------------------------------------------------- */

#define PIECES 3u

static unsigned pieces_left;

/* Uses up what it gets until its last piece. Each piece but the last one makes a new object. */
static bool destroy_slowly(struct object* object, int64_t* units) {
    (void)object;
    if (--pieces_left == 0)
        return false;
    *units = 0;
    object_release(&chain[pieces_left]);
    return true;
}

static unsigned destroyed;

static void note_destroyed(struct object* object) {
    (void)object;
    destroyed++;
}

SELFTEST(object_destroy, an_object_that_is_half_destroyed_stays_the_first_of_the_list) {
    static const struct object_ops slow_ops = {
        .type = ZX_OBJ_TYPE_EVENT, .name = "slow", .destroy_some = destroy_slowly};
    static const struct object_ops quick_ops = {
        .type = ZX_OBJ_TYPE_EVENT, .name = "quick", .destroy = note_destroyed};
    static struct object slow;
    struct destroy_list list = {NULL, NULL};
    size_t before = object_count();
    int64_t units;
    pieces_left = PIECES;
    destroyed = 0;
    object_init(&slow, &slow_ops, NULL, 0);
    for (unsigned i = 1; i < PIECES; i++)
        object_init(&chain[i], &quick_ops, NULL, 0);
    object_gather_begin(&list);
    object_release(&slow);
    for (unsigned i = 1; i < PIECES; i++) {
        units = UNITS_PER_PIECE;
        EXPECT(object_destroy_some(&list, &units));
        EXPECT_EQUAL(destroyed, 0);
        EXPECT_EQUAL(object_count(), before + PIECES);
    }
    units = UNITS_PER_PIECE;
    EXPECT(!object_destroy_some(&list, &units));
    object_gather_end();
    EXPECT(!list.first);
    EXPECT_EQUAL(destroyed, PIECES - 1);
    EXPECT_EQUAL(object_count(), before);
}
