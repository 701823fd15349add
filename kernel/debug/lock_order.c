/* Debug builds: every CPU records the locks it holds. Taking a lock out of order is a panic, which
 * names both places. An interrupt handler is checked against its own locks only. The code that it
 * interrupted cannot continue before the handler is done, and takes the locks that handlers use
 * with interrupts off. */
#include <lock/spinlock.h>

#ifdef JACINTH_DEBUG

#include <debug/console.h>
#include <debug/emergency_console.h>
#include <debug/panic.h>
#include <debug/symbols.h>

#define HELD_MAX 16u

struct held_lock {
    struct lock_debug* lock;
    uint32_t interrupt_depth;
};

struct held_locks {
    uint32_t count;
    struct held_lock locks[HELD_MAX];
};

static struct held_locks held[CPU_MAX]; /* each touched by its CPU only */

static const char* const class_names[LOCK_CLASS_COUNT] = {
    "task",      "handle table", "handle slot", "object", "futex",    "address space",
    "VMO",       "kernel heap",  "slab",        "pages",  "CPU call", "wait queue",
    "run queue", "timer",        "log",         "leaf",
};

static void print_lock(const char* what, const struct lock_debug* lock, uintptr_t place) {
    console_printf("%s: class %s, at\n", what, class_names[lock->class]);
    symbol_print(place);
}

static NORETURN void panic_about_order(const char* what, const struct lock_debug* lock,
                                       uintptr_t place, const struct lock_debug* other) {
    console_break_lock();
    print_lock("wanted", lock, place);
    if (other)
        print_lock("held", other, other->acquired_at);
    panic("lock order: %s (%s)", what, class_names[lock->class]);
}

static bool is_held_here(const struct lock_debug* lock) {
    return atomic_load_explicit(&lock->holder, memory_order_relaxed) == cpu_number() + 1;
}

void lock_order_acquire(struct lock_debug* lock, uintptr_t caller) {
    const struct held_locks* mine = &held[cpu_number()];
    if (is_held_here(lock))
        panic_about_order("taken twice", lock, caller, lock);
    if (lock->class >= LOCK_WAIT_QUEUE && interrupts_are_enabled())
        panic_about_order("taken with interrupts on", lock, caller, NULL);
    if (mine->count == 0)
        return;
    const struct held_lock* last = &mine->locks[mine->count - 1];
    if (last->interrupt_depth == this_cpu()->interrupt_depth && last->lock->class >= lock->class)
        panic_about_order("taken out of order", lock, caller, last->lock);
}

void lock_order_acquired(struct lock_debug* lock, uintptr_t caller) {
    struct held_locks* mine = &held[cpu_number()];
    CHECK(mine->count < HELD_MAX);
    lock->acquired_at = caller;
    atomic_store_explicit(&lock->holder, cpu_number() + 1, memory_order_relaxed);
    /* An interrupt handler at this point would use the same place. */
    interrupt_state_t state = interrupts_save_and_disable();
    mine->locks[mine->count] = (struct held_lock){lock, this_cpu()->interrupt_depth};
    mine->count++;
    interrupts_restore(state);
}

void lock_order_release(struct lock_debug* lock) {
    struct held_locks* mine = &held[cpu_number()];
    if (!is_held_here(lock))
        panic("lock order: a lock of class %s is released by who does not hold it",
              class_names[lock->class]);
    atomic_store_explicit(&lock->holder, 0, memory_order_relaxed);
    interrupt_state_t state = interrupts_save_and_disable();
    uint32_t index = mine->count;
    while (index > 0 && mine->locks[index - 1].lock != lock)
        index--;
    for (; index < mine->count; index++)
        mine->locks[index - 1] = mine->locks[index];
    mine->count--;
    interrupts_restore(state);
}

void lock_order_assert_none_held(void) {
    preempt_disable();
    const struct held_locks* mine = &held[cpu_number()];
    if (mine->count > 0)
        panic_about_order("a thread blocks with a lock held", mine->locks[0].lock,
                          (uintptr_t)__builtin_return_address(0), mine->locks[0].lock);
    preempt_enable();
}

DEBUG_COMMAND(locks, "the locks each CPU holds") {
    for (uint32_t cpu = 0; cpu < cpu_count(); cpu++) {
        for (uint32_t i = 0; i < held[cpu].count; i++) {
            const struct lock_debug* lock = held[cpu].locks[i].lock;
            console_printf("  cpu %u: class %s, taken at\n", cpu, class_names[lock->class]);
            symbol_print(lock->acquired_at);
        }
    }
}

#endif
