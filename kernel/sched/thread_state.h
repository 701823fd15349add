/* The structure of a thread. thread.h has the rules. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <arch/context.h>
#include <lib/list.h>
#include <sched/timer.h>

/* A larger number is more urgent. Programs may use 0 to THREAD_PRIORITY_USER_MAX. The idle thread
 * is below all of them, the kernel's own cleaning above. */
#define THREAD_PRIORITY_DEFAULT 16
#define THREAD_PRIORITY_USER_MAX 31
#define THREAD_PRIORITY_SYSTEM 32
#define THREAD_PRIORITY_COUNT 33
#define THREAD_NAME_SIZE 32

struct aspace;
struct process;
struct sched_cpu;

enum thread_state {
    THREAD_INITIAL, /* made, never started */
    THREAD_READY,   /* in a run queue */
    THREAD_RUNNING,
    THREAD_BLOCKED, /* until its claimer has queued it, or it runs as a successor */
    THREAD_MOVING,  /* on its way to another CPU's run queue; in no queue */
    THREAD_DEAD,    /* will never run again */
};

/* The parking state of a thread. To claim a thread is to change this from WAITING or KILLABLE to
 * another state, in one atomic step. Only one CPU can succeed. The thread does not run again until
 * its claimer has queued it. */
enum park_state {
    PARK_NONE,
    PARK_TOKEN,    /* the next park takes the token and returns at once */
    PARK_WAITING,  /* blocked; a kill does not end the wait */
    PARK_KILLABLE, /* blocked; a kill ends the wait */
};

/* Why a thread is in a run queue. */
enum queued_as {
    QUEUED_FOR_A_SLICE,
    QUEUED_IN_A_SLICE,  /* it shares the slice of the running thread */
    QUEUED_AS_BOOKMARK, /* an idle thread, which marks a place: see sched/help.c */
};

/* The kind of wait that a blocked thread is in, as zx_object_get_info shows it. */
enum thread_wait {
    THREAD_WAIT_OTHER,
    THREAD_WAIT_SLEEPING,
    THREAD_WAIT_FUTEX,
    THREAD_WAIT_CHANNEL,
    THREAD_WAIT_ONE,
    THREAD_WAIT_MANY,
};

/* Bits of context.pending_work. Each return to user mode looks at them. */
enum {
    THREAD_PENDING_KILL = CONTEXT_PENDING_KILL,
};

struct thread {
    /* the first member, where the entry code finds it; contains `pending_work` */
    struct thread_context context;
    void* stack_top;
    struct aspace* aspace;   /* NULL for kernel threads; the owner holds the reference */
    void* owner;             /* the struct user_thread; NULL for kernel threads */
    struct process* process; /* the owner's process: every system call needs it */
    _Atomic uint32_t references;
    /* Guarded by the run queue lock of the CPU the thread belongs to. */
    enum thread_state state;
    struct sched_cpu* sched; /* the CPU it belongs to */
    uint32_t affinity;       /* one bit for each CPU that may run it */
    uint32_t priority;
    union {
        struct list_node run_node; /* in a run queue */
        struct thread* next_dead;  /* in the list of dead threads */
    };
    /* Parking: see thread_park. */
    _Atomic uint32_t park; /* enum park_state */
    struct timer park_timer;
    _Atomic bool has_timed_out;
    /* A claimed thread that will run in this thread's place. Written by the thread and by
     * interrupts on its CPU. */
    struct thread* _Atomic successor;
    bool is_handing_over;            /* the next thread that it unparks becomes its successor */
    uint8_t queued_as;               /* enum queued_as */
    uint8_t wait;                    /* enum thread_wait; written by the thread */
    _Atomic bool is_buried;          /* it is dead, and its stack is freed */
    struct list_node all_node;       /* in the list of all threads, for the debugger */
    void (*on_exit)(struct thread*); /* the last code that runs in the thread; may be NULL */
    /* struct destroy_list: the objects that this thread is about to destroy; NULL: none */
    void* destroy_list;
    char name[THREAD_NAME_SIZE];
};

static inline bool thread_is_killed(const struct thread* thread) {
    return atomic_load_explicit(&thread->context.pending_work, memory_order_relaxed) &
           THREAD_PENDING_KILL;
}
