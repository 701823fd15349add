#include <object/cycle.h>

#include <stdatomic.h>

#include <abi/limits.h>
#include <lock/spinlock.h>
#include <object/message_end.h>
#include <sched/thread.h>

/* How a collection is right although the ends are looked at one after the other, each under its own
 * lock, while other threads go on:
 *
 *   1. reach: the ends reachable from the suspect through queues and peers, each with the number of
 * handles to it found in these queues, and with its queue's counts at that moment.
 *   2. mark: an end with more handles than were found is held from outside; whatever can be reached
 * from such ends lives.
 *   3. confirm: the others are looked at once more. If each of their queues is as it was, all their
 *      handles are in these queues, and nobody has a reference besides handles and the collector,
 *      then between 1 and 3 there was a moment when all of this was true at once; and from that
 *      moment on nobody had a handle or a reference with which to change it.
 *   4. Their messages are destroyed, and with them the handles.
 *
 * If anything differs in 2 or 3, nothing is done and the suspect stays.
 *
 * What it costs: a fresh suspect is looked at with a small budget, which is enough for the cycles
 * that programs make by mistake. A suspect that needs more joins the old ones, and these are looked
 * at all together when they have gathered enough weight: more than the last such look cost, or the
 * memory of many messages. So closing a handle never costs much on average, however long the
 * chains. */

_Atomic bool cycle_is_suspected;

/* LEAF: guards both lists, old_weight, writes of cycle_is_suspected, and is_collecting. */
static struct spinlock suspects_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static struct list fresh_suspects = LIST_INITIALIZER(fresh_suspects);
static struct list old_suspects = LIST_INITIALIZER(old_suspects);
static size_t old_weight;
static bool is_collecting;

/* Of whoever set is_collecting: */
static uint64_t collection;
static size_t last_cost; /* of looking at all old suspects, in ends and messages */

#define FRESH_BUDGET 64u  /* ends and messages */
#define WEIGHT_MIN 256u   /* of the old suspects before they are looked at: ends, and... */
#define WEIGHT_MAX 16384u /* ...pages of messages */
#define SCAN_CHUNK 32u    /* messages looked at in one lock hold */

static void note_locked(struct message_end* end, struct list* list) {
    if (list_node_is_linked(&end->cycle.suspect_node))
        list_remove(&end->cycle.suspect_node);
    list_push_back(list, &end->cycle.suspect_node);
    end->cycle.was_noted = true;
}

void cycle_note(struct object* object) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    note_locked(message_end_from(object), &fresh_suspects);
    atomic_store_explicit(&cycle_is_suspected, true, memory_order_relaxed);
    spin_unlock_irqrestore(&suspects_lock, state);
}

/* An end that was noted may be in the hands of next_suspect, which has the lock. */
void cycle_forget(struct object* object) {
    struct message_end* end = message_end_from(object);
    if (!end->cycle.was_noted)
        return;
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    if (list_node_is_linked(&end->cycle.suspect_node))
        list_remove(&end->cycle.suspect_node);
    spin_unlock_irqrestore(&suspects_lock, state);
}

/* --- the queues of one end ----------------------------------------------------------------------
 */

static bool is_message_end(const struct object* object) {
    return object->ops->peer_locked == message_end_peer_locked;
}

static bool is_queue_as_before(const struct message_end* end) {
    return end->queue.taken == end->cycle.taken &&
           end->queue.message_room == end->cycle.message_room;
}

static bool spend(size_t* budget) {
    return *budget > 0 && (*budget)-- > 0;
}

/* Calls visit for each end that a message waiting at `end` has a handle to, under the lock of
 * `end`, which is dropped now and then. False: the queue changed meanwhile, or the budget is spent.
 */
static bool visit_held_ends(struct message_end* end, size_t* budget,
                            void (*visit)(struct message_end*, void*), void* argument) {
    struct message* message = NULL;
    bool is_first = true;
    for (;;) {
        spin_lock(end->object.lock);
        bool is_good = is_queue_as_before(end);
        if (is_first && is_good && end->queue.handle_count > 0)
            message = end->queue.first;
        is_first = false;
        for (uint32_t i = 0; is_good && message && i < SCAN_CHUNK; i++) {
            const struct handle* handles = message_handles(message);
            for (uint32_t j = 0; j < message_handle_count(message); j++)
                if (is_message_end(handles[j].object))
                    visit(message_end_from(handles[j].object), argument);
            message = message->next;
            is_good = spend(budget);
        }
        spin_unlock(end->object.lock);
        if (!is_good || !message)
            return is_good;
    }
}

/* --- 1: reach -----------------------------------------------------------------------------------
 */

/* The ends looked at, each with a reference, in the order found. */
struct reached {
    struct message_end* first;
    struct message_end* last;
    size_t budget; /* ends and messages that may still be looked at */
};

static void reach(struct reached* reached, struct message_end* end) {
    if (end->cycle.collection == collection)
        return;
    object_reference(&end->object);
    end->cycle.collection = collection;
    end->cycle.inner_handles = 0;
    end->cycle.is_live = false;
    end->cycle.next = NULL;
    if (reached->last)
        reached->last->cycle.next = end;
    else
        reached->first = end;
    reached->last = end;
}

static void count_inner_handle(struct message_end* end, void* argument) {
    reach(argument, end);
    end->cycle.inner_handles++;
}

/* Under the lock: where no handles wait any more, closing a handle need not be looked at. */
static void forget_handles_gone(struct message_end* end) {
    struct message_end* peer = end->peer;
    if (end->queue.handle_count > 0 || (peer && peer->queue.handle_count > 0))
        return;
    atomic_store_explicit(&end->object.may_hold_handles, false, memory_order_relaxed);
    if (peer)
        atomic_store_explicit(&peer->object.may_hold_handles, false, memory_order_relaxed);
}

static bool reach_all(struct reached* reached) {
    for (struct message_end* end = reached->first; end; end = end->cycle.next) {
        if (!spend(&reached->budget))
            return false;
        spin_lock(end->object.lock);
        end->cycle.taken = end->queue.taken;
        end->cycle.message_room = end->queue.message_room;
        if (end->peer)
            reach(reached, end->peer);
        forget_handles_gone(end);
        spin_unlock(end->object.lock);
        if (!visit_held_ends(end, &reached->budget, count_inner_handle, reached))
            return false;
    }
    return true;
}

/* --- 2: mark ------------------------------------------------------------------------------------
 */

static uint32_t handle_count(const struct message_end* end) {
    return atomic_load_explicit(&end->object.handle_count, memory_order_acquire);
}

/* `argument` is the list of live ends whose queues are still to be followed. An end that came into
 * a queue only now was not reached; then the queue changed, and the collection fails anyway. */
static void mark_live(struct message_end* end, void* argument) {
    struct message_end** live = argument;
    if (end->cycle.is_live || end->cycle.collection != collection)
        return;
    end->cycle.is_live = true;
    end->cycle.next_live = *live;
    *live = end;
}

static bool mark_all(const struct reached* reached) {
    struct message_end* live = NULL;
    size_t unlimited = SIZE_MAX; /* it looks at nothing new */
    for (struct message_end* end = reached->first; end; end = end->cycle.next)
        if (handle_count(end) > end->cycle.inner_handles)
            mark_live(end, &live);
    while (live) {
        struct message_end* end = live;
        live = end->cycle.next_live;
        spin_lock(end->object.lock);
        if (end->peer)
            mark_live(end->peer, &live);
        spin_unlock(end->object.lock);
        if (!visit_held_ends(end, &unlimited, mark_live, &live))
            return false;
    }
    return true;
}

/* --- 3 and 4 ------------------------------------------------------------------------------------
 */

static bool is_dead(struct message_end* end) {
    spin_lock(end->object.lock);
    uint32_t handles = handle_count(end);
    bool is_dead = is_queue_as_before(end) && handles == end->cycle.inner_handles &&
                   atomic_load_explicit(&end->object.references, memory_order_acquire) ==
                       handles + 1; /* the collector's */
    spin_unlock(end->object.lock);
    return is_dead;
}

static bool confirm(const struct reached* reached) {
    for (struct message_end* end = reached->first; end; end = end->cycle.next)
        if (!end->cycle.is_live && !is_dead(end))
            return false;
    return true;
}

/* Takes the messages out of all dead ends before any is destroyed. */
static void empty_dead(const struct reached* reached) {
    struct message* messages = NULL;
    for (struct message_end* end = reached->first; end; end = end->cycle.next) {
        if (end->cycle.is_live)
            continue;
        spin_lock(end->object.lock);
        if (!message_queue_is_empty(&end->queue)) {
            *end->queue.end = messages;
            messages = end->queue.first;
            message_queue_init(&end->queue);
        }
        atomic_store_explicit(&end->object.may_hold_handles, false, memory_order_relaxed);
        spin_unlock(end->object.lock);
    }
    while (messages) {
        struct message* message = messages;
        messages = message->next;
        message_destroy(message);
    }
}

static void let_go(const struct reached* reached) {
    for (struct message_end *end = reached->first, *next; end; end = next) {
        next = end->cycle.next;
        object_release(&end->object);
    }
}

/* False: it cannot be told now, or not for this price. */
static bool collect(struct reached* reached) {
    if (!reach_all(reached) || !mark_all(reached) || !confirm(reached))
        return false;
    empty_dead(reached);
    return true;
}

/* --- who is looked at when ----------------------------------------------------------------------
 */

/* A reference, unless the end is being destroyed. */
static bool try_reference(struct message_end* end) {
    uint32_t references = atomic_load_explicit(&end->object.references, memory_order_relaxed);
    while (references > 0)
        if (atomic_compare_exchange_weak_explicit(&end->object.references, &references,
                                                  references + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}

static struct message_end* next_suspect(struct list* suspects) {
    struct message_end* suspect = NULL;
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    while (!suspect && !list_is_empty(suspects)) {
        struct message_end* end =
            LIST_ENTRY(list_pop_front(suspects), struct message_end, cycle.suspect_node);
        suspect = try_reference(end) ? end : NULL;
    }
    spin_unlock_irqrestore(&suspects_lock, state);
    return suspect;
}

/* The weight is what the end and its peer keep from being freed. */
static void keep_suspect(struct message_end* end) {
    spin_lock(end->object.lock);
    size_t weight = 1 + message_queue_size(&end->queue) / PAGE_SIZE_BYTES;
    if (end->peer)
        weight += message_queue_size(&end->peer->queue) / PAGE_SIZE_BYTES;
    spin_unlock(end->object.lock);
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    if (!list_node_is_linked(&end->cycle.suspect_node))
        note_locked(end, &old_suspects);
    old_weight += weight;
    spin_unlock_irqrestore(&suspects_lock, state);
}

static void collect_fresh(void) {
    struct message_end* suspect;
    while ((suspect = next_suspect(&fresh_suspects))) {
        struct reached reached = {.budget = FRESH_BUDGET};
        collection++;
        reach(&reached, suspect);
        object_release(&suspect->object); /* reach has one */
        if (!collect(&reached))
            keep_suspect(suspect);
        let_go(&reached);
    }
}

/* One look for all of them. The list is `taken` over first, so that those kept come back for next
 * time. */
static void collect_old(void) {
    struct list taken;
    struct message_end* suspect;
    struct reached reached = {.budget = SIZE_MAX};
    list_init(&taken);
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    list_append_all(&taken, &old_suspects);
    spin_unlock_irqrestore(&suspects_lock, state);
    collection++;
    while ((suspect = next_suspect(&taken))) {
        suspect->cycle.is_old_suspect = true;
        reach(&reached, suspect);
        object_release(&suspect->object);
    }
    bool is_conclusive = collect(&reached);
    for (struct message_end* end = reached.first; end; end = end->cycle.next) {
        if (end->cycle.is_old_suspect && !is_conclusive)
            keep_suspect(end);
        end->cycle.is_old_suspect = false;
    }
    last_cost = SIZE_MAX - reached.budget;
    let_go(&reached);
    state = spin_lock_irqsave(&suspects_lock);
    old_weight = 0;
    spin_unlock_irqrestore(&suspects_lock, state);
}

/* Whether this thread is to collect; if another one does, that one goes round again. */
static bool begin(void) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    bool is_mine =
        !is_collecting && atomic_load_explicit(&cycle_is_suspected, memory_order_relaxed);
    if (is_mine) {
        is_collecting = true;
        atomic_store_explicit(&cycle_is_suspected, false, memory_order_relaxed);
    }
    spin_unlock_irqrestore(&suspects_lock, state);
    return is_mine;
}

static void end_collection(void) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    is_collecting = false;
    spin_unlock_irqrestore(&suspects_lock, state);
}

/* Inside a destructor it is too early: what looks like garbage is about to be destroyed anyway. */
static bool is_destroying(void) {
    return thread_current()->destroy_list != NULL;
}

void cycle_collect(void) {
    while (!is_destroying() && begin()) {
        collect_fresh();
        if (old_weight > MIN(MAX(last_cost, WEIGHT_MIN), WEIGHT_MAX))
            collect_old();
        end_collection();
    }
}

void cycle_collect_all(void) {
    atomic_store_explicit(&cycle_is_suspected, true, memory_order_relaxed);
    while (!is_destroying() && begin()) {
        collect_fresh();
        collect_old();
        end_collection();
    }
}
