/* Creating a pair of ends, and destroying each. */
#include <ipc/message_end_life.h>

#include <ipc/message_cycle_suspects.h>
#include <ipc/message_end_queue.h>
#include <object/object_pair.h>

static struct slab_cache message_end_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(message_end_cache, "message end", sizeof(struct message_end));

static void connect(struct message_end* end, struct message_end* peer) {
    end->peer = peer;
    message_queue_init(&end->queue);
    end->calls = (struct tree){.root = NULL};
    end->next_call_id = end->next_call_order = 0;
    end->cycle = (struct cycle_node){.pins = 1};
    end->is_reply = false;
}

zx_status_t message_ends_create(const struct object_ops* ops, struct message_end** end0,
                                struct message_end** end1) {
    struct object* ends[2];
    zx_status_t status = object_pair_create(&message_end_cache, ops, ZX_OBJECT_WRITABLE, ends);
    if (status != ZX_OK)
        return status;
    *end0 = message_end_from(ends[0]);
    *end1 = message_end_from(ends[1]);
    connect(*end0, *end1);
    connect(*end1, *end0);
    return ZX_OK;
}

/* --- closing and destroying ------------------------------------------------------------------- */

void message_end_on_zero_handles(struct object* object) {
    struct message_end* end = message_end_from(object);
    spin_lock(object->lock);
    struct message_end* peer = end->peer;
    if (peer) {
        end->peer = NULL;
        peer->peer = NULL;
        /* A thread with a reference to this end may still write. Without WRITABLE its write takes
         * the slow path, which returns PEER_CLOSED. */
        object_update_signals_locked(object, ZX_OBJECT_WRITABLE, 0);
        if (peer->queue.handle_count > 0)
            message_cycle_note(&peer->object); /* perhaps only queued messages lead to it now */
        object_update_signals_locked(&peer->object, ZX_OBJECT_WRITABLE, ZX_OBJECT_PEER_CLOSED);
    }
    spin_unlock(object->lock);
}

static struct message* take_first(struct message_end* end) {
    spin_lock(end->object.lock);
    struct message* first = message_end_take_first_locked(end);
    spin_unlock(end->object.lock);
    return first;
}

/* The messages that wait here can never be read. A look of the collector may still be reading the
 * queue, but it takes nothing out: it empties only ends that have handles. To release an end found
 * in a message only appends that end to the destroy list. So a chain of channels does not
 * recurse. */
bool message_end_destroy_some(struct object* object, int64_t* units) {
    struct message_end* end = message_end_from(object);
    message_end_on_zero_handles(object); /* it may never have had a handle */
    message_cycle_forget(object);
    while (!message_queue_is_empty(&end->queue)) {
        int64_t cost = message_units(end->queue.first);
        if (*units < cost)
            return true;
        message_destroy(take_first(end));
        *units -= cost;
    }
    message_end_unpin(end);
    return false;
}

/* The last pin needs no atomic step: no thread can pin the end any more. Acquire: the thread that
 * frees the memory comes after all that other threads did with their pins. */
void message_end_unpin(struct message_end* end) {
    if (atomic_load_explicit(&end->cycle.pins, memory_order_acquire) > 1 &&
        atomic_fetch_sub_explicit(&end->cycle.pins, 1, memory_order_acq_rel) > 1)
        return;
    object_pair_free(&message_end_cache, &end->object);
}

struct object* message_end_peer_locked(struct object* object) {
    struct message_end* peer = message_end_from(object)->peer;
    return peer ? &peer->object : NULL;
}
