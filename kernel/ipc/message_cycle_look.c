/* How a look is right although the ends are looked at one after the other, each under its own lock,
 * while other threads go on:
 *
 *   1. reach: the ends reachable from the suspects through queues and peers, each with the number
 *      of handles to it found in these queues, and with its queue's counts at that moment.
 *   2. mark: an end with more handles than were found is held from outside; whatever can be reached
 *      from such ends lives. An end without handles counts as such an end too: it is being
 *      destroyed, perhaps later, and until then what waits there still has its handles.
 *   3. confirm: the others are looked at once more. If each of their queues is as it was, all their
 *      handles are in these queues, and nobody has a reference besides the handles, then between 1
 *      and 3 there was a moment when all of this was true at once; and from that moment on nobody
 *      had a handle or a reference with which to change it.
 *   4. Their messages are taken out, to be destroyed, and with them the handles.
 *
 * If anything differs in 2 or 3, nothing is done and the suspects stay. It does not matter how much
 * time passes between the steps: the two counts of a queue never come back to what they were.
 *
 * A look pins its ends, which keeps their memory only. So an end that is closed meanwhile is
 * destroyed by the call that closes it, at once; its queue then differs, or was empty before. A
 * small and a large look may find the same ends dead at the same time: each message goes to the one
 * that takes it out. */
#include <ipc/message_cycle_look.h>

#include <stdatomic.h>

#include <ipc/message_end_life.h>
#include <lib/compiler.h>
#include <lib/units.h>
#include <lock/spinlock.h>

#define SCAN_CHUNK 32       /* units of work in one lock hold */
#define HANDLES_PER_UNIT 4u /* looked at in a message */
#define HANDLES_DESTROYED_PER_UNIT 2u

/* Of the small look under way. */
static struct cycle_visit small_visits[LOOK_SMALL_ENDS];
static uint32_t small_count;

static uint64_t last_number; /* of a large look */

void look_begin(struct look* look, bool is_small) {
    *look = (struct look){.is_small = is_small};
    if (!is_small)
        look->number = ++last_number;
}

static void end_look(struct look* look, bool is_conclusive) {
    look->is_conclusive = is_conclusive;
    look->phase = LOOK_OVER;
}

static void begin_phase(struct look* look, enum look_phase phase) {
    look->phase = phase;
    look->at = look->first;
    look->is_in_queue = false;
}

/* --- ends and their queues ----------------------------------------------------------------------
 */

/* NULL: the look has not reached the end. */
static struct cycle_visit* visit_of(const struct look* look, struct message_end* end) {
    if (!look->is_small)
        return end->cycle.number == look->number ? &end->visit : NULL;
    struct cycle_visit* visit = &small_visits[end->cycle.small_index];
    return visit->end == end ? visit : NULL;
}

static struct cycle_visit* new_visit(const struct look* look, struct message_end* end) {
    if (!look->is_small) {
        end->cycle.number = look->number;
        return &end->visit;
    }
    if (small_count == LOOK_SMALL_ENDS)
        return NULL;
    end->cycle.small_index = (uint8_t)small_count;
    return &small_visits[small_count++];
}

/* NULL: the end is one too many. */
static struct cycle_visit* reach(struct look* look, struct message_end* end) {
    struct cycle_visit* visit = visit_of(look, end);
    if (visit)
        return visit;
    visit = new_visit(look, end);
    if (!visit)
        return NULL;
    message_end_pin(end);
    *visit = (struct cycle_visit){.end = end};
    if (look->last)
        look->last->next = visit;
    else
        look->first = visit;
    look->last = visit;
    return visit;
}

void look_add_suspect(struct look* look, struct message_end* end) {
    reach(look, end)->is_suspect = true;
    look->at = look->first;
}

static bool is_queue_as_before(const struct cycle_visit* visit) {
    const struct message_queue* queue = &visit->end->queue;
    return queue->taken == visit->taken && queue->message_room == visit->message_room;
}

/* Under the lock of the end at which the message waits. False: one end too many. */
static bool visit_message(struct look* look, struct message* message,
                          bool (*visit)(struct look*, struct message_end*)) {
    const struct handle* handles = message_handles(message);
    for (uint32_t i = 0; i < message_handle_count(message); i++)
        if (is_message_end(handles[i].object) && !visit(look, message_end_from(handles[i].object)))
            return false;
    return true;
}

/* Calls `visit` for each end that a message waiting at look->at has a handle to, under the lock of
 * that end; a chunk at a time. Once all have been visited, look->is_in_queue is false. Returns what
 * it cost; ends the look if the queue changed, or `visit` returned false. */
static size_t visit_held_ends(struct look* look, bool (*visit)(struct look*, struct message_end*)) {
    struct message_end* end = look->at->end;
    size_t cost = 1;
    spin_lock(end->object.lock);
    bool is_good = is_queue_as_before(look->at);
    while (is_good && look->message && cost <= look->chunk) {
        cost += 1 + message_handle_count(look->message) / HANDLES_PER_UNIT;
        is_good = visit_message(look, look->message, visit);
        look->message = look->message->next;
    }
    look->is_in_queue = look->message != NULL;
    spin_unlock(end->object.lock);
    if (!is_good)
        end_look(look, false);
    return cost;
}

/* Under the end's lock. */
static void enter_queue(struct look* look, const struct message_end* end) {
    look->message = end->queue.handle_count > 0 ? end->queue.first : NULL;
    look->is_in_queue = true;
}

/* --- 1: reach -----------------------------------------------------------------------------------
 */

static bool count_inner_handle(struct look* look, struct message_end* end) {
    struct cycle_visit* visit = reach(look, end);
    if (visit)
        visit->inner_handles++;
    return visit;
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

/* Messages without handles lead nowhere, and neither the bytes nor the handles to other objects
 * matter to the look. But the look that finds them dead has them destroyed, so a small one must not
 * find many. */
static size_t cost_to_destroy(const struct message_queue* queue) {
    return (queue->handle_count > 0 ? queue->handle_count / HANDLES_DESTROYED_PER_UNIT
                                    : message_queue_count(queue)) +
           message_queue_size(queue) / PAGE_SIZE_BYTES * LOOK_COST_OF_PAGE;
}

/* The first look at an end: what its queue is like. False: its peer is one end too many. */
static bool enter_end(struct look* look, struct cycle_visit* visit) {
    struct message_end* end = visit->end;
    spin_lock(end->object.lock);
    visit->taken = end->queue.taken;
    visit->message_room = end->queue.message_room;
    bool is_good = !end->peer || reach(look, end->peer);
    forget_handles_gone(end);
    enter_queue(look, end);
    if (look->is_small)
        look->reach_cost += cost_to_destroy(&end->queue);
    spin_unlock(end->object.lock);
    return is_good;
}

static size_t go_on_reaching(struct look* look) {
    if (!look->at) {
        begin_phase(look, LOOK_FIND_ROOTS);
        return 1;
    }
    if (!look->is_in_queue && !enter_end(look, look->at)) {
        end_look(look, false);
        return 1;
    }
    size_t cost = visit_held_ends(look, count_inner_handle);
    look->reach_cost += cost;
    if (!look->is_in_queue)
        look->at = look->at->next;
    if (look->is_small && look->reach_cost > LOOK_SMALL_BUDGET)
        end_look(look, false);
    return cost;
}

/* --- 2: mark ------------------------------------------------------------------------------------
 */

static uint32_t handle_count(const struct message_end* end) {
    return atomic_load_explicit(&end->object.handle_count, memory_order_acquire);
}

/* An end that came into a queue only now was not reached; then the queue changed, and the look
 * fails anyway. */
static bool mark_live(struct look* look, struct message_end* end) {
    struct cycle_visit* visit = visit_of(look, end);
    if (!visit || visit->is_live)
        return true;
    visit->is_live = true;
    visit->next_live = look->live;
    look->live = visit;
    return true;
}

static size_t go_on_finding_roots(struct look* look) {
    struct cycle_visit* visit = look->at;
    if (!visit) {
        begin_phase(look, LOOK_MARK);
        return 1;
    }
    uint32_t handles = handle_count(visit->end);
    if (handles > visit->inner_handles || handles == 0)
        (void)mark_live(look, visit->end);
    look->at = visit->next;
    return 1;
}

static size_t go_on_marking(struct look* look) {
    if (!look->is_in_queue) {
        look->at = look->live;
        if (!look->at) {
            begin_phase(look, LOOK_CONFIRM);
            return 1;
        }
        struct message_end* end = look->at->end;
        look->live = look->at->next_live;
        spin_lock(end->object.lock);
        if (end->peer)
            (void)mark_live(look, end->peer);
        enter_queue(look, end);
        spin_unlock(end->object.lock);
    }
    return 1 + visit_held_ends(look, mark_live);
}

/* --- 3 and 4 ------------------------------------------------------------------------------------
 */

/* One without handles is being destroyed: what waits there is left to the call that does so. */
static bool is_dead(const struct cycle_visit* visit) {
    struct message_end* end = visit->end;
    spin_lock(end->object.lock);
    uint32_t handles = handle_count(end);
    bool is_dead = is_queue_as_before(visit) && handles == visit->inner_handles && handles > 0 &&
                   atomic_load_explicit(&end->object.references, memory_order_acquire) == handles;
    spin_unlock(end->object.lock);
    return is_dead;
}

static size_t go_on_confirming(struct look* look) {
    struct cycle_visit* visit = look->at;
    if (!visit)
        begin_phase(look, LOOK_EMPTY);
    else if (!visit->is_live && !is_dead(visit))
        end_look(look, false);
    else
        look->at = visit->next;
    return 1;
}

/* Takes the messages out of all dead ends before any is destroyed. */
static size_t go_on_emptying(struct look* look) {
    struct cycle_visit* visit = look->at;
    if (!visit) {
        end_look(look, true);
        return 1;
    }
    look->at = visit->next;
    if (visit->is_live)
        return 1;
    struct message_end* end = visit->end;
    spin_lock(end->object.lock);
    if (!message_queue_is_empty(&end->queue)) {
        *end->queue.end = look->messages;
        look->messages = message_queue_take_all(&end->queue);
    }
    atomic_store_explicit(&end->object.may_hold_handles, false, memory_order_relaxed);
    spin_unlock(end->object.lock);
    return 1;
}

/* --- all of it ----------------------------------------------------------------------------------
 */

bool look_go_on(struct look* look, int64_t* units) {
    static size_t (*const phases[])(struct look*) = {
        [LOOK_REACH] = go_on_reaching, [LOOK_FIND_ROOTS] = go_on_finding_roots,
        [LOOK_MARK] = go_on_marking,   [LOOK_CONFIRM] = go_on_confirming,
        [LOOK_EMPTY] = go_on_emptying,
    };
    while (look->phase != LOOK_OVER && *units > 0) {
        look->chunk = (size_t)MIN(*units, SCAN_CHUNK);
        *units -= (int64_t)phases[look->phase](look);
    }
    return look->phase == LOOK_OVER;
}

size_t look_take_small_ends(struct message_end* ends[LOOK_SMALL_ENDS]) {
    size_t count = small_count;
    for (size_t i = 0; i < count; i++) {
        ends[i] = small_visits[i].end;
        small_visits[i].end = NULL;
    }
    small_count = 0;
    return count;
}
