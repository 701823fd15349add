/* The processor this code runs on: interrupts, waiting, features, and per-CPU data.
 *
 * struct cpu is reached through GS in the kernel; user mode has its own GS (swapgs at the three
 * entry points). CPU numbers are dense: 0 is the boot CPU. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <lib/compiler.h>

#define CPU_MAX 32

struct thread;
struct sched_cpu;
struct page_cache;

/* The task state segment: only its stacks matter in 64-bit mode. */
struct task_state {
    uint32_t reserved0;
    uint64_t stacks[3]; /* the first: where an interrupt of user mode puts its stack */
    uint64_t reserved1;
    uint64_t interrupt_stacks[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
} __attribute__((packed));

/* Fixed offsets: entry code reads them by GS-relative address (asserted in cpu.c). */
struct cpu {
    struct cpu* self;              /* 0x00 */
    struct thread* current;        /* 0x08: the running thread */
    uint64_t kernel_stack_top;     /* 0x10: where the entry from user mode puts its stack */
    uint64_t user_stack_scratch;   /* 0x18: user rsp during the first entry instructions */
    uint32_t preempt_count;        /* 0x20: 0 means preemptible; see arch/preempt.h */
    uint32_t number;               /* 0x24 */
    uint64_t stack_guard;          /* 0x28: gcc's stack protector reads it at a fixed offset */
    uint32_t apic_id;              /* 0x30 */
    uint32_t interrupt_depth;      /* 0x34: > 0 inside an interrupt handler */
    uint32_t mask;                 /* bit `number` */
    struct aspace* active_aspace;  /* its page tables are loaded; NULL: the kernel's own */
    struct page_cache* page_cache; /* mm: per-CPU free pages */
    struct sched_cpu* sched;       /* sched: run queue, timers, idle thread */
    uint64_t statistics_interrupts;
    uint64_t statistics_ipis;
    struct task_state task_state; /* arch only, as the next one */
    uint64_t gdt[8];
} __attribute__((aligned(CACHE_LINE_SIZE)));

extern struct cpu all_cpus[CPU_MAX]; /* by number */

/* Returns the structure of the CPU that runs this code; the result stays right while preemption is
 * off. The assembly is volatile, because a switch may move the thread to another CPU. So the
 * compiler must not reuse the result of an earlier call. */
static inline struct cpu* this_cpu(void) {
    struct cpu* cpu;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}
/* Returns the number of this CPU as an index: all of the register is written. */
static inline size_t cpu_index(void) {
    size_t index;
    __asm__ volatile("movl %%gs:0x24, %k0" : "=r"(index));
    return index;
}
static inline uint32_t cpu_number(void) {
    return (uint32_t)cpu_index();
}
/* Returns the running thread. The assembly is not volatile: to the code that runs, the result is
 * always the same thread, so the compiler may reuse it. */
static inline struct thread* thread_current(void) {
    struct thread* thread;
    __asm__("mov %%gs:0x8, %0" : "=r"(thread));
    return thread;
}

static inline void cpu_preempt_count_increment(void) {
    __asm__ volatile("incl %%gs:0x20" ::: "memory", "cc");
}
/* Returns true when the counter became 0: the thread may be preempted, and a reschedule is wanted.
 */
static inline bool cpu_preempt_count_decrement_is_zero(void) {
    bool is_zero;
    __asm__ volatile("decl %%gs:0x20" : "=@ccz"(is_zero)::"memory");
    return is_zero;
}

extern _Atomic uint32_t cpus_online; /* how many; only cpu.c writes it */

/* Returns how many CPUs are online. Their numbers begin at 0. */
static inline uint32_t cpu_count(void) {
    return atomic_load_explicit(&cpus_online, memory_order_relaxed);
}
/* Returns the CPUs online: one bit for each. */
static inline uint32_t cpu_online_mask(void) {
    return (uint32_t)((1ul << cpu_count()) - 1);
}
static inline struct cpu* cpu_by_number(uint32_t number) {
    return &all_cpus[number];
}

/* Interrupts. The saved state is opaque: pass it to interrupts_restore. */
typedef uint64_t interrupt_state_t;
#define FLAGS_INTERRUPTS_ON 0x200
static inline interrupt_state_t interrupts_save_and_disable(void) {
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    return flags;
}
static inline void interrupts_restore(interrupt_state_t state) {
    if (state & FLAGS_INTERRUPTS_ON)
        __asm__ volatile("sti" ::: "memory");
}
static inline bool interrupts_are_enabled(void) {
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return flags & FLAGS_INTERRUPTS_ON;
}
static inline void interrupts_enable(void) {
    __asm__ volatile("sti" ::: "memory");
}
static inline void interrupts_disable(void) {
    __asm__ volatile("cli" ::: "memory");
}

/* For spin loops. */
static inline void cpu_relax(void) {
    __builtin_ia32_pause();
}
/* Enables interrupts and halts until one arrives. An interrupt cannot slip in between the two: STI
 * takes effect after the next instruction. */
static inline void cpu_wait_for_interrupt(void) {
    __asm__ volatile("sti; hlt" ::: "memory");
}
/* Halts this CPU with interrupts off. Never returns. */
NORETURN void cpu_stop(void);
/* Resets the machine through an exception that cannot be delivered. */
void cpu_triple_fault(void);
/* Stops every other CPU (NMI); for panic. */
void cpu_stop_others(void);

/* Returns a number that an outsider cannot guess. It mixes RDRAND, if the CPU has that, with the
 * time stamp. */
uint64_t cpu_random(void);

struct cpu_features {
    bool has_nx, has_smep, has_smap, has_umip, has_fsgsbase, has_xsave, has_erms, has_rdrand;
    bool has_global_pages, has_1gib_pages;
};
extern struct cpu_features cpu_features;
