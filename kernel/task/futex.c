/* The waiters are on their threads' stacks, linked in the buckets of a hash table.
 *
 * The races, and what closes them (the numbers stand at the lines):
 * 1. A wake comes between the look at the word and the wait. The word is read, and the waiter
 *    linked, in one hold of the bucket's lock. The waker changes the word first, then takes the
 *    same lock. So the waiter sees the new word, or the wake sees the waiter.
 * 2. The page of the word is not present. Then the read fails under the lock. The lock is dropped,
 *    the page brought in, and both steps are done again.
 * 3. The waiter returns while the wake still uses its thread. The wake unlinks it and unparks it
 *    under the lock. So the waiter waits until the lock is free. */
#include <task/futex.h>

#include <abi/errors.h>
#include <arch/user_copy.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lock/spinlock.h>
#include <sched/park.h>
#include <sched/thread.h>

/* In debug builds a lock is larger, so there are fewer buckets: they are part of the kernel image.
 */
#ifdef JACINTH_DEBUG
#define BUCKET_BITS 8u
#else
#define BUCKET_BITS 12u
#endif
#define BUCKET_COUNT (1u << BUCKET_BITS)

/* Aligned so that its size is a power of two, and few buckets share a cache line. */
struct bucket {
    struct spinlock lock; /* class FUTEX */
    struct list waiters;  /* a list of zeros is empty: see bucket_lock */
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
    if (!bucket->waiters.head.next)
        list_init(&bucket->waiters);
}

/* Whether the word is in user space. An aligned word that begins there also ends there. */
static inline bool address_is_valid(uintptr_t address) {
    return likely(IS_ALIGNED(address, sizeof(int32_t))) && likely(address < USER_ADDRESS_END);
}

/* Links the waiter if the word has the expected value. BAD_STATE: it has another value. */
static ALWAYS_INLINE zx_status_t enqueue(struct bucket* bucket, struct waiter* waiter,
                                         int32_t current_value) {
    for (;;) {
        uint32_t value;
        bucket_lock(bucket);
        if (likely(user_read_word(&value, waiter->address))) { /* race 1: with the lock held */
            bool is_expected = (int32_t)value == current_value;
            if (likely(is_expected))
                list_push_back(&bucket->waiters, &waiter->node);
            spin_unlock(&bucket->lock);
            return is_expected ? ZX_OK : ZX_ERR_BAD_STATE;
        }
        spin_unlock(&bucket->lock);
        if (!user_fault_in(waiter->address, sizeof(value), false)) /* race 2 */
            return ZX_ERR_INVALID_ARGS;
        /* another thread may unmap the page again and again */
        if (thread_is_killed(thread_current()))
            return ZX_ERR_CANCELED;
    }
}

/* A wake sets the link to NULL under the bucket's lock. Acquire: this thread sees that the wake has
 * unlinked it, and goes on as race 3 says. */
static inline bool was_woken(const struct waiter* waiter) {
    return !__atomic_load_n(&waiter->node.next, __ATOMIC_ACQUIRE);
}

/* Unlinks the waiter. False: a wake did that before, so the wait ends with OK. */
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
    if (status != ZX_OK)
        return status;
    waiter.thread->wait = THREAD_WAIT_FUTEX;
    /* A token from an earlier wait ends the park, but not this wait. */
    do {
        status = thread_park(deadline);
        if (likely(was_woken(&waiter))) {
            waiter.thread->wait = THREAD_WAIT_OTHER;
            /* Race 3: the wake may still hold the lock, about to unpark this thread. */
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
    if (count == 0)
        return ZX_OK;
    struct bucket* bucket = bucket_of(aspace, address);
    bucket_lock(bucket);
    LIST_FOR_EACH_SAFE(node, &bucket->waiters) {
        struct waiter* waiter = LIST_ENTRY(node, struct waiter, node);
        if (unlikely(waiter->aspace != aspace || waiter->address != address))
            continue;
        struct thread* thread = waiter->thread;
        list_remove(node);
        thread_unpark(thread); /* race 3: the waiter cannot return before the lock is free */
        if (--count == 0)
            break;
    }
    spin_unlock(&bucket->lock);
    return ZX_OK;
}
