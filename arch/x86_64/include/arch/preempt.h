/* Preemption of the running thread.
 *
 * The per-CPU counter is 0 when the thread may be preempted. Its top bit is inverted: it is CLEAR
 * when a reschedule is wanted, so that "count reached zero and a reschedule is wanted" is one
 * decrement and one branch. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <arch/cpu.h>
#include <arch/keeping_call.h>
#include <arch/upcalls.h>

#define PREEMPT_NOT_WANTED 0x80000000u

static inline void preempt_disable(void) {
    cpu_preempt_count_increment();
}

static inline void preempt_enable(void) {
    if (unlikely(cpu_preempt_count_decrement_is_zero()))
        CALL_KEEPING(preempt_reschedule);
}

/* The same, for a place where a reschedule is likely. An ordinary call saves fewer registers. */
static inline void preempt_enable_and_switch(void) {
    if (cpu_preempt_count_decrement_is_zero())
        preempt_reschedule();
}

static inline uint32_t preempt_depth(void) {
    return this_cpu()->preempt_count & ~PREEMPT_NOT_WANTED;
}
