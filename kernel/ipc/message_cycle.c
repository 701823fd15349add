/* Which suspects are looked at when, and by which thread. message_cycle_look.c has one look.
 *
 * A fresh suspect gets a small look: by the call that noted it, or else by the cleaner. A suspect
 * that needs a larger look joins the old suspects. The cleaner makes a pass over these when they
 * weigh more than the last pass cost, or when they hold many pages of messages. So on average the
 * collector costs little, however long the chains are.
 *
 * A pass looks at many suspects together. If one queue changes meanwhile, the look is not
 * conclusive for any of them. Then the next look takes half as many, at last a single one. So an
 * end in constant use does not keep the others from being collected. */
#include <ipc/message_cycle.h>

#include <stdatomic.h>

#include <abi/limits.h>
#include <lib/units.h>
#include <lock/spinlock.h>
#include <ipc/message_cycle_look.h>
#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end_life.h>
#include <sched/cleaner.h>
#include <sched/thread.h>

#define SUSPECTS_PER_CALL 2u

static bool clean_piece(struct cleaning* cleaning);
static struct cleaning cleaning = CLEANING_INITIALIZER(clean_piece);

/* Returns how much memory the end and its peer hold, in pages of messages. */
static uint32_t weigh(struct message_end* end) {
    spin_lock(end->object.lock);
    size_t weight = 1 + message_queue_size(&end->queue) / PAGE_SIZE_BYTES;
    if (end->peer)
        weight += message_queue_size(&end->peer->queue) / PAGE_SIZE_BYTES;
    spin_unlock(end->object.lock);
    return (uint32_t)weight;
}

/* --- small looks --------------------------------------------------------------------------------
 */

/* Looks at one fresh suspect. Garbage that it finds joins the caller's destroy list. Subtracts the
 * cost from *units. False: there are no more fresh suspects. */
static NOINLINE bool look_at_fresh(bool is_newest, int64_t* units) {
    struct message_end* ends[LOOK_SMALL_ENDS];
    struct look look;
    int64_t without_end = UNITS_WITHOUT_END; /* the look has a budget of its own */
    preempt_disable();
    struct message_end* suspect = suspects_begin_small_look(is_newest);
    if (!suspect) {
        preempt_enable();
        return false;
    }
    look_begin(&look, true);
    look_add_suspect(&look, suspect);
    message_end_unpin(suspect); /* the look has a pin */
    (void)look_go_on(&look, &without_end);
    *units -= (int64_t)look.reach_cost; /* this includes the cost to destroy what was found */
    if (!look.is_conclusive)
        suspects_keep(suspect, weigh(suspect) + (uint32_t)(look.reach_cost / LOOK_COST_OF_PAGE));
    size_t count = look_take_small_ends(ends);
    bool has_more = suspects_end_small_look();
    preempt_enable();
    while (look.messages) {
        struct message* message = look.messages;
        look.messages = message->next;
        message_destroy(message);
    }
    for (size_t i = 0; i < count; i++)
        message_end_unpin(ends[i]);
    return has_more;
}

/* A destructor does not collect: the garbage it could find is about to be destroyed anyway.
 *
 * The garbage may be another program's. So the call does only one piece of the work, and begins a
 * look only if there are enough units for it. */
void message_cycle_collect(void) {
    struct destroy_list dead = {NULL, NULL};
    int64_t units = UNITS_PER_PIECE;
    if (thread_current()->destroy_list)
        return;
    object_gather_begin(&dead);
    for (uint32_t i = 0; i < SUSPECTS_PER_CALL && units >= LOOK_SMALL_BUDGET; i++)
        if (!look_at_fresh(true, &units))
            break;
    (void)object_destroy_some(&dead, &units);
    object_gather_end();
    /* Relaxed: the flag is a hint. suspects_are_left finds a suspect that was noted meanwhile. */
    atomic_store_explicit(&object_collection_is_due, false, memory_order_relaxed);
    object_leave_to_cleaner(&dead);
    if (suspects_are_left())
        cleaner_request(&cleaning);
}

/* --- passes, in the cleaner ---------------------------------------------------------------------
 */

enum pass_phase { PASS_NONE, PASS_GATHER, PASS_LOOK, PASS_DESTROY, PASS_LET_GO };

/* Only the cleaner touches these. */
static struct {
    enum pass_phase phase;
    struct look look;
    struct cycle_visit* at;
    size_t count; /* of the suspects in the look */
    size_t cost;  /* of all looks of the pass so far */
    bool is_full; /* callers wait until it has ended and its garbage is destroyed */
} pass;
static _Atomic uint32_t full_passes_ended;
static size_t suspects_per_look = SIZE_MAX;
static bool is_fresh_turn;
static struct destroy_list garbage; /* dead objects that were found */

static void begin_pass_if_due(void) {
    if (!suspects_begin_pass(&pass.is_full))
        return;
    pass.phase = PASS_GATHER;
    pass.cost = 0;
    pass.count = 0;
    look_begin(&pass.look, false);
}

static void end_pass(void) {
    suspects_end_pass(pass.cost);
    pass.phase = PASS_NONE;
}

/* Adds one suspect to the look. */
static void gather(void) {
    struct message_end* suspect = NULL;
    if (pass.count < suspects_per_look)
        suspect = suspects_take_for_pass();
    if (suspect) {
        pass.count++;
        look_add_suspect(&pass.look, suspect);
        message_end_unpin(suspect); /* the look has a pin */
    } else if (pass.count > 0) {
        pass.phase = PASS_LOOK;
    } else {
        end_pass();
    }
}

static void end_pass_look(void) {
    pass.cost += pass.look.reach_cost;
    if (pass.look.is_conclusive)
        suspects_per_look = MIN(suspects_per_look, SIZE_MAX / 2) * 2;
    else
        suspects_per_look = MAX(pass.count / 2, 1ul);
    pass.at = pass.look.first;
    pass.phase = PASS_DESTROY;
}

/* Destroys a message that the look has found. The objects that only its handles kept alive join the
 * garbage, which comes next once there are no more messages. */
static void destroy_message(int64_t* units) {
    struct message* message = pass.look.messages;
    if (!message) {
        pass.phase = PASS_LET_GO;
        *units = 0;
        return;
    }
    *units -= message_units(message);
    if (*units < 0)
        return; /* the next piece begins with this message and has enough units */
    pass.look.messages = message->next;
    message_destroy(message);
}

/* Releases one end of the look, which may free its memory. After the last one the next look may
 * begin. */
static void let_go(int64_t* units) {
    struct cycle_visit* visit = pass.at;
    if (!visit) {
        pass.phase = PASS_GATHER;
        pass.count = 0;
        look_begin(&pass.look, false);
        return;
    }
    struct message_end* end = visit->end;
    pass.at = visit->next;
    if (visit->is_suspect && !pass.look.is_conclusive)
        suspects_keep(end, 0);
    message_end_unpin(end);
    *units -= 1;
}

/* Garbage is destroyed before a pass begins, because destructors may note new suspects. A full pass
 * must look at these too. */
static void go_on_with_pass(int64_t* units) {
    if (pass.phase != PASS_DESTROY)
        (void)object_destroy_some(&garbage, units);
    if (pass.phase == PASS_NONE && !garbage.first)
        begin_pass_if_due();
    while (*units > 0 && pass.phase != PASS_NONE) {
        *units -= 1;
        if (pass.phase == PASS_GATHER)
            gather();
        else if (pass.phase == PASS_LOOK && look_go_on(&pass.look, units))
            end_pass_look();
        else if (pass.phase == PASS_DESTROY)
            destroy_message(units);
        else if (pass.phase == PASS_LET_GO)
            let_go(units);
    }
}

/* Fresh suspects and the pass take turns, so that neither starves. While there is garbage, no fresh
 * suspect can add to it. */
static bool clean_piece(struct cleaning* unused) {
    int64_t units = UNITS_PER_PIECE;
    (void)unused;
    object_gather_begin(&garbage);
    is_fresh_turn = !is_fresh_turn;
    if (is_fresh_turn && !garbage.first)
        (void)look_at_fresh(false, &units);
    else
        go_on_with_pass(&units);
    object_gather_end();
    bool is_done = pass.phase == PASS_NONE && !garbage.first;
    if (pass.is_full && is_done) {
        pass.is_full = false;
        atomic_fetch_add(&full_passes_ended, 1);
    }
    return !is_done || suspects_are_left();
}

static bool has_pass_ended(void* number) {
    return (int32_t)(atomic_load(&full_passes_ended) - *(const uint32_t*)number) >= 0;
}

/* Waits for one full pass. It does not wait until the cleaner has nothing to do, because other
 * threads may note suspects without end. */
void message_cycle_collect_all(void) {
    object_await_cleaner(); /* destructors that the cleaner still has to run may note suspects */
    uint32_t number = suspects_want_full_pass();
    (void)cleaner_wait_until(&cleaning, has_pass_ended, &number); /* CANCELED: it was killed */
}

void message_cycle_init(void) {
    object_set_collector(message_cycle_collect);
}
