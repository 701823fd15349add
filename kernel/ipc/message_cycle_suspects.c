#include <ipc/message_cycle_suspects.h>

#include <stdatomic.h>

#include <ipc/message_end_state.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/spinlock.h>

/* LEAF: guards the lists, the suspects' nodes, and all below up to is_looking. */
static struct spinlock suspects_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static struct list fresh_suspects = LIST_INITIALIZER(fresh_suspects);
static struct list old_suspects = LIST_INITIALIZER(old_suspects);
static struct list pass_suspects = LIST_INITIALIZER(pass_suspects); /* for the pass under way */
static size_t fresh_count;
static size_t old_weight; /* of the old suspects that were added since the last pass began */
static size_t last_pass_cost;
static bool is_full_pass_wanted;
static uint32_t full_passes_begun;
static bool is_looking; /* a small look is under way; preemption is off there */

#define WEIGHT_MIN 256u   /* a pass needs at least this weight of old suspects: ends, and... */
#define WEIGHT_MAX 16384u /* ...pages of messages; above this weight a pass is always due */

/* --- noting -------------------------------------------------------------------------------------
 */

static void take_locked(struct message_end* end) {
    if (!list_node_is_linked(&end->cycle.suspect_node))
        return;
    list_remove(&end->cycle.suspect_node);
    fresh_count -= end->cycle.is_fresh;
    end->cycle.is_fresh = false;
    old_weight -= end->cycle.weight;
    end->cycle.weight = 0;
}

void message_cycle_note(struct object* object) {
    struct message_end* end = message_end_from(object);
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    take_locked(end);
    list_push_back(&fresh_suspects, &end->cycle.suspect_node);
    end->cycle.is_fresh = true;
    end->cycle.was_noted = true;
    fresh_count++;
    atomic_store_explicit(&object_collection_is_due, true, memory_order_relaxed);
    spin_unlock_irqrestore(&suspects_lock, state);
}

/* An end that was never noted is in no list, so it needs no lock. An end that was noted needs it,
 * because take_suspect_locked may be using the end. */
void message_cycle_forget(struct object* object) {
    struct message_end* end = message_end_from(object);
    if (!end->cycle.was_noted)
        return;
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    take_locked(end);
    end->cycle.is_forgotten = true;
    spin_unlock_irqrestore(&suspects_lock, state);
}

/* Takes the newest or the oldest end out of the list, and pins it. Its destructor may be about to
 * call message_cycle_forget. NULL: the list is empty. */
static struct message_end* take_suspect_locked(struct list* list, bool is_newest) {
    if (list_is_empty(list))
        return NULL;
    struct list_node* node = is_newest ? list->head.previous : list->head.next;
    struct message_end* end = LIST_ENTRY(node, struct message_end, cycle.suspect_node);
    take_locked(end);
    message_end_pin(end);
    return end;
}

void suspects_keep(struct message_end* end, uint32_t weight) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    if (!list_node_is_linked(&end->cycle.suspect_node) && !end->cycle.is_forgotten) {
        list_push_back(&old_suspects, &end->cycle.suspect_node);
        end->cycle.weight = weight;
        old_weight += weight;
    }
    spin_unlock_irqrestore(&suspects_lock, state);
}

static bool is_pass_due_locked(void) {
    return is_full_pass_wanted || old_weight > MIN(MAX(last_pass_cost, WEIGHT_MIN), WEIGHT_MAX);
}

size_t message_cycle_fresh_count(void) {
    return fresh_count;
}

size_t message_cycle_old_weight(void) {
    return old_weight;
}

/* --- small looks --------------------------------------------------------------------------------
 */

struct message_end* suspects_begin_small_look(bool is_newest) {
    struct message_end* suspect = NULL;
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    atomic_store_explicit(&object_collection_is_due, false, memory_order_relaxed);
    if (!is_looking)
        suspect = take_suspect_locked(&fresh_suspects, is_newest);
    is_looking = is_looking || suspect;
    spin_unlock_irqrestore(&suspects_lock, state);
    return suspect;
}

bool suspects_end_small_look(void) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    is_looking = false;
    bool has_more = !list_is_empty(&fresh_suspects);
    spin_unlock_irqrestore(&suspects_lock, state);
    return has_more;
}

/* --- passes -------------------------------------------------------------------------------------
 */

bool suspects_begin_pass(bool* is_full) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    bool must_begin = is_pass_due_locked() && !is_looking;
    if (must_begin) {
        list_append_all(&pass_suspects, &old_suspects);
        *is_full = is_full_pass_wanted;
        is_full_pass_wanted = false;
        if (*is_full) {
            list_append_all(&pass_suspects, &fresh_suspects);
            full_passes_begun++;
        }
    }
    spin_unlock_irqrestore(&suspects_lock, state);
    return must_begin;
}

struct message_end* suspects_take_for_pass(void) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    struct message_end* suspect = take_suspect_locked(&pass_suspects, false);
    spin_unlock_irqrestore(&suspects_lock, state);
    return suspect;
}

void suspects_end_pass(size_t cost) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    last_pass_cost = cost;
    spin_unlock_irqrestore(&suspects_lock, state);
}

uint32_t suspects_want_full_pass(void) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    is_full_pass_wanted = true;
    uint32_t number = full_passes_begun + 1;
    spin_unlock_irqrestore(&suspects_lock, state);
    return number;
}

bool suspects_are_left(void) {
    interrupt_state_t state = spin_lock_irqsave(&suspects_lock);
    bool are_left = !list_is_empty(&fresh_suspects) || is_pass_due_locked();
    spin_unlock_irqrestore(&suspects_lock, state);
    return are_left;
}
