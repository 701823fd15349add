/* Why a look is right although it visits the ends one after the other, each under its own lock,
 * while other threads go on:
 *
 *   1. reach: finds the ends that can be reached from the suspects through queues and peers. Counts
 *      the handles to each end in these queues, and notes the counts of the end's own queue.
 *   2. mark: an end with more handles than were counted has a handle outside, so it is live. All
 *      ends that can be reached from a live end are live. An end without handles counts as live
 *      too: it is being destroyed, perhaps later, and until then its messages keep their handles.
 *   3. confirm: visits all other ends again. Each queue must be as it was. All handles of the end
 *      must be in these queues, and there must be no references besides the handles. Then there was
 *      a moment between 1 and 3 when all of this was true at once. From that moment on no thread
 *      had a handle or a reference with which to change it.
 *   4. empty: takes the messages out of these ends. The caller destroys them, with their handles.
 *
 * If anything differs in 2 or 3, the look changes nothing and the suspects stay. It does not matter
 * how much time passes between the steps: the two counts of a queue never both return to earlier
 * values.
 *
 * A look pins its ends, which keeps their memory only. So an end that is closed meanwhile is
 * destroyed at once, by the call that closes it. Its queue then differs, or was empty before. A
 * small and a large look may find the same ends dead at the same time. Each message goes to the
 * look that takes it out. */
#include <ipc/message_cycle_look.h>

#include <stdatomic.h>

#include <ipc/message_end_life.h>
#include <lib/compiler.h>
#include <lib/units.h>
#include <lock/spinlock.h>

#define SCAN_CHUNK 32       /* units of work in one lock hold */
#define HANDLES_PER_UNIT 4u /* how many handles of a message cost one unit */
#define HANDLES_DESTROYED_PER_UNIT 2u

/* The visits of the small look under way. */
static struct cycle_visit small_visits[LOOK_SMALL_ENDS];
static uint32_t small_count;

static uint64_t last_number; /* the number of the newest large look */

void look_begin(struct look* look, bool is_small) {
    *look = (struct look){.is_small = is_small};
    if (!is_small)
        look->number = ++last_number;
}

/* Ends a look that is not conclusive. */
static void give_up(struct look* look) {
    look->phase = LOOK_OVER;
}

/* The phase has come to the end of its list. After the last one, nothing has differed. */
static void begin_next_phase(struct look* look) {
    look->phase++;
    look->is_conclusive = look->phase == LOOK_OVER;
    look->at = look->phase == LOOK_MARK ? look->live : look->first;
}

/* --- ends and their queues ----------------------------------------------------------------------
 */

/* Returns the visit of the end. NULL: the look has not reached the end. */
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

/* Adds the end to the look, unless the look has reached it before. NULL: a small look has no place
 * left. */
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

/* Calls `visit` for each end that the message has a handle to. Called with the lock of the end at
 * which the message waits. False: `visit` returned false. */
static bool visit_message(struct look* look, struct message* message,
                          bool (*visit)(struct look*, struct message_end*)) {
    const struct handle* handles = message_handles(message);
    for (uint32_t i = 0; i < message_handle_count(message); i++)
        if (is_message_end(handles[i].object) && !visit(look, message_end_from(handles[i].object)))
            return false;
    return true;
}

/* Calls `visit` for each end to which a message waiting at look->at has a handle. Holds the lock of
 * look->at, and visits a chunk at a time. Once all are visited, look->is_in_queue is false. Returns
 * the cost. Ends the look if the queue has changed, or if `visit` returned false. */
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
        give_up(look);
    return cost;
}

/* Begins with the first message of the end's queue. The end's lock is held. */
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

/* Once no handles wait at either end, the close of a handle need not note a suspect. The lock is
 * held, so no message with handles is queued meanwhile. */
static void forget_handles_gone(struct message_end* end) {
    struct message_end* peer = end->peer;
    if (end->queue.handle_count > 0 || (peer && peer->queue.handle_count > 0))
        return;
    atomic_store_explicit(&end->object.may_hold_handles, false, memory_order_relaxed);
    if (peer)
        atomic_store_explicit(&peer->object.may_hold_handles, false, memory_order_relaxed);
}

/* Returns what it costs to destroy the messages of the queue. The look itself follows only handles
 * to ends, so bytes and other handles cost it nothing. But a call destroys all messages that its
 * small look finds dead, so they must not be many. */
static size_t cost_to_destroy(const struct message_queue* queue) {
    return (queue->handle_count > 0 ? queue->handle_count / HANDLES_DESTROYED_PER_UNIT
                                    : message_queue_count(queue)) +
           message_queue_size(queue) / PAGE_SIZE_BYTES * LOOK_COST_OF_PAGE;
}

/* The first visit of an end: notes the counts of its queue, and adds its peer to the look. False: a
 * small look has no place left for the peer. */
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
    if (!look->is_in_queue && !enter_end(look, look->at)) {
        give_up(look);
        return 1;
    }
    size_t cost = visit_held_ends(look, count_inner_handle);
    look->reach_cost += cost;
    if (!look->is_in_queue)
        look->at = look->at->next;
    if (look->is_small && look->reach_cost > LOOK_SMALL_BUDGET)
        give_up(look);
    return cost;
}

/* --- 2: mark ------------------------------------------------------------------------------------
 */

/* Acquire: all that a thread did with the end before it closed a handle is visible now. */
static uint32_t handle_count(const struct message_end* end) {
    return atomic_load_explicit(&end->object.handle_count, memory_order_acquire);
}

/* Marks the end, and adds it to the list of live ends. An end that was queued after step 1 may have
 * no visit. It needs no mark: the queue has changed, so the look fails anyway. */
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
    uint32_t handles = handle_count(visit->end);
    if (handles > visit->inner_handles || handles == 0)
        (void)mark_live(look, visit->end);
    look->at = visit->next;
    return 1;
}

static size_t go_on_marking(struct look* look) {
    if (!look->is_in_queue) {
        struct message_end* end = look->at->end;
        look->live = look->at->next_live;
        spin_lock(end->object.lock);
        if (end->peer)
            (void)mark_live(look, end->peer);
        enter_queue(look, end);
        spin_unlock(end->object.lock);
    }
    size_t cost = 1 + visit_held_ends(look, mark_live);
    if (!look->is_in_queue)
        look->at = look->live;
    return cost;
}

/* --- 3 and 4 ------------------------------------------------------------------------------------
 */

/* Step 3 for one end. An end without handles is not dead in this sense: the call that destroys the
 * end also destroys its messages. Acquire: a call that dropped its reference has finished with the
 * end. */
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
    if (!visit->is_live && !is_dead(visit))
        give_up(look);
    look->at = visit->next;
    return 1;
}

/* Takes the messages out of all dead ends before any is destroyed. */
static size_t go_on_emptying(struct look* look) {
    struct cycle_visit* visit = look->at;
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
        if (!look->at) {
            begin_next_phase(look);
            *units -= 1;
            continue;
        }
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
