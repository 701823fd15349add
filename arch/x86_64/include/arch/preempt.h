/* Preemption of the running thread.
 *
 * The per-CPU counter is 0 when the thread may be preempted. Its top bit is inverted: it is CLEAR
 * when a reschedule is wanted, so that "count reached zero and a reschedule is wanted" is one
 * decrement and one branch. */
#pragma once

#include <stdint.h>

#include <arch/cpu.h>
#include <arch/upcalls.h>

#define PREEMPT_NOT_WANTED 0x80000000u

static inline void preempt_disable(void) {
    cpu_preempt_count_increment();
}

static inline void preempt_enable(void) {
    if (unlikely(cpu_preempt_count_decrement_is_zero()))
        preempt_reschedule();
}

/* preempt_enable for a place where a reschedule is likely. */
static inline void preempt_enable_and_switch(void) {
    if (cpu_preempt_count_decrement_is_zero())
        preempt_reschedule();
}

/* preempt_enable as the last step of a function that returns `value`. A call at the end need not
 * keep the value in a register, which would cost the function 5 to 10 instructions. */
static inline int64_t preempt_enable_and_return(int64_t value) {
    return unlikely(cpu_preempt_count_decrement_is_zero()) ? preempt_reschedule_and_return(value)
                                                           : value;
}

static inline uint32_t preempt_depth(void) {
    return this_cpu()->preempt_count & ~PREEMPT_NOT_WANTED;
}
