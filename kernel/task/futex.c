/* Waiters lie on their threads' stacks, in hash buckets. The word is read with the bucket locked,
 * and a wake takes the same lock after the word was changed: so a thread either sees the new word
 * or is seen by the wake. A page that is not present makes the read fail under the lock; it is
 * brought in without. */
#include <task/futex.h>

#include <abi/errors.h>
#include <arch/user_copy.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/spinlock.h>
#include <sched/thread.h>

/* In debug builds each lock knows its class, which fills the image: so there are fewer. */
#ifdef JACINTH_DEBUG
#define BUCKET_BITS 8u
#else
#define BUCKET_BITS 12u
#endif
#define BUCKET_COUNT (1u << BUCKET_BITS)

/* Of a size that finds the bucket by shifting, and does not share a cache line with many. */
struct bucket {
    struct spinlock lock; /* FUTEX */
    struct list waiters;  /* a zeroed list is empty: see bucket_lock */
} __attribute__((aligned(32)));

struct waiter {
    struct list_node node; /* linked until woken */
    struct thread* thread;
    const struct aspace* aspace;
    uintptr_t address;
};

static struct bucket buckets[BUCKET_COUNT] = {
    [0 ... BUCKET_COUNT - 1] = {.lock = SPINLOCK_INITIALIZER(LOCK_FUTEX)},
};

static inline struct bucket* bucket_of(const struct aspace* aspace, uintptr_t address) {
    uint64_t hash = ((uintptr_t)aspace ^ address) * 0x9e3779b97f4a7c15;
    return &buckets[hash >> (64 - BUCKET_BITS)];
}

static inline void bucket_lock(struct bucket* bucket) {
    spin_lock(&bucket->lock);
    if (unlikely(!bucket->waiters.head.next))
        list_init(&bucket->waiters);
}

/* An aligned word that begins in user space ends there. */
static inline bool address_is_valid(uintptr_t address) {
    return likely(IS_ALIGNED(address, sizeof(int32_t))) && likely(address < USER_ADDRESS_END);
}

/* Joins the bucket if the word is as expected. */
static ALWAYS_INLINE zx_status_t enqueue(struct bucket* bucket, struct waiter* waiter,
                                         int32_t current_value) {
    for (;;) {
        uint32_t value;
        bucket_lock(bucket);
        if (likely(user_read_word(&value, waiter->address))) {
            bool is_expected = (int32_t)value == current_value;
            if (likely(is_expected))
                list_push_back(&bucket->waiters, &waiter->node);
            spin_unlock(&bucket->lock);
            return likely(is_expected) ? ZX_OK : ZX_ERR_BAD_STATE;
        }
        spin_unlock(&bucket->lock);
        if (!user_fault_in(waiter->address, sizeof(value), false))
            return ZX_ERR_INVALID_ARGS;
        if (thread_is_killed(thread_current())) /* the page may come and go without end */
            return ZX_ERR_CANCELED;
    }
}

static inline bool was_woken(const struct waiter* waiter) {
    return !__atomic_load_n(&waiter->node.next, __ATOMIC_ACQUIRE);
}

/* Leaves the bucket; false: a wake took the waiter out before, which then counts. */
static NOINLINE bool dequeue(struct bucket* bucket, struct waiter* waiter) {
    bucket_lock(bucket);
    bool was_linked = list_node_is_linked(&waiter->node);
    if (was_linked)
        list_remove(&waiter->node);
    spin_unlock(&bucket->lock);
    return was_linked;
}

zx_status_t futex_wait(struct aspace* aspace, uintptr_t address, int32_t current_value,
                       zx_time_t deadline) {
    if (!address_is_valid(address))
        return ZX_ERR_INVALID_ARGS;
    struct bucket* bucket = bucket_of(aspace, address);
    struct waiter waiter = {.thread = thread_current(), .aspace = aspace, .address = address};
    zx_status_t status = enqueue(bucket, &waiter, current_value);
    if (unlikely(status != ZX_OK))
        return status;
    waiter.thread->wait = THREAD_WAIT_FUTEX;
    /* A token that an earlier wait left ends the park, not the wait. */
    do {
        status = thread_park(deadline);
        if (likely(was_woken(&waiter))) {
            waiter.thread->wait = THREAD_WAIT_OTHER;
            /* Under the lock, and perhaps about to unpark us; done once that is free. */
            spin_wait_for_holder(&bucket->lock);
            return ZX_OK;
        }
    } while (status == ZX_OK);
    waiter.thread->wait = THREAD_WAIT_OTHER;
    return dequeue(bucket, &waiter) ? status : ZX_OK;
}

zx_status_t futex_wake(struct aspace* aspace, uintptr_t address, uint32_t count) {
    if (!address_is_valid(address))
        return ZX_ERR_INVALID_ARGS;
    if (unlikely(count == 0))
        return ZX_OK;
    struct bucket* bucket = bucket_of(aspace, address);
    bucket_lock(bucket);
    LIST_FOR_EACH_SAFE(node, &bucket->waiters) {
        struct waiter* waiter = LIST_ENTRY(node, struct waiter, node);
        if (unlikely(waiter->aspace != aspace || waiter->address != address))
            continue;
        struct thread* thread = waiter->thread;
        list_remove(node);
        thread_unpark(thread); /* it cannot leave before the lock is free */
        if (--count == 0)
            break;
    }
    spin_unlock(&bucket->lock);
    return ZX_OK;
}
