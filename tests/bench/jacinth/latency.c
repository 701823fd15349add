/* How long several CPUs take to reach each other: jacinth.turns replays them (docs/performance.md).
 * This thread runs on the first CPU, the other one on the second; what else there is of CPUs is
 * idle, or spins. One CPU runs at a time, until it halts or executes `pause`. So a thread that
 * waits for another CPU executes `pause`. Where this thread blocks, a spinner that is less urgent
 * keeps its CPU from becoming idle: the last idle CPU would not halt in this mode, but spin. */
#include "../bench.h"
#include "process.h"

#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/threads.h>

#define CPU_COUNT_MAX 32
#define PAGE_SIZE 4096u
#define TURNS_UNTIL_BLOCKED 8
#define ANY_PRIORITY 16
#define LESS_URGENT 8
#define MORE_URGENT 24

static void end_turn(void) {
    __asm__ volatile("pause" ::: "memory");
}

static void pin(zx_handle_t thread, unsigned cpu) {
    MUST(zx_thread_set_affinity(thread, 1u << cpu));
}

/* Gives the other thread the turns to go and block. */
static void let_block(void) {
    for (unsigned i = 0; i < TURNS_UNTIL_BLOCKED; i++)
        end_turn();
}

static void thread_start(thrd_t* thread, unsigned cpu, uint32_t priority, thrd_start_t function) {
    MUST(thrd_create(thread, function, NULL));
    MUST(zx_thread_set_priority(thrd_get_zx_handle(*thread), priority));
    pin(thrd_get_zx_handle(*thread), cpu);
    let_block();
}

/* --- spinners --------------------------------------------------------------------------------- */

static atomic_bool is_over;
static atomic_uint spinning;
static thrd_t spinners[CPU_COUNT_MAX];

static int spin(void* unused) {
    (void)unused;
    atomic_fetch_add(&spinning, 1);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        end_turn();
    return 0;
}

/* One on each CPU from `first` to `end`, and this thread on the first CPU. */
static void spinners_start(unsigned first, unsigned end, uint32_t priority) {
    pin(zx_thread_self(), 0);
    atomic_store(&is_over, false);
    atomic_store(&spinning, 0);
    for (unsigned cpu = first; cpu < end; cpu++)
        thread_start(&spinners[cpu], cpu, priority, spin);
    while (first > 0 && atomic_load(&spinning) < end - first)
        end_turn();
}

static void spinners_join(unsigned first, unsigned end) {
    atomic_store(&is_over, true);
    for (unsigned cpu = first; cpu < end; cpu++)
        thrd_join(spinners[cpu], NULL);
}

/* --- a thread that waits, and is woken -------------------------------------------------------- */

static struct {
    zx_handle_t event;
    atomic_uint sent, seen; /* numbers of signals, from 1 on; `sent` is 0 at the end */
} wake;

/* After each wake-up it spins until the next signal is announced, and then waits for it. */
static int wait_for_signals(void* unused) {
    (void)unused;
    for (unsigned number = 1; number != 0; number = atomic_load(&wake.sent)) {
        zx_object_wait_one(wake.event, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, NULL);
        atomic_store(&wake.seen, number);
        while (atomic_load(&wake.sent) == number)
            end_turn();
    }
    return 0;
}

static void signal_until_seen(struct bench* bench, unsigned number) {
    TRY(bench, zx_object_signal(wake.event, 0, ZX_USER_SIGNAL_0));
    while (atomic_load(&wake.seen) != number)
        end_turn();
}

/* From the call that sets the signal to the waiting thread's first step in user mode. */
static void measure_wake(struct bench* bench, unsigned spinners_end) {
    thrd_t waiter;
    unsigned number = 1;
    atomic_store(&wake.sent, number);
    MUST(zx_event_create(0, &wake.event));
    spinners_start(1, spinners_end, ANY_PRIORITY);
    thread_start(&waiter, 1, MORE_URGENT, wait_for_signals);
    while (bench_has_round(bench)) {
        let_block();
        bench_start(bench);
        signal_until_seen(bench, number);
        bench_stop(bench);
        MUST(zx_object_signal(wake.event, ZX_USER_SIGNAL_0, 0));
        atomic_store(&wake.sent, ++number);
    }
    atomic_store(&wake.sent, 0);
    MUST(zx_object_signal(wake.event, 0, ZX_USER_SIGNAL_0));
    thrd_join(waiter, NULL);
    spinners_join(1, spinners_end);
    zx_handle_close(wake.event);
}

/* The other CPUs halt. */
LATENCY(wake_idle_cpu) {
    measure_wake(bench, 1);
}

/* On each other CPU a less urgent thread spins. */
LATENCY(wake_busy_cpu) {
    measure_wake(bench, bench->amount);
}

/* --- a request and its reply ------------------------------------------------------------------ */

static zx_handle_t ours, theirs;

static int echo(void* unused) {
    (void)unused;
    serve_echo(theirs);
    return 0;
}

LATENCY(call_other_cpu) {
    thrd_t server;
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    zx_channel_call_args_t arguments = echo_arguments(bytes);
    MUST(zx_channel_create(0, &ours, &theirs));
    spinners_start(0, 1, LESS_URGENT);
    thread_start(&server, 1, ANY_PRIORITY, echo);
    while (bench_has_round(bench)) {
        let_block();
        bench_start(bench);
        TRY(bench, zx_channel_call(ours, 0, ZX_TIME_INFINITE, &arguments, &size, &handles));
        bench_stop(bench);
    }
    zx_handle_close(ours);
    thrd_join(server, NULL);
    zx_handle_close(theirs);
    spinners_join(0, 1);
}

/* --- what all CPUs have to hear of ------------------------------------------------------------ */

/* Every other CPU runs a thread of this process. */
LATENCY(unmap_page) {
    zx_handle_t vmo, root = zx_vmar_root_self();
    zx_vaddr_t address;
    MUST(zx_vmo_create(PAGE_SIZE, 0, &vmo));
    spinners_start(1, bench->amount, ANY_PRIORITY);
    while (bench_has_round(bench)) {
        MUST(zx_vmar_map(root, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, PAGE_SIZE, &address));
        *(volatile char*)address = 1;
        end_turn();
        bench_start(bench);
        TRY(bench, zx_vmar_unmap(root, address, PAGE_SIZE));
        bench_stop(bench);
    }
    spinners_join(1, bench->amount);
    zx_handle_close(vmo);
}

/* --- the end of a thread ---------------------------------------------------------------------- */

/* It spins in user mode. From the kill to the killer, which waits for its end. No CPU is idle: an
 * idle one buries the dead thread at once, in some of the rounds before the killer goes on. */
LATENCY(kill_running_thread) {
    spinners_start(0, bench->amount, LESS_URGENT);
    while (bench_has_round(bench)) {
        thrd_t victim;
        thread_start(&victim, 1, ANY_PRIORITY, spin);
        zx_handle_t handle = thrd_get_zx_handle(victim);
        bench_start(bench);
        TRY(bench, zx_task_kill(handle));
        TRY(bench, zx_object_wait_one(handle, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL));
        bench_stop(bench);
        thrd_join(victim, NULL);
    }
    spinners_join(0, bench->amount);
}
