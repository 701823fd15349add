/* The collector of cycles: which thread does the work, how much, and what disturbs it. */
#include <ipc/message_cycle.h>
#include <ipc/message_cycle_look.h>
#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end.h>
#include <ipc/message_end_queue.h>
#include <lib/units.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_copy.h>
#include <mm/vmo_internal.h>
#include <object/vmo_object.h>
#include <sched/cleaner.h>
#include <sched/thread.h>
#include <task/job.h>
#include <task/process.h>

#include "all_cpus.h"
#include "held_cleaner.h"
#include "object_helpers.h"
#include "selftest.h"

/* With nothing of the past left for it to do. */
static bool begin_holding_cleaner(void) {
    message_cycle_collect_all();
    return cleaner_hold();
}

static void let_cleaner_go(void) {
    cleaner_let_go();
    message_cycle_collect_all();
}

/* --- what a call does ------------------------------------------------------------------------- */

#define NOTED 100u

/* A channel with a handle waiting at its far end. */
static bool create_laden_channel(struct handle ends[2]) {
    struct event* event = event_create();
    if (!event)
        return false;
    const struct handle cargo = handle_to(&event->object, EVENT_DEFAULT_RIGHTS);
    return create_channel(ends) && send_handles(ends[0], &cargo, 1);
}

static struct handle duplicate(struct handle handle) {
    object_reference(handle.object);
    return handle_to(handle.object, handle.rights);
}

static void close_both(struct handle ends[2]) {
    handle_release(ends[0]);
    handle_release(ends[1]);
}

/* The handle that is closed makes one suspect. The call looks at that one and at one more, and not
 * at what others noted before. */
SELFTEST(ipc_message_cycle, a_call_looks_at_a_bounded_number_of_suspects) {
    static struct handle others[NOTED][2];
    struct handle own[2];
    size_t before = object_count();
    for (uint32_t i = 0; i < NOTED; i++)
        EXPECT(create_laden_channel(others[i]));
    EXPECT(create_laden_channel(own));
    EXPECT(begin_holding_cleaner());
    for (uint32_t i = 0; i < NOTED; i++)
        message_cycle_note(others[i][1].object);
    size_t noted = message_cycle_fresh_count();
    handle_release(duplicate(own[1]));
    size_t left = message_cycle_fresh_count();
    handle_release(duplicate(own[1]));
    size_t left_then = message_cycle_fresh_count();
    let_cleaner_go();
    EXPECT_EQUAL(noted, NOTED);
    EXPECT_EQUAL(left, NOTED - 1);
    EXPECT_EQUAL(left_then, NOTED - 2);
    EXPECT_EQUAL(message_cycle_fresh_count(), 0);
    for (uint32_t i = 0; i < NOTED; i++)
        close_both(others[i]);
    close_both(own);
    EXPECT_EQUAL(object_count(), before);
}

/* The call that makes a small cycle frees it itself, however many suspects others have noted. */
SELFTEST(ipc_message_cycle, a_call_frees_its_own_small_cycle_at_once) {
    static struct handle others[NOTED][2];
    struct handle ends[2];
    size_t before = object_count();
    for (uint32_t i = 0; i < NOTED; i++)
        EXPECT(create_laden_channel(others[i]));
    EXPECT(create_channel(ends) && send_handles(ends[0], &ends[1], 1));
    EXPECT(begin_holding_cleaner());
    for (uint32_t i = 0; i < NOTED; i++)
        message_cycle_note(others[i][1].object);
    size_t with_cycle = object_count();
    handle_release(ends[0]);
    size_t without_cycle = object_count();
    let_cleaner_go();
    EXPECT_EQUAL(without_cycle, with_cycle - 2);
    for (uint32_t i = 0; i < NOTED; i++)
        close_both(others[i]);
    EXPECT_EQUAL(object_count(), before);
}

#define LONG_QUEUE 100u
#define EMPTY_MESSAGES (10 * LONG_QUEUE)

/* Messages without handles lead nowhere, but they have to be destroyed, and a call would do that
 * for another thread's suspect, too. */
SELFTEST(ipc_message_cycle, a_cycle_with_many_messages_is_left_to_the_cleaner) {
    struct handle ends[2], full[2];
    size_t before = object_count();
    EXPECT(begin_holding_cleaner());
    EXPECT(create_channel(ends) && create_channel(full));
    for (uint32_t i = 0; i < EMPTY_MESSAGES; i++)
        EXPECT(send_handles(full[0], NULL, 0));
    EXPECT(send_handles(ends[0], full, 2));
    EXPECT(send_handles(ends[0], &ends[1], 1));
    size_t made = object_count();
    handle_release(ends[0]);
    size_t after_call = object_count();
    size_t weight = message_cycle_old_weight();
    let_cleaner_go();
    EXPECT_EQUAL(made, before + 4);
    EXPECT(after_call > before);
    EXPECT(weight > EMPTY_MESSAGES / LONG_QUEUE);
    EXPECT_EQUAL(object_count(), before);
}

#define LONG_QUEUE_WEIGHT 2u /* the end, and what the look has cost */

/* More messages with handles wait at the far end than a small look takes. */
static bool create_long_channel(struct handle ends[2]) {
    if (!create_channel(ends))
        return false;
    for (uint32_t i = 0; i < LONG_QUEUE; i++) {
        struct event* event = event_create();
        if (!event)
            return false;
        const struct handle cargo = handle_to(&event->object, EVENT_DEFAULT_RIGHTS);
        if (!send_handles(ends[0], &cargo, 1))
            return false;
    }
    return true;
}

SELFTEST(ipc_message_cycle, each_old_suspect_weighs_once) {
    struct handle ends[2];
    EXPECT(create_long_channel(ends));
    EXPECT(begin_holding_cleaner());
    size_t weights[3] = {message_cycle_old_weight()};
    handle_release(duplicate(ends[1]));
    weights[1] = message_cycle_old_weight();
    for (uint32_t i = 0; i < 1000; i++)
        handle_release(duplicate(ends[1]));
    weights[2] = message_cycle_old_weight();
    let_cleaner_go();
    EXPECT_EQUAL(weights[0], 0);
    EXPECT_EQUAL(weights[1], LONG_QUEUE_WEIGHT);
    EXPECT_EQUAL(weights[2], LONG_QUEUE_WEIGHT);
    EXPECT_EQUAL(message_cycle_old_weight(), 0);
    EXPECT(begin_holding_cleaner());
    handle_release(duplicate(ends[1]));
    weights[1] = message_cycle_old_weight();
    close_both(ends); /* a suspect that dies takes its weight along */
    weights[2] = message_cycle_old_weight();
    let_cleaner_go();
    EXPECT_EQUAL(weights[1], LONG_QUEUE_WEIGHT);
    EXPECT_EQUAL(weights[2], 0);
}

/* --- several threads -------------------------------------------------------------------------- */

#define CLOSES 500u

static _Atomic bool is_flood_over;

static void flood(void* unused) {
    struct handle ends[2];
    (void)unused;
    EXPECT(create_long_channel(ends));
    while (!atomic_load(&is_flood_over))
        handle_release(duplicate(ends[1]));
    close_both(ends);
}

/* The calls of one thread end although two others note suspects all the time. */
SELFTEST(ipc_message_cycle, calls_end_while_others_note_suspects) {
    struct thread* threads[2];
    size_t before = object_count();
    atomic_store(&is_flood_over, false);
    for (uint32_t i = 0; i < 2; i++) {
        threads[i] = thread_create("flood", flood, NULL, THREAD_PRIORITY_DEFAULT);
        EXPECT(threads[i] != NULL);
        thread_start(threads[i]);
    }
    for (uint32_t i = 0; i < CLOSES; i++) {
        struct handle ends[2];
        EXPECT(create_channel(ends) && send_handles(ends[0], &ends[1], 1));
        handle_release(ends[0]);
        if (i % 100 == 0)
            message_cycle_collect_all();
    }
    atomic_store(&is_flood_over, true);
    for (uint32_t i = 0; i < 2; i++) {
        thread_join(threads[i]);
        thread_release(threads[i]);
    }
    message_cycle_collect_all();
    EXPECT_EQUAL(object_count(), before);
}

/* --- an end in constant use ------------------------------------------------------------------- */

#define RING 300u
#define TRIES 30u

static struct handle busy[2];
static _Atomic bool is_busy;

/* In turn with the pieces of the collector's pass, changes a queue that the pass looks at. */
static bool meddle(struct cleaning* cleaning) {
    (void)cleaning;
    struct message_end* end = message_end_from(busy[1].object);
    if (!atomic_load(&is_busy) || !send_handles(busy[0], NULL, 0))
        return false;
    spin_lock(end->object.lock);
    struct message* message = message_end_take_first_locked(end); /* one with a handle, at first */
    spin_unlock(end->object.lock);
    bool is_laden = message_handle_count(message) > 0;
    if (is_laden) { /* stays in the queue, or the end would soon be no suspect any more */
        bool is_sent = message_end_push(message_end_from(busy[0].object), message) == ZX_OK;
        return is_sent && atomic_load(&is_busy);
    }
    message_destroy(message);
    return atomic_load(&is_busy);
}

static struct cleaning meddler = CLEANING_INITIALIZER(meddle);

/* A ring whose last handle outside is gone, too large for small looks. */
static bool create_garbage(void) {
    static struct handle near[RING], far[RING];
    if (!create_ring(near, far, RING))
        return false;
    for (uint32_t i = 0; i < RING; i++)
        handle_release(near[i]);
    return true;
}

SELFTEST(ipc_message_cycle, an_end_in_constant_use_does_not_keep_garbage) {
    size_t before = object_count();
    EXPECT(begin_holding_cleaner());
    bool is_made = create_garbage() && create_long_channel(busy);
    size_t with_garbage = object_count();
    handle_release(duplicate(busy[1]));
    atomic_store(&is_busy, true);
    cleaner_request(&meddler);
    let_cleaner_go();
    for (uint32_t i = 0; i < TRIES && object_count() > with_garbage - RING; i++) {
        handle_release(duplicate(busy[1]));
        message_cycle_collect_all();
    }
    size_t without_garbage = object_count();
    atomic_store(&is_busy, false);
    EXPECT_OK(cleaner_run_out(&meddler));
    EXPECT(is_made);
    EXPECT_EQUAL(without_garbage, with_garbage - RING);
    close_both(busy);
    message_cycle_collect_all();
    EXPECT_EQUAL(object_count(), before);
}

static unsigned turns_of_others;

static bool count_turn(struct cleaning* unused) {
    (void)unused;
    turns_of_others++;
    return atomic_load(&is_busy);
}

/* Another kind of work has its turn between two pieces. */
SELFTEST(ipc_message_cycle, a_pass_works_in_pieces) {
    static struct cleaning other = CLEANING_INITIALIZER(count_turn);
    size_t before = object_count();
    EXPECT(begin_holding_cleaner());
    bool is_made = create_garbage();
    turns_of_others = 0;
    atomic_store(&is_busy, true);
    cleaner_request(&other);
    let_cleaner_go();
    atomic_store(&is_busy, false);
    EXPECT_OK(cleaner_run_out(&other));
    EXPECT(is_made);
    EXPECT_EQUAL(object_count(), before);
    EXPECT(turns_of_others >= RING / 30);
}

/* Under a look: a large one, as the cleaner makes, which stands still after its first piece. */
SELFTEST(ipc_message_cycle, an_end_that_is_closed_under_a_look_is_destroyed_at_once) {
    struct look look;
    struct handle ends[2], probe[2];
    int64_t units = 1;
    EXPECT(begin_holding_cleaner());
    size_t before = object_count();
    EXPECT(create_channel(ends) && create_channel(probe));
    EXPECT(send_handles(ends[0], &probe[0], 1));
    look_begin(&look, false);
    look_add_suspect(&look, message_end_from(ends[1].object));
    bool was_over = look_go_on(&look, &units);
    close_both(ends);
    size_t after_close = object_count();
    bool is_probe_closed = object_signals(probe[1].object) & ZX_OBJECT_PEER_CLOSED;
    units = UNITS_WITHOUT_END;
    bool is_over = look_go_on(&look, &units);
    for (struct cycle_visit *visit = look.first, *next; visit; visit = next) {
        next = visit->next;
        message_end_unpin(visit->end);
    }
    handle_release(probe[1]);
    let_cleaner_go();
    EXPECT(!was_over && is_over);
    EXPECT(!look.messages);
    EXPECT_EQUAL(after_close, before + 1); /* the probe's other end */
    EXPECT(is_probe_closed);
    EXPECT_EQUAL(object_count(), before);
}

/* --- what goes with a cycle ------------------------------------------------------------------- */

static _Atomic uint32_t destroyer_priority;

static void note_priority(struct object* unused) {
    (void)unused;
    atomic_store(&destroyer_priority, thread_current()->priority);
}

static const struct object_ops noter_ops = {
    .type = ZX_OBJ_TYPE_EVENT,
    .name = "noter",
    .destroy = note_priority,
};

/* The cycle is too large for the call that closes the last handle; so the cleaner destroys it. */
static bool leave_in_large_cycle(struct object* object) {
    struct handle ends[2];
    const struct handle cargo = handle_to(object, 0);
    if (!create_channel(ends) || !send_handles(ends[0], &cargo, 1))
        return false;
    for (uint32_t i = 0; i < RING; i++)
        if (!send_handles(ends[0], NULL, 0))
            return false;
    if (!send_handles(ends[0], &ends[1], 1))
        return false;
    handle_release(ends[0]);
    return true;
}

/* Else the programs that spin could hold up the cleaner at each of them. */
SELFTEST(ipc_message_cycle, an_object_of_a_cycle_is_destroyed_above_programs) {
    static struct object noter;
    size_t before = object_count();
    atomic_store(&destroyer_priority, 0);
    object_init(&noter, &noter_ops, NULL, 0);
    EXPECT(leave_in_large_cycle(&noter));
    message_cycle_collect_all();
    EXPECT_EQUAL(atomic_load(&destroyer_priority), THREAD_PRIORITY_SYSTEM);
    EXPECT_EQUAL(object_count(), before);
}

#define CARGO_PAGES 2000u
#define FREED_MAX 400u /* by one piece: 100 pages of the cargo, tables, and slabs of messages */

/* What is watched while the cleaner works. It takes turns with the cleaner's other work, piece by
 * piece, so it sees how much each piece adds. */
static size_t (*watched)(void);
static _Atomic bool is_watching;
static size_t at_last_turn, most_added;

static bool look_at_watched(struct cleaning* unused) {
    size_t now = watched();
    (void)unused;
    if (now > at_last_turn)
        most_added = MAX(most_added, now - at_last_turn);
    at_last_turn = now;
    return atomic_load(&is_watching);
}

/* Waits until all garbage is gone. Returns the most that one piece has added to what `count`
 * returns. */
static size_t collect_and_watch(size_t (*count)(void)) {
    static struct cleaning watch = CLEANING_INITIALIZER(look_at_watched);
    most_added = 0;
    at_last_turn = SIZE_MAX;
    watched = count;
    atomic_store(&is_watching, true);
    cleaner_request(&watch);
    message_cycle_collect_all();
    atomic_store(&is_watching, false);
    return cleaner_run_out(&watch) == ZX_OK ? most_added : SIZE_MAX;
}

SELFTEST(ipc_message_cycle, a_large_vmo_goes_in_pieces) {
    struct vmo* vmo;
    size_t before = object_count(), free_before = pages_free_when_trimmed();
    EXPECT_OK(vmo_create(CARGO_PAGES * PAGE_SIZE, &vmo));
    for (size_t i = 0; i < CARGO_PAGES; i++)
        EXPECT_OK(vmo_write(vmo, "x", i * PAGE_SIZE, 1));
    struct vmo_object* cargo = vmo_object_create(vmo);
    EXPECT(cargo && leave_in_large_cycle(&cargo->object));
    size_t most_freed = collect_and_watch(page_count_free);
    EXPECT(most_freed > 0 && most_freed <= FREED_MAX);
    EXPECT_EQUAL(object_count(), before);
    EXPECT(pages_come_back(free_before));
}

static struct vmo* mapped_vmo;

static size_t count_unmapped(void) {
    return CARGO_PAGES - mapped_vmo->mapped.writable;
}

/* A process that never ran, with many mappings. Also a VMAR of it, which goes with the same cycle,
 * and is dead afterwards. */
SELFTEST(ipc_message_cycle, a_process_that_never_ran_goes_in_pieces) {
    struct job* job;
    struct process* process;
    struct vmar_map_request request = {
        .options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, .allowed = ~0u, .size = PAGE_SIZE};
    virtual_address_t mapped;
    size_t before = object_count();
    EXPECT_OK(vmo_create(PAGE_SIZE, &mapped_vmo));
    EXPECT_OK(job_create(NULL, &job));
    EXPECT_OK(process_create(job, "cargo", &process));
    request.vmo = mapped_vmo;
    for (size_t i = 0; i < CARGO_PAGES; i++)
        EXPECT_OK(vmar_map(aspace_root(process->aspace), &request, &mapped));
    EXPECT_EQUAL(count_unmapped(), 0);
    EXPECT(leave_in_large_cycle(&process->object));
    size_t most_unmapped = collect_and_watch(count_unmapped);
    EXPECT(most_unmapped > 0 && most_unmapped <= UNITS_PER_PIECE);
    EXPECT_EQUAL(count_unmapped(), CARGO_PAGES);
    vmo_release(mapped_vmo);
    object_release(&job->object);
    EXPECT_EQUAL(object_count(), before);
}

/* The first handle that is closed is an attacker's, the second one a victim's. */
SELFTEST(ipc_message_cycle, a_call_does_not_destroy_a_large_object_of_others) {
    struct handle carrier[2], own[2], cycles[3];
    EXPECT(create_channel(carrier) && create_laden_channel(own));
    for (unsigned i = 0; i < ARRAY_LENGTH(cycles); i++) {
        struct handle ends[2];
        struct vmo* vmo;
        EXPECT_OK(vmo_create(CARGO_PAGES * PAGE_SIZE, &vmo));
        for (size_t page = 0; page < CARGO_PAGES; page++)
            EXPECT_OK(vmo_write(vmo, "x", page * PAGE_SIZE, 1));
        struct vmo_object* cargo = vmo_object_create(vmo);
        EXPECT(cargo && create_channel(ends));
        const struct handle in_the_cycle = handle_to(&cargo->object, 0);
        EXPECT(send_handles(ends[0], &in_the_cycle, 1) && send_handles(ends[0], &ends[1], 1));
        cycles[i] = ends[0];
    }
    EXPECT(send_handles(carrier[0], cycles, ARRAY_LENGTH(cycles)));
    EXPECT(begin_holding_cleaner());
    size_t free_before = page_count_free();
    close_both(carrier);
    handle_release(duplicate(own[1]));
    size_t freed = page_count_free() - free_before;
    let_cleaner_go();
    EXPECT(freed <= 3 * (UNITS_PER_PIECE + 20)); /* three calls, a piece each */
    EXPECT(page_count_free() >= free_before + ARRAY_LENGTH(cycles) * CARGO_PAGES);
    close_both(own);
}
