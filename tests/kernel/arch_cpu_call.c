/* Per-CPU data, and calls from one CPU to others. */
#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/preempt.h>
#include <arch/upcalls.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "selftest.h"

#define EVERY_CPU UINT32_MAX

static _Atomic uint32_t calls[CPU_MAX]; /* how often each CPU was called */
static _Atomic uint32_t faults;

static void note_call(void* argument) {
    uint32_t expected = 0xcafe;
    if (*(uint32_t*)argument != expected || interrupts_are_enabled())
        atomic_fetch_add(&faults, 1);
    atomic_fetch_add(&calls[cpu_number()], 1);
}

static void forget_calls(void) {
    atomic_store(&faults, 0);
    for (uint32_t i = 0; i < CPU_MAX; i++)
        atomic_store(&calls[i], 0);
}

SELFTEST(cpu_call, each_named_cpu_but_the_own_runs_it_before_the_call_returns) {
    uint32_t word = 0xcafe;
    for (uint32_t mask = 0; mask < 1u << cpu_count(); mask++) {
        forget_calls();
        preempt_disable();
        uint32_t here = cpu_number();
        ipi_call(mask, note_call, &word);
        for (uint32_t i = 0; i < CPU_MAX; i++) {
            uint32_t seen = atomic_load(&calls[i]);
            if (seen != (i < cpu_count() && i != here && mask >> i & 1))
                selftest_fail(__FILE__, __LINE__, "mask 0x%x: CPU %u called %u times", mask, i,
                              seen);
        }
        preempt_enable();
        EXPECT(!selftest_has_failed());
        EXPECT_EQUAL(atomic_load(&faults), 0);
    }
}

SELFTEST(cpu_call, cpus_that_are_not_there_are_not_waited_for) {
    uint32_t word = 0xcafe;
    forget_calls();
    ipi_call(EVERY_CPU, note_call, &word);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < CPU_MAX; i++)
        sum += atomic_load(&calls[i]);
    EXPECT_EQUAL(sum, cpu_count() - 1);
}

#define ROUNDS 100u

/* Every CPU calls all others, at the same time: no CPU may wait for a CPU that waits for it. */
static void call_all(void* unused) {
    uint32_t word = 0xcafe;
    (void)unused;
    for (unsigned i = 0; i < ROUNDS; i++)
        ipi_call(EVERY_CPU, note_call, &word);
}

SELFTEST(cpu_call, all_cpus_call_each_other_at_once) {
    forget_calls();
    EXPECT(run_on_all_cpus(call_all));
    for (uint32_t i = 0; i < cpu_count(); i++)
        EXPECT_EQUAL(atomic_load(&calls[i]), ROUNDS * (cpu_count() - 1));
    EXPECT_EQUAL(atomic_load(&faults), 0);
}

/* --- per-CPU data ----------------------------------------------------------------------------- */

static struct cpu* seen[CPU_MAX];
static struct thread* threads_seen[CPU_MAX];

static void look_at_cpu(void* number) {
    uint32_t expected = (uint32_t)(uintptr_t)number;
    preempt_disable();
    uint32_t here = cpu_number(), depth = preempt_depth();
    struct cpu* cpu = this_cpu();
    preempt_disable();
    uint32_t inner_depth = preempt_depth();
    preempt_enable();
    preempt_enable();
    EXPECT_EQUAL(here, expected);
    EXPECT_EQUAL(depth, 1);
    EXPECT_EQUAL(inner_depth, 2);
    EXPECT_EQUAL(cpu->number, expected);
    EXPECT(cpu->self == cpu);
    seen[expected] = cpu;
    threads_seen[expected] = thread_current();
}

SELFTEST(per_cpu, each_cpu_has_its_own) {
    EXPECT(run_on_all_cpus(look_at_cpu));
    for (uint32_t i = 0; i < cpu_count(); i++) {
        EXPECT(cpu_by_number(i) == seen[i]);
        for (uint32_t j = 0; j < i; j++) {
            EXPECT(seen[i] != seen[j]);
            EXPECT(threads_seen[i] != threads_seen[j]);
        }
    }
}

SELFTEST(per_cpu, interrupts_go_off_and_come_back_as_they_were) {
    EXPECT(interrupts_are_enabled());
    interrupt_state_t outer = interrupts_save_and_disable();
    bool is_off = !interrupts_are_enabled();
    interrupt_state_t inner = interrupts_save_and_disable();
    interrupts_restore(inner);
    bool is_still_off = !interrupts_are_enabled();
    interrupts_restore(outer);
    EXPECT(is_off && is_still_off);
    EXPECT(interrupts_are_enabled());
}
