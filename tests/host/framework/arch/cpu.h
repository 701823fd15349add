/* The processor as the kernel's code sees it on the build machine: each thread of a test is a CPU
 * of its own that never gets an interrupt. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

#define CPU_MAX 32

struct thread;
struct sched_cpu;

struct cpu {
    struct thread* current;
    uint32_t number;
    uint32_t preempt_count;
    uint32_t interrupt_depth;
    bool are_interrupts_off;
    struct sched_cpu* sched;
};

extern _Thread_local struct cpu host_cpu;

static inline struct cpu* this_cpu(void) {
    return &host_cpu;
}
static inline uint32_t cpu_number(void) {
    return host_cpu.number;
}

static inline size_t cpu_index(void) {
    return cpu_number();
}
static inline struct thread* thread_current(void) {
    return host_cpu.current;
}
static inline void cpu_preempt_count_increment(void) {
    host_cpu.preempt_count++;
}
static inline bool cpu_preempt_count_decrement_is_zero(void) {
    return --host_cpu.preempt_count == 0;
}

uint32_t cpu_count(void);
struct cpu* cpu_by_number(uint32_t number);
uint64_t cpu_random(void);

typedef uint64_t interrupt_state_t;
static inline interrupt_state_t interrupts_save_and_disable(void) {
    interrupt_state_t state = host_cpu.are_interrupts_off;
    host_cpu.are_interrupts_off = true;
    return state;
}
static inline void interrupts_restore(interrupt_state_t state) {
    host_cpu.are_interrupts_off = state;
}
static inline bool interrupts_are_enabled(void) {
    return !host_cpu.are_interrupts_off;
}

/* Others hold what is waited for. */
void cpu_relax(void);
