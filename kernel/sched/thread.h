/* Threads: what the scheduler runs. A user thread is a kernel thread that enters user mode.
 *
 * Rules for threads:
 * - A thread is reference counted. While it runs or can run again, that alone holds one reference.
 *   The reaper drops this reference after the CPU has switched away from the thread for the last
 *   time.
 * - A thread belongs to one CPU (`sched`), whose run queue lock guards its state.
 * - thread_park is the one way to block. It may not be called with a lock held.
 * - A waiter checks its condition again after each park: a token may be left from an earlier wait.
 * - A caller of thread_unpark, thread_kill or the like must make sure that the thread still exists.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/types.h>
#include <arch/context.h>
#include <lib/compiler.h>
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

/* What a thread has to do with parking. To claim a thread is to change this from WAITING or
 * KILLABLE to one of the others, in one atomic step. Only one CPU can succeed. The thread does not
 * run again until its claimer has queued it. */
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
    /* first: the entry code finds it here; contains `pending_work` */
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
    struct list_node run_node; /* in a run queue, or in the list of dead threads */
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
    _Atomic bool is_cleaning_up;     /* see thread_begin_cleaning_up */
    _Atomic bool is_reaped;          /* it is dead and its CPU has left its stack */
    bool is_reaping;                 /* it is burying dead threads: see thread_reap */
    struct list_node all_node;       /* in the list of all threads, for the debugger */
    void (*on_exit)(struct thread*); /* runs in the thread itself, last of all; may be NULL */
    /* struct destroy_list: the objects that this thread is about to destroy; NULL: none */
    void* destroy_list;
    char name[THREAD_NAME_SIZE];
};

/* Returns a new thread in state INITIAL, with one reference for the caller; NULL: no memory. It
 * will run entry(argument), and ends when that returns or calls thread_exit_current. */
struct thread* thread_create(const char* name, void (*entry)(void*), void* argument,
                             uint32_t priority);
void thread_start(struct thread* thread);
NORETURN void thread_exit_current(void);
void thread_reference(struct thread* thread);
void thread_release(struct thread* thread);
/* For the scheduler: returns the idle thread of `cpu`, which the running code becomes. */
struct thread* thread_adopt_idle(uint32_t cpu);
/* Waits until the thread is DEAD and its CPU has left its stack. For kernel threads and tests. */
void thread_join(struct thread* thread);

/* Asks the thread to die: its wait ends with ZX_ERR_CANCELED, or it dies on its next return to user
 * mode. Kernel threads must look at thread_is_killed themselves. Any thread, in any state.
 *
 * A thread that was killed by another one gets THREAD_PRIORITY_SYSTEM, so no program can keep it
 * from dying. Therefore code that finds itself killed must not wait in a loop that yields. */
void thread_kill(struct thread* thread);
/* The running thread is ending and has to clean up, which may take long. From here on it is no more
 * urgent than the most urgent programs, and takes turns with them, killed or not. */
void thread_begin_cleaning_up(void);
static inline bool thread_is_killed(const struct thread* thread) {
    return atomic_load_explicit(&thread->context.pending_work, memory_order_relaxed) &
           THREAD_PENDING_KILL;
}

/* Parking: the one way to block. Each thread has one token.
 *
 * thread_park waits for the token, takes it and returns OK. It returns TIMED_OUT at `deadline`, and
 * CANCELED when the thread is killed. thread_unpark leaves the token and wakes the thread. A token
 * that was left before the park is not lost.
 *
 * A token may be left over from an earlier wait, so a waiter checks its condition in a loop. The
 * caller of thread_unpark must know that the thread is alive. Normally it knows because the
 * waiter's node is still linked, under a lock. Preemption is off, by the same lock. thread_park is
 * called with interrupts on and no lock held. */
MUST_CHECK zx_status_t thread_park(zx_time_t deadline);
/* The same without a deadline, for waits that a kill must not end. */
void thread_park_uninterruptible(void);
void thread_unpark(struct thread* thread);

/* Handing the CPU over: for two threads of which one waits for the other. The two share one slice:
 * until it is over, other threads of the same priority do not run between them.
 *
 * Between _begin and _end the first thread that the caller unparks is not queued. It runs in the
 * caller's place as soon as the caller blocks, on this CPU. (It must be allowed to run here, and be
 * no less urgent.) thread_unpark_at_once gives it the caller's place as soon as preemption is on.
 */
static inline void thread_hand_over_begin(void) {
    thread_current()->is_handing_over = true;
}
/* The caller did not block: queues its successor as usual. */
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
/* Moves the thread if its CPU is not in the mask. INVALID_ARGS: no online CPU is in the mask. */
zx_status_t thread_set_affinity(struct thread* thread, uint32_t cpu_mask);

/* Buries the dead threads of this CPU now; the scheduler would do it sooner or later. */
void thread_reap_here(void);
/* For the emergency console: walks without a lock. */
void thread_visit_all(void (*visit)(const struct thread* thread));
size_t thread_count(void);
