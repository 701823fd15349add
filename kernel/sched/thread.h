/* Threads: what the scheduler runs. A user thread is a kernel thread that enters user mode.
 *
 * Rules for threads:
 * - A thread is reference counted. A thread holds one reference to itself while it runs or can run
 *   again. The cleaner drops this reference after the CPU has switched away from the thread for the
 *   last time.
 * - A thread belongs to one CPU (`sched`), whose run queue lock guards its state.
 * - thread_park is the one way to block. It may not be called with a lock held.
 * - A waiter checks its condition again after each park: a token may be left from an earlier wait.
 * - A caller of thread_unpark, thread_kill or the like must make sure that the thread still
 *   exists. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <lib/compiler.h>
#include <sched/thread_state.h>

/* Returns a new thread in state INITIAL, with one reference for the caller; NULL: no memory. It
 * will run entry(argument), and ends when that returns or calls thread_exit_current. No lock
 * held: it may bury dead threads. */
struct thread* thread_create(const char* name, void (*entry)(void*), void* argument,
                             uint32_t priority);
void thread_start(struct thread* thread);
NORETURN void thread_exit_current(void);
void thread_reference(struct thread* thread);
void thread_release(struct thread* thread);
/* Called on each CPU before it starts threads: the running code becomes the CPU's idle thread. */
void thread_init_cpu(void);
/* Waits until the thread is dead and buried. For kernel threads and tests. */
void thread_join(struct thread* thread);

/* Asks the thread to die: its wait ends with ZX_ERR_CANCELED, or it dies on its next return to user
 * mode. Kernel threads must check thread_is_killed themselves. The thread may be in any state.
 *
 * A thread that was killed by another one gets THREAD_PRIORITY_SYSTEM, so no program can keep it
 * from dying. So a killed thread must not wait in a loop that yields, and should leave long work to
 * the cleaner. */
void thread_kill(struct thread* thread);
void thread_set_priority(struct thread* thread, uint32_t priority);
/* Sets the CPUs that may run the thread, and moves the thread if its CPU is not in the mask.
 * INVALID_ARGS: no online CPU is in the mask. */
zx_status_t thread_set_affinity(struct thread* thread, uint32_t cpu_mask);

/* Buries some of the dead threads, for a caller that finds no memory. Returns their number; 0:
 * there are none. No lock held. */
unsigned thread_bury_some(void);
/* Waits until all threads that are dead now are buried. Returns earlier if the caller is killed. No
 * lock held. */
void thread_bury_all(void);
/* Calls `visit` for all threads, without a lock. For the emergency console. */
void thread_visit_all(void (*visit)(const struct thread* thread));
size_t thread_count(void);
