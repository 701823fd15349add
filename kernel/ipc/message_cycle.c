/* Which suspects are looked at when, and by which thread. message_cycle_look.c has one look.
 *
 * A fresh suspect gets a small look: by the call that noted it, or else by the cleaner. A suspect
 * that needs a larger look joins the old suspects. The cleaner makes a pass over these when their
 * weight is more than the last pass cost, or when they hold the memory of many messages. So on
 * average the collector costs little, however long the chains are.
 *
 * A pass looks at many suspects together. If one queue changes meanwhile, the look says nothing
 * about any of them. Then the next look takes half as many, in the end a single one. So an end in
 * constant use does not keep the others from being collected. */
#include <ipc/message_cycle.h>

#include <stdatomic.h>

#include <abi/limits.h>
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

/* Looks at one fresh suspect. Garbage that it finds joins the caller's destroy list. False: there
 * is nothing more to look at. */
static NOINLINE bool look_at_fresh(bool is_newest) {
    struct message_end* ends[LOOK_SMALL_ENDS];
    struct look look;
    size_t units = SIZE_MAX; /* the look has a budget of its own */
    preempt_disable();
    struct message_end* suspect = suspects_begin_small_look(is_newest);
    if (!suspect) {
        preempt_enable();
        return false;
    }
    look_begin(&look, true);
    look_add_suspect(&look, suspect);
    message_end_unpin(suspect); /* the look has a pin */
    (void)look_go_on(&look, &units);
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

/* A destructor does not collect: the garbage it could find is about to be destroyed anyway. */
static bool is_destroying(void) {
    return thread_current()->destroy_list != NULL;
}

/* LEAF: guards the list. */
static struct spinlock left_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
/* Dead objects that calls found and left to the cleaner. */
static struct destroy_list left;

static void append_all(struct destroy_list* list, struct destroy_list* others) {
    if (!others->first)
        return;
    if (list->first)
        list->last->destroy_next = others->first;
    else
        list->first = others->first;
    list->last = others->last;
    others->first = NULL;
}

/* Leaves to the cleaner the objects that this call did not destroy, the suspects that it did not
 * look at, and those that it noted while it destroyed. */
static void leave_rest_to_cleaner(struct destroy_list* dead) {
    bool has_dead = dead->first;
    if (has_dead) {
        interrupt_state_t state = spin_lock_irqsave(&left_lock);
        append_all(&left, dead);
        spin_unlock_irqrestore(&left_lock, state);
    }
    atomic_store_explicit(&object_collection_is_due, false, memory_order_relaxed);
    if (has_dead || suspects_are_left())
        cleaner_request(&cleaning);
}

/* The garbage may be another program's, so what takes long to destroy is left to the cleaner. */
void message_cycle_collect(void) {
    struct destroy_list dead = {NULL, NULL};
    if (is_destroying())
        return;
    object_gather_begin(&dead);
    for (uint32_t i = 0; i < SUSPECTS_PER_CALL && look_at_fresh(true); i++)
        ;
    while (dead.first && !dead.first->ops->may_be_large)
        (void)object_destroy_gathered(&dead);
    object_gather_end();
    leave_rest_to_cleaner(&dead);
}

/* --- passes, in the cleaner ---------------------------------------------------------------------
 */

#define PIECE_UNITS 100u    /* of work: see look_go_on */
#define DESTROY_UNITS 4u    /* what an object costs to destroy, about */
#define HANDLES_PER_UNIT 2u /* to release */

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
static struct destroy_list dead;      /* objects to be destroyed piece by piece */
static struct message* dead_messages; /* the messages of the first of them, if it is an end */
static bool is_fresh_turn;

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

/* The objects that only its handles kept alive join the list `dead`. */
static void destroy_message(struct message* message, size_t* units) {
    look_spend(units, 1 + message_handle_count(message) / HANDLES_PER_UNIT);
    message_destroy(message);
}

static void destroy_found(size_t* units) {
    struct message* message = pass.look.messages;
    if (message) {
        pass.look.messages = message->next;
        destroy_message(message, units);
    } else {
        pass.phase = PASS_LET_GO;
    }
}

/* Releases one end of the look. After the last one the next look may begin. */
static void let_go(void) {
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
}

static void go_on_with_pass(size_t* units) {
    if (pass.phase == PASS_NONE)
        begin_pass_if_due();
    while (*units > 0 && pass.phase != PASS_NONE) {
        look_spend(units, 1);
        if (pass.phase == PASS_GATHER)
            gather();
        else if (pass.phase == PASS_LOOK && look_go_on(&pass.look, units))
            end_pass_look();
        else if (pass.phase == PASS_DESTROY)
            destroy_found(units);
        else if (pass.phase == PASS_LET_GO)
            let_go();
    }
}

/* A large object that can be drained goes piece by piece. The others are a VMAR, and a process that
 * never ran: they may have many mappings. So the cleaner lowers its priority to that of the most
 * urgent programs meanwhile. */
static void destroy_first_dead(size_t* units) {
    bool (*drain)(struct object*) = dead.first->ops->drain;
    bool is_bounded = drain || !dead.first->ops->may_be_large;
    if (drain && drain(dead.first)) {
        look_spend(units, PIECE_UNITS);
        return;
    }
    look_spend(units, is_bounded ? DESTROY_UNITS : PIECE_UNITS);
    if (!is_bounded)
        thread_set_priority(thread_current(), THREAD_PRIORITY_USER_MAX);
    (void)object_destroy_gathered(&dead);
    if (!is_bounded)
        thread_set_priority(thread_current(), THREAD_PRIORITY_SYSTEM);
}

/* The messages of an end are destroyed one by one: there may be very many. */
static void destroy_dead(size_t* units) {
    while (*units > 0 && dead.first) {
        struct object* object = dead.first;
        if (!dead_messages && is_message_end(object))
            dead_messages = message_end_take_all(message_end_from(object));
        if (dead_messages) {
            struct message* message = dead_messages;
            dead_messages = message->next;
            destroy_message(message, units);
        } else {
            destroy_first_dead(units);
        }
    }
}

/* Dead objects come first. Fresh suspects and the pass take turns, so that neither starves. */
static bool clean_piece(struct cleaning* unused) {
    size_t units = PIECE_UNITS;
    (void)unused;
    interrupt_state_t state = spin_lock_irqsave(&left_lock);
    append_all(&dead, &left);
    spin_unlock_irqrestore(&left_lock, state);
    object_gather_begin(&dead);
    is_fresh_turn = !is_fresh_turn;
    if (dead.first)
        destroy_dead(&units);
    else if (!is_fresh_turn)
        go_on_with_pass(&units);
    else
        (void)look_at_fresh(false);
    object_gather_end();
    if (pass.is_full && pass.phase == PASS_NONE && !dead.first) {
        pass.is_full = false;
        atomic_fetch_add(&full_passes_ended, 1);
    }
    return dead.first || pass.phase != PASS_NONE || suspects_are_left();
}

static bool has_pass_ended(void* number) {
    return (int32_t)(atomic_load(&full_passes_ended) - *(const uint32_t*)number) >= 0;
}

/* Waits for one full pass. It does not wait until the cleaner has nothing to do, because other
 * threads may note suspects without end. */
void message_cycle_collect_all(void) {
    uint32_t number = suspects_want_full_pass();
    (void)cleaner_wait_until(&cleaning, has_pass_ended, &number); /* CANCELED does not matter */
}
