/* Threads, time, and what there is no need for on the build machine. */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/console.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <debug/symbols.h>
#include <lock/spinlock.h>
#include <sched/cleaner.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "../../kernel/held_cleaner.h"
#include "shim.h"

#define NANOSECONDS_PER_SECOND 1000000000l

struct shim_thread {
    struct thread thread;
    pthread_t id;
    pthread_cond_t woken; /* with `parking` */
    void (*entry)(void*);
    void* argument;
};

_Thread_local struct cpu host_cpu;

static pthread_mutex_t parking = PTHREAD_MUTEX_INITIALIZER; /* guards every thread.park */
static _Atomic uint32_t cpus_in_use;                        /* bit per number */
static struct shim_thread main_thread;

/* --- processors ------------------------------------------------------------------------------- */

static void become_cpu(struct thread* thread) {
    uint32_t used = atomic_load(&cpus_in_use), bit;
    do {
        if (used == UINT32_MAX)
            abort();
        bit = ~used & (used + 1);
    } while (!atomic_compare_exchange_weak(&cpus_in_use, &used, used | bit));
    host_cpu = (struct cpu){
        .current = thread,
        .number = (uint32_t)__builtin_ctz(bit),
        .preempt_count = PREEMPT_NOT_WANTED,
    };
}

uint32_t cpu_count(void) {
    return CPU_MAX;
}

uint64_t cpu_random(void) {
    static _Thread_local uint64_t state = 88172645463325252u;
    return state = state * 6364136223846793005u + 1442695040888963407u;
}

void cpu_relax(void) {
    sched_yield();
}

void preempt_reschedule(void) {
    abort(); /* nobody ever wants that here */
}

/* --- time ------------------------------------------------------------------------------------- */

zx_time_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

/* --- threads ---------------------------------------------------------------------------------- */

static struct shim_thread* shim_of(struct thread* thread) {
    return CONTAINER_OF(thread, struct shim_thread, thread);
}

static void init(struct shim_thread* shim) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&shim->woken, &attributes);
    shim->thread.references = 1;
}

void shim_init(void) {
    init(&main_thread);
    become_cpu(&main_thread.thread);
}

struct thread* thread_create(const char* name, void (*entry)(void*), void* argument,
                             uint32_t priority) {
    (void)name, (void)priority;
    struct shim_thread* shim = calloc(1, sizeof(*shim));
    if (!shim)
        abort();
    init(shim);
    shim->entry = entry;
    shim->argument = argument;
    return &shim->thread;
}

static void* run(void* argument) {
    struct shim_thread* shim = argument;
    become_cpu(&shim->thread);
    shim->entry(shim->argument);
    if (preempt_depth() != 0)
        panic("a thread ends with a lock held");
    atomic_fetch_and(&cpus_in_use, ~(1u << cpu_number()));
    return NULL;
}

void thread_start(struct thread* thread) {
    if (pthread_create(&shim_of(thread)->id, NULL, run, thread) != 0)
        abort();
}

void thread_join(struct thread* thread) {
    pthread_join(shim_of(thread)->id, NULL);
}

void thread_release(struct thread* thread) {
    if (atomic_fetch_sub(&thread->references, 1) == 1)
        free(shim_of(thread));
}

/* The build machine's threads have no priorities. */
void thread_set_priority(struct thread* thread, uint32_t priority) {
    (void)thread, (void)priority;
}

void thread_yield(void) {
    sched_yield();
}

static bool has_passed(zx_time_t deadline) {
    return deadline != ZX_TIME_INFINITE && clock_now() >= deadline;
}

zx_status_t thread_park(zx_time_t deadline) {
    struct thread* thread = thread_current();
    struct timespec until = {deadline / NANOSECONDS_PER_SECOND, deadline % NANOSECONDS_PER_SECOND};
    lock_order_assert_none_held();
    pthread_mutex_lock(&parking);
    while (thread->park != PARK_TOKEN && !thread_is_killed(thread) && !has_passed(deadline)) {
        if (deadline == ZX_TIME_INFINITE)
            pthread_cond_wait(&shim_of(thread)->woken, &parking);
        else
            pthread_cond_timedwait(&shim_of(thread)->woken, &parking, &until);
    }
    zx_status_t status = thread->park == PARK_TOKEN ? ZX_OK
                         : thread_is_killed(thread) ? ZX_ERR_CANCELED
                                                    : ZX_ERR_TIMED_OUT;
    thread->park = PARK_NONE;
    pthread_mutex_unlock(&parking);
    return status;
}

zx_status_t thread_sleep_until(zx_time_t deadline) {
    zx_status_t status;
    while ((status = thread_park(deadline)) == ZX_OK)
        ;
    return status == ZX_ERR_TIMED_OUT ? ZX_OK : status;
}

static void wake(struct thread* thread) {
    pthread_cond_signal(&shim_of(thread)->woken);
    pthread_mutex_unlock(&parking);
}

void thread_unpark(struct thread* thread) {
    pthread_mutex_lock(&parking);
    thread->park = PARK_TOKEN;
    wake(thread);
}

/* Here it is unknown which thread runs on which CPU. */
void thread_unpark_at_once(struct thread* thread) {
    thread_unpark(thread);
}

void thread_hand_over_give_up(void) {
    panic("there is no successor");
}

void thread_kill(struct thread* thread) {
    pthread_mutex_lock(&parking);
    atomic_fetch_or(&thread->context.pending_work, THREAD_PENDING_KILL);
    wake(thread);
}

/* --- the console ------------------------------------------------------------------------------ */

static void print(const char* format, va_list arguments) {
    vfprintf(stderr, format, arguments);
}

void panic(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

void boot_fail(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
    abort();
}

void console_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
}

void log_write(enum log_level level, const char* format, ...) {
    (void)level, (void)format;
}

void console_break_lock(void) {
}

void symbol_print(uintptr_t address) {
    fprintf(stderr, "  %#lx\n", address);
}

/* --- the cleaner: what is requested is done when somebody waits for it ------------------------ */

void cleaner_request(struct cleaning* cleaning) {
    atomic_store(&cleaning->is_requested, true);
}

zx_status_t cleaner_wait_until(struct cleaning* cleaning, bool (*condition)(void*),
                               void* argument) {
    while (cleaning->run_piece(cleaning) || !condition(argument))
        ;
    atomic_store(&cleaning->is_requested, false);
    return ZX_OK;
}

/* It does nothing unless somebody waits for it. */
bool cleaner_hold(void) {
    return true;
}

void cleaner_let_go(void) {
}
