/* Spinlocks. (A wrong order, or a second taking, ends in a panic: panics.c.) */
#include <arch/cpu.h>
#include <arch/preempt.h>
#include <lock/spinlock.h>

#include "all_cpus.h"
#include "selftest.h"

#define ROUNDS 3000u

static struct spinlock lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static struct spinlock outer = SPINLOCK_INITIALIZER(LOCK_OBJECT);
static struct spinlock inner = SPINLOCK_INITIALIZER(LOCK_VMO);
static uint32_t guarded[4];

static void count_under_lock(void* unused) {
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++) {
        interrupt_state_t state = spin_lock_irqsave(&lock);
        bool is_whole = guarded[0] == guarded[1] && guarded[1] == guarded[2];
        for (unsigned j = 0; j < 3; j++)
            guarded[j]++;
        spin_unlock_irqrestore(&lock, state);
        EXPECT(is_whole);
    }
}

SELFTEST(spinlock, one_cpu_at_a_time_has_it) {
    for (unsigned j = 0; j < 3; j++)
        guarded[j] = 0;
    EXPECT(run_on_all_cpus(count_under_lock));
    EXPECT_EQUAL(guarded[0], ROUNDS * cpu_count());
}

SELFTEST(spinlock, preemption_and_interrupts_are_off_while_it_is_held) {
    spin_lock(&outer);
    uint32_t depth = preempt_depth();
    bool is_on = interrupts_are_enabled();
    spin_unlock(&outer);
    EXPECT_EQUAL(depth, 1);
    EXPECT(is_on);
    interrupt_state_t state = spin_lock_irqsave(&lock);
    depth = preempt_depth();
    is_on = interrupts_are_enabled();
    spin_unlock_irqrestore(&lock, state);
    EXPECT_EQUAL(depth, 1);
    EXPECT(!is_on);
    EXPECT(interrupts_are_enabled());
    EXPECT_EQUAL(preempt_depth(), 0);
}

/* The two ways of holding one lock inside another. */
static void nest(void* unused) {
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++) {
        spin_lock(&outer);
        spin_lock_inner(&inner);
        uint32_t before = guarded[0]++;
        if (i % 2) {
            spin_unlock_inner(&outer);
            guarded[1] = before + 1;
            spin_unlock(&inner);
        } else {
            guarded[1] = before + 1;
            spin_unlock_inner(&inner);
            spin_unlock(&outer);
        }
    }
}

SELFTEST(spinlock, an_inner_lock_may_be_given_back_last_or_first) {
    guarded[0] = guarded[1] = 0;
    EXPECT(run_on_all_cpus(nest));
    EXPECT_EQUAL(guarded[0], ROUNDS * cpu_count());
    EXPECT_EQUAL(guarded[1], guarded[0]);
    EXPECT_EQUAL(preempt_depth(), 0);
}
