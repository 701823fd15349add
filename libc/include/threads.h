/* C11 threads on zx threads and futexes. */
#pragma once

#include <stdatomic.h>
#include <time.h>
#include <zircon/compiler.h>

#define thread_local _Thread_local
#define TSS_DTOR_ITERATIONS 4

enum {
    thrd_success,
    thrd_busy,
    thrd_error,
    thrd_nomem,
    thrd_timedout,
};

enum {
    mtx_plain = 0,
    mtx_recursive = 1,
    mtx_timed = 2,
};

typedef struct thread_control* thrd_t;
typedef int (*thrd_start_t)(void*);

typedef struct {
    atomic_int state; /* 0: free, 1: taken, 2: taken, and threads wait */
    int kind;
    _Atomic(struct thread_control*) owner; /* used by recursive mutexes */
    unsigned depth;
} mtx_t;

typedef struct {
    atomic_int sequence; /* changes with every signal; the word that waiters wait on */
} cnd_t;

typedef struct {
    atomic_int state; /* 0: not called, 1: running, 2: running, and threads wait, 3: done */
} once_flag;
#define ONCE_FLAG_INIT \
    { 0 }

typedef unsigned tss_t;
typedef void (*tss_dtor_t)(void*);

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument);
/* thrd_create with a name for the thread, which debuggers show. NULL: the name that thrd_create
 * gives. */
int thrd_create_with_name(thrd_t* thread, thrd_start_t function, void* argument, const char* name);
int thrd_equal(thrd_t left, thrd_t right);
thrd_t thrd_current(void);
int thrd_sleep(const struct timespec* duration, struct timespec* left);
void thrd_yield(void);
__NO_RETURN void thrd_exit(int result);
int thrd_detach(thrd_t thread);
int thrd_join(thrd_t thread, int* result);

int mtx_init(mtx_t* mutex, int kind);
int mtx_lock(mtx_t* mutex);
int mtx_timedlock(mtx_t* restrict mutex, const struct timespec* restrict deadline);
int mtx_trylock(mtx_t* mutex);
int mtx_unlock(mtx_t* mutex);
void mtx_destroy(mtx_t* mutex);

int cnd_init(cnd_t* condition);
int cnd_signal(cnd_t* condition);
int cnd_broadcast(cnd_t* condition);
int cnd_wait(cnd_t* condition, mtx_t* mutex);
int cnd_timedwait(cnd_t* restrict condition, mtx_t* restrict mutex,
                  const struct timespec* restrict deadline);
void cnd_destroy(cnd_t* condition);

void call_once(once_flag* flag, void (*function)(void));

int tss_create(tss_t* key, tss_dtor_t destructor);
void* tss_get(tss_t key);
int tss_set(tss_t key, void* value);
void tss_delete(tss_t key);
