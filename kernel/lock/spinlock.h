/* Spinlocks: preemption off while held.
 *
 * Waiting CPUs do not queue up. In a virtual machine a CPU does not always run. With a queue all
 * waiters would stand still until the host runs the CPU whose turn it is. Instead a CPU that finds
 * waiters pauses before it takes the lock. So a CPU that takes a lock again and again does not
 * starve the others.
 *
 * Lock classes, outermost first. A CPU takes locks only downwards in this list (debug builds check
 * it); two locks of one class are never held together. "irq" classes are taken with the _irqsave
 * forms only, because an interrupt handler takes them too; while one is held nothing may fault,
 * allocate or send a synchronous IPI.
 *
 *   class            guards                                          interrupts
 *   TASK             a job's or process's lists of children           on
 *   HANDLE_TABLE     which slots of a process's table are in use      on
 *   HANDLE_SLOT      one handle (object/handle_table.h)               on
 *   OBJECT           one object's (or one pair's) state, observers    on
 *   FUTEX            a bucket of futex waiters                        on
 *   ASPACE           VMAR tree, mappings, page tables of a process    on
 *   VMO              one VMO's pages, and its list of mappings        on
 *   KERNEL_HEAP      kernel virtual ranges and their tables           on
 *   SLAB             one slab cache                                   on
 *   PAGES            the buddy allocator                              on
 *   CPU_CALL         one call to other CPUs at a time                 on
 *   WAIT_QUEUE       wait queue, mutex                                irq
 *   RUN_QUEUE        one CPU's run queue                              irq
 *   TIMER            one CPU's timer heap                             irq
 *   LOG              log ring, console                                irq
 *   LEAF             nothing is taken inside                          irq
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <arch/preempt.h>
#include <arch/turns.h>

enum lock_class {
    LOCK_TASK,
    LOCK_HANDLE_TABLE,
    LOCK_HANDLE_SLOT,
    LOCK_OBJECT,
    LOCK_FUTEX,
    LOCK_ASPACE,
    LOCK_VMO,
    LOCK_KERNEL_HEAP,
    LOCK_SLAB,
    LOCK_PAGES,
    LOCK_CPU_CALL,
    LOCK_WAIT_QUEUE,
    LOCK_RUN_QUEUE,
    LOCK_TIMER,
    LOCK_LOG,
    LOCK_LEAF,
    LOCK_CLASS_COUNT,
};

/* What debug builds record about a lock. */
struct lock_debug {
    enum lock_class class;
    _Atomic uint32_t holder; /* CPU number + 1; 0: free */
    uintptr_t acquired_at;
};

struct spinlock {
    union {
        _Atomic uint16_t state; /* both of the below; 0: free, no waiters */
        struct {
            _Atomic uint8_t is_held;
            _Atomic uint8_t is_wanted; /* set by waiters, cleared by the CPU that gets the lock */
        };
    };
#ifdef JACINTH_DEBUG
    struct lock_debug debug;
#endif
};

#define SPINLOCK_HELD 1u /* `state`: held, no waiters */

#ifdef JACINTH_DEBUG
#define SPINLOCK_INITIALIZER(lock_class)  \
    {                                     \
        .debug = {.class = (lock_class) } \
    }
/* debug/lock_order.c: panics on a wrong order, a recursion, or a sleep with a lock held. */
void lock_order_acquire(struct lock_debug* lock, uintptr_t caller);
void lock_order_acquired(struct lock_debug* lock, uintptr_t caller);
void lock_order_release(struct lock_debug* lock);
void lock_order_assert_none_held(void);
#else
#define SPINLOCK_INITIALIZER(lock_class) \
    { .state = 0 }
static inline void lock_order_assert_none_held(void) {
}
#endif

static inline void spinlock_init(struct spinlock* lock, enum lock_class class) {
    *lock = (struct spinlock)SPINLOCK_INITIALIZER(class);
    (void)class;
}

/* The slow path of taking a lock that is held or that other CPUs wait for. Each round begins with a
 * pause, which gives earlier waiters their chance, and lets an emulator run its next CPU.
 * `is_wanted` is set again in each round, because a waiter that got the lock meanwhile has cleared
 * it. Inline, because a call would cost registers on the fast path. */
static inline void spin_wait(struct spinlock* lock) {
    do {
        do {
            atomic_store_explicit(&lock->is_wanted, 1, memory_order_relaxed);
            cpu_relax();
        } while (atomic_load_explicit(&lock->is_held, memory_order_relaxed));
    } while (atomic_exchange_explicit(&lock->is_held, 1, memory_order_acquire));
    atomic_store_explicit(&lock->is_wanted, 0, memory_order_relaxed);
}

static inline void spin_acquire_raw(struct spinlock* lock) {
    uint16_t free = 0;
    if (unlikely(!atomic_compare_exchange_strong_explicit(
            &lock->state, &free, SPINLOCK_HELD, memory_order_acquire, memory_order_relaxed)))
        spin_wait(lock);
}

static inline void spin_release_raw(struct spinlock* lock) {
    atomic_store_explicit(&lock->is_held, 0, memory_order_release);
}

/* A second lock inside a first one: both share one preemption count. Either may be released first:
 *
 *   spin_lock(a); spin_lock_inner(b); spin_unlock_inner(a); ... spin_unlock(b);
 *   spin_lock(a); spin_lock_inner(b); ... spin_unlock_inner(b); spin_unlock(a); */
static inline void spin_lock_inner(struct spinlock* lock) {
    turn_point();
#ifdef JACINTH_DEBUG
    lock_order_acquire(&lock->debug, (uintptr_t)__builtin_return_address(0));
#endif
    spin_acquire_raw(lock);
#ifdef JACINTH_DEBUG
    lock_order_acquired(&lock->debug, (uintptr_t)__builtin_return_address(0));
#endif
}

static inline void spin_unlock_inner(struct spinlock* lock) {
#ifdef JACINTH_DEBUG
    lock_order_release(&lock->debug);
#endif
    spin_release_raw(lock);
    turn_point();
}

static inline void spin_lock(struct spinlock* lock) {
    preempt_disable();
    spin_lock_inner(lock);
}

static inline void spin_unlock(struct spinlock* lock) {
    spin_unlock_inner(lock);
    preempt_enable();
}

/* The last step of a function that returns `value` (preempt_enable_and_return). */
static inline int64_t spin_unlock_and_return(struct spinlock* lock, int64_t value) {
    spin_unlock_inner(lock);
    return preempt_enable_and_return(value);
}

/* Waits until the lock has been free once. By then the present holder has released it. */
static inline void spin_wait_for_holder(struct spinlock* lock) {
    while (unlikely(atomic_load_explicit(&lock->is_held, memory_order_acquire)))
        cpu_relax();
}

static inline interrupt_state_t spin_lock_irqsave(struct spinlock* lock) {
    interrupt_state_t state = interrupts_save_and_disable();
    spin_lock(lock);
    return state;
}

static inline void spin_unlock_irqrestore(struct spinlock* lock, interrupt_state_t state) {
    spin_unlock_inner(lock);
    interrupts_restore(state);
    preempt_enable();
}
