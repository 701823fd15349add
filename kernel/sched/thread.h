/* Threads: what the scheduler runs. User threads are kernel threads that leave for user mode.
 *
 * A thread is reference counted; the running of it holds one reference, which the CPU drops after
 * it has switched away for the last time. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <arch/context.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <sched/timer.h>

/* A larger number is more urgent. Programs may use 0 to THREAD_PRIORITY_USER_MAX; the idle thread
 * runs below all, and the kernel's own cleaning above all programs. */
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
    THREAD_BLOCKED, /* until who claimed it has queued it, or it runs as a successor */
    THREAD_MOVING,  /* on its way to another CPU's run queue */
    THREAD_DEAD,    /* will never run again */
};

/* What a thread has to do with parking. Whoever takes it out of the last two, by one atomic step,
 * has claimed it: it will not run until that one has it queued. */
enum park_state {
    PARK_NONE,
    PARK_TOKEN,    /* the next park takes it and goes on */
    PARK_WAITING,  /* blocks; a kill must not end that */
    PARK_KILLABLE, /* blocks */
};

/* What a thread that is in a run queue does there. */
enum queued_as {
    QUEUED_FOR_A_SLICE,
    QUEUED_IN_A_SLICE,  /* it goes on in the slice of the thread that runs */
    QUEUED_AS_BOOKMARK, /* an idle thread: see sched/help.c */
};

/* In what a blocked thread waits, for those who ask what it does. Its own waits say it; others are
 * OTHER. */
enum thread_wait {
    THREAD_WAIT_OTHER,
    THREAD_WAIT_SLEEPING,
    THREAD_WAIT_FUTEX,
    THREAD_WAIT_CHANNEL,
    THREAD_WAIT_ONE,
    THREAD_WAIT_MANY,
};

/* Bits of context.pending_work, looked at on each return to user mode. */
enum {
    THREAD_PENDING_KILL = CONTEXT_PENDING_KILL,
};

struct thread {
    struct thread_context context; /* first: entry code finds it here; has `pending_work` */
    void* stack_top;
    struct aspace* aspace;   /* NULL for kernel threads; a reference held by the owner */
    void* owner;             /* kernel/object's user thread; NULL for kernel threads */
    struct process* process; /* the owner's: every system call asks for it */
    _Atomic uint32_t references;
    /* Guarded by the run queue lock of the CPU the thread belongs to. */
    enum thread_state state;
    struct sched_cpu* sched; /* the CPU it belongs to */
    uint32_t affinity;       /* bit per CPU allowed */
    uint32_t priority;
    struct list_node run_node; /* run queue; list of the dead */
    /* Parking: see thread_park. */
    _Atomic uint32_t park; /* enum park_state */
    struct timer park_timer;
    _Atomic bool has_timed_out;
    /* Claimed, to run in this thread's place; touched by the thread and its CPU's interrupts. */
    struct thread* _Atomic successor;
    bool is_handing_over;            /* whom the thread unparks becomes its successor; its own */
    uint8_t queued_as;               /* enum queued_as */
    uint8_t wait;                    /* enum thread_wait; written by the thread */
    _Atomic bool is_cleaning_up;     /* see thread_begin_cleaning_up */
    _Atomic bool is_reaped;          /* dead, and off its stack */
    bool is_reaping;                 /* it buries others: see thread_reap */
    struct list_node all_node;       /* every thread, for the debugger */
    void (*on_exit)(struct thread*); /* runs in the thread itself, last of all; may be NULL */
    void* destroy_list; /* kernel/object: the objects this thread is about to destroy */
    char name[THREAD_NAME_SIZE];
};

/* A new thread in INITIAL state with one reference for the caller; NULL: no memory. It runs
 * entry(argument) and ends when that returns or calls thread_exit_current. */
struct thread* thread_create(const char* name, void (*entry)(void*), void* argument,
                             uint32_t priority);
void thread_start(struct thread* thread);
NORETURN void thread_exit_current(void);
void thread_reference(struct thread* thread);
void thread_release(struct thread* thread);
/* For the scheduler: the thread that the code running on this CPU becomes. */
struct thread* thread_adopt_idle(uint32_t cpu);
/* Waits until the thread is DEAD and has left its CPU; for kernel threads and tests. */
void thread_join(struct thread* thread);

/* Asks the thread to die: it leaves its wait with ZX_ERR_CANCELED, or dies on its next return to
 * user mode. Kernel threads must look at thread_is_killed themselves. Any thread, any state.
 *
 * Unless it kills itself it has THREAD_PRIORITY_SYSTEM from here on: no program keeps it from
 * dying. So code that finds itself killed must not wait in a loop that yields. */
void thread_kill(struct thread* thread);
/* The running thread, which ends, has to clean up, which may take long: after its process, or after
 * a call. Killed or not, it is no more urgent than the most urgent programs from here on, and takes
 * turns with them. */
void thread_begin_cleaning_up(void);
static inline bool thread_is_killed(const struct thread* thread) {
    return atomic_load_explicit(&thread->context.pending_work, memory_order_relaxed) &
           THREAD_PENDING_KILL;
}

/* Parking: the one way to block. Each thread has one token.
 *
 * thread_park waits until the token is there, takes it and answers OK; or TIMED_OUT at `deadline`;
 * or CANCELED when the thread is killed. thread_unpark leaves the token and wakes the thread. A
 * token left before the park is not lost. Spurious tokens from an earlier wait are possible: a
 * waiter always re-checks its condition in a loop. The unparker must know that the thread is alive
 * (normally because its node is still linked under a lock), and has preemption off (the same lock).
 * No lock may be held by thread_park, and interrupts are on. */
MUST_CHECK zx_status_t thread_park(zx_time_t deadline);
/* The same without deadline, for waits that a kill must not end. */
void thread_park_uninterruptible(void);
void thread_unpark(struct thread* thread);

/* Handing the CPU over, for two threads of which one waits for the other. Both are left alone by
 * threads of the same priority until their common slice is over.
 *
 * Between _begin and _end the first thread that the caller unparks does not queue: it runs in the
 * caller's place as soon as the caller blocks, on this CPU (if it may run here and is no less
 * urgent). thread_unpark_at_once gives it the caller's place as soon as preemption is on. */
static inline void thread_hand_over_begin(void) {
    thread_current()->is_handing_over = true;
}
void thread_hand_over_give_up(void);
static inline void thread_hand_over_end(void) {
    struct thread* thread = thread_current();
    thread->is_handing_over = false;
    if (unlikely(atomic_load_explicit(&thread->successor, memory_order_relaxed)))
        thread_hand_over_give_up();
}
void thread_unpark_at_once(struct thread* thread);

void thread_yield(void);
MUST_CHECK zx_status_t thread_sleep_until(zx_time_t deadline); /* OK, or CANCELED when killed */
void thread_set_priority(struct thread* thread, uint32_t priority);
/* INVALID_ARGS when no online CPU is in the mask. Moves the thread if it is elsewhere. */
zx_status_t thread_set_affinity(struct thread* thread, uint32_t cpu_mask);

/* Frees what the dead threads of this CPU still hold; the scheduler does it sooner or later. */
void thread_reap_here(void);
/* For the emergency console: takes no lock. */
void thread_visit_all(void (*visit)(const struct thread* thread));
size_t thread_count(void);
