/* threads.h: threads, mutexes, conditions, once, thread-specific values, TLS. */
#include <objects.h>
#include <test.h>

#include <errno.h>
#include <helper.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <zircon/threads.h>

#define THREADS 8

/* --- threads ---------------------------------------------------------------------------------- */

static int answer(void* argument) {
    return *(int*)argument + 1;
}

TEST(thrd_create, runs_and_is_joined) {
    thrd_t thread;
    int number = 41, result = 0;
    EXPECT_EQUAL(thrd_create(&thread, answer, &number), thrd_success);
    EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
    EXPECT_EQUAL(result, 42);
}

TEST(thrd_create_with_name, the_name_is_kept_and_may_be_missing) {
    static const char* const names[] = {"smith", "", NULL};
    for (size_t i = 0; i < countof(names); i++) {
        thrd_t thread;
        int number = 41, result = 0;
        char kept[ZX_MAX_NAME_LEN] = "untouched";
        EXPECT_EQUAL(thrd_create_with_name(&thread, answer, &number, names[i]), thrd_success);
        EXPECT_OK(
            zx_object_get_property(thrd_get_zx_handle(thread), ZX_PROP_NAME, kept, sizeof(kept)));
        EXPECT_STRING(kept, names[i] ? names[i] : "thread");
        EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
        EXPECT_EQUAL(result, 42);
    }
}

static int exit_deep(void* argument) {
    if (argument)
        thrd_exit(7);
    return 1;
}

TEST(thrd_exit, gives_the_result) {
    thrd_t thread;
    int result = 0;
    EXPECT_EQUAL(thrd_create(&thread, exit_deep, &thread), thrd_success);
    EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
    EXPECT_EQUAL(result, 7);
}

static int add_to(void* argument) {
    atomic_fetch_add((atomic_int*)argument, 1);
    return 0;
}

static bool comes_to(atomic_int* counter, int value) {
    zx_time_t deadline = zx_clock_get_monotonic() + ZX_SEC(20);
    while (atomic_load(counter) < value && zx_clock_get_monotonic() < deadline)
        sleep_for(ZX_MSEC(1));
    return atomic_load(counter) == value;
}

/* What is left of a detached thread is freed by a later thrd_create. */
static uint64_t threads_after_another(atomic_int* count) {
    thrd_t thread;
    if (thrd_create(&thread, add_to, count) == thrd_success)
        thrd_join(thread, NULL);
    return kernel_memory().threads;
}

TEST(thrd_detach, threads_end_by_themselves_and_leak_nothing) {
    atomic_int count = 0;
    uint64_t before = threads_after_another(&count);
    for (int i = 0; i < 300; i++) {
        thrd_t thread;
        EXPECT_EQUAL(thrd_create(&thread, add_to, &count), thrd_success);
        EXPECT_EQUAL(thrd_detach(thread), thrd_success);
    }
    EXPECT(comes_to(&count, 301));
    zx_time_t deadline = zx_clock_get_monotonic() + ZX_SEC(20);
    uint64_t after = threads_after_another(&count);
    while (after > before && zx_clock_get_monotonic() < deadline) {
        sleep_for(ZX_MSEC(1));
        after = threads_after_another(&count);
    }
    EXPECT_AT_MOST(after, before);
}

static _Thread_local int initialised = 5;
static _Thread_local int zero;
static _Thread_local char aligned_bytes[64] __attribute__((__aligned__(64)));

static int look_at_tls(void* unused) {
    (void)unused;
    bool fresh = initialised == 5 && zero == 0 && (uintptr_t)aligned_bytes % 64 == 0;
    initialised = zero = 9;
    errno = 3;
    return fresh ? 0 : 1;
}

TEST(thread_local, variables_are_each_threads_own) {
    thrd_t thread;
    int result = 1;
    errno = 11;
    for (int i = 0; i < 3; i++) { /* also on a stack used before */
        EXPECT_EQUAL(thrd_create(&thread, look_at_tls, NULL), thrd_success);
        EXPECT_EQUAL(thrd_join(thread, &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    EXPECT_EQUAL(errno, 11);
    EXPECT_EQUAL(initialised, 5);
}

/* --- mutexes ---------------------------------------------------------------------------------- */

struct counter {
    mtx_t mutex;
    int value; /* guarded by it */
};

static int count_under_lock(void* argument) {
    struct counter* counter = argument;
    for (int i = 0; i < 5000; i++) {
        mtx_lock(&counter->mutex);
        counter->value++;
        mtx_unlock(&counter->mutex);
    }
    return 0;
}

static void exclusion_row(int kind) {
    struct counter counter = {.value = 0};
    thrd_t threads[THREADS];
    EXPECT_EQUAL(mtx_init(&counter.mutex, kind), thrd_success);
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], count_under_lock, &counter), thrd_success);
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQUAL(thrd_join(threads[i], NULL), thrd_success);
    EXPECT_EQUAL(counter.value, THREADS * 5000);
    mtx_destroy(&counter.mutex);
}

TEST(mtx_lock, excludes) {
    CHECK(exclusion_row(mtx_plain));
    CHECK(exclusion_row(mtx_recursive));
}

static int try_lock(void* argument) {
    return mtx_trylock(argument);
}

static int result_in_thread(thrd_start_t function, void* argument) {
    thrd_t thread;
    int result = -1;
    if (thrd_create(&thread, function, argument) == thrd_success)
        thrd_join(thread, &result);
    return result;
}

TEST(mtx_trylock, is_busy_while_another_has_it) {
    mtx_t mutex;
    EXPECT_EQUAL(mtx_init(&mutex, mtx_plain), thrd_success);
    EXPECT_EQUAL(mtx_lock(&mutex), thrd_success);
    EXPECT_EQUAL(result_in_thread(try_lock, &mutex), thrd_busy);
    EXPECT_EQUAL(mtx_unlock(&mutex), thrd_success);
    EXPECT_EQUAL(result_in_thread(try_lock, &mutex), thrd_success);
}

TEST(mtx_lock, recursive_is_taken_and_given_as_often) {
    mtx_t mutex;
    EXPECT_EQUAL(mtx_init(&mutex, mtx_recursive), thrd_success);
    EXPECT_EQUAL(mtx_lock(&mutex), thrd_success);
    EXPECT_EQUAL(mtx_lock(&mutex), thrd_success);
    EXPECT_EQUAL(mtx_trylock(&mutex), thrd_success);
    EXPECT_EQUAL(mtx_unlock(&mutex), thrd_success);
    EXPECT_EQUAL(mtx_unlock(&mutex), thrd_success);
    EXPECT_EQUAL(result_in_thread(try_lock, &mutex), thrd_busy);
    EXPECT_EQUAL(mtx_unlock(&mutex), thrd_success);
    EXPECT_EQUAL(result_in_thread(try_lock, &mutex), thrd_success);
}

static int lock_with_deadline(void* argument) {
    struct timespec deadline;
    timespec_get(&deadline, TIME_UTC);
    deadline.tv_nsec += 2000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_nsec -= 1000000000;
        deadline.tv_sec++;
    }
    return mtx_timedlock(argument, &deadline);
}

TEST(mtx_timedlock, gives_up_at_the_deadline) {
    mtx_t mutex;
    EXPECT_EQUAL(mtx_init(&mutex, mtx_timed), thrd_success);
    EXPECT_EQUAL(mtx_lock(&mutex), thrd_success);
    EXPECT_EQUAL(result_in_thread(lock_with_deadline, &mutex), thrd_timedout);
    EXPECT_EQUAL(mtx_unlock(&mutex), thrd_success);
    EXPECT_EQUAL(result_in_thread(lock_with_deadline, &mutex), thrd_success);
}

/* --- conditions ------------------------------------------------------------------------------- */

#define QUEUE_ROOM 4
#define QUEUE_ITEMS 3000

struct queue {
    mtx_t mutex;
    cnd_t changed;
    int items[QUEUE_ROOM]; /* a ring: `count` of them from `first` on */
    int first, count;
    long sum;
};

static int consume(void* argument) {
    struct queue* queue = argument;
    for (;;) {
        mtx_lock(&queue->mutex);
        while (queue->count == 0)
            cnd_wait(&queue->changed, &queue->mutex);
        int item = queue->items[queue->first];
        queue->first = (queue->first + 1) % QUEUE_ROOM;
        queue->count--;
        queue->sum += item;
        cnd_broadcast(&queue->changed);
        mtx_unlock(&queue->mutex);
        if (item == 0)
            return 0;
    }
}

static void produce(struct queue* queue, int item) {
    mtx_lock(&queue->mutex);
    while (queue->count == QUEUE_ROOM)
        cnd_wait(&queue->changed, &queue->mutex);
    queue->items[(queue->first + queue->count++) % QUEUE_ROOM] = item;
    cnd_broadcast(&queue->changed);
    mtx_unlock(&queue->mutex);
}

TEST(cnd_wait, a_bounded_queue_loses_nothing) {
    struct queue queue = {.count = 0};
    thrd_t consumers[3];
    EXPECT_EQUAL(mtx_init(&queue.mutex, mtx_plain), thrd_success);
    EXPECT_EQUAL(cnd_init(&queue.changed), thrd_success);
    for (size_t i = 0; i < countof(consumers); i++)
        EXPECT_EQUAL(thrd_create(&consumers[i], consume, &queue), thrd_success);
    for (int i = 1; i <= QUEUE_ITEMS; i++)
        produce(&queue, i);
    for (size_t i = 0; i < countof(consumers); i++)
        produce(&queue, 0);
    for (size_t i = 0; i < countof(consumers); i++)
        EXPECT_EQUAL(thrd_join(consumers[i], NULL), thrd_success);
    EXPECT_EQUAL(queue.sum, (long)QUEUE_ITEMS * (QUEUE_ITEMS + 1) / 2);
    cnd_destroy(&queue.changed);
}

TEST(cnd_timedwait, gives_up_at_the_deadline_with_the_mutex) {
    mtx_t mutex;
    cnd_t condition;
    struct timespec deadline;
    EXPECT_EQUAL(mtx_init(&mutex, mtx_plain), thrd_success);
    EXPECT_EQUAL(cnd_init(&condition), thrd_success);
    EXPECT_EQUAL(mtx_lock(&mutex), thrd_success);
    timespec_get(&deadline, TIME_UTC);
    EXPECT_EQUAL(cnd_timedwait(&condition, &mutex, &deadline), thrd_timedout);
    EXPECT_EQUAL(result_in_thread(try_lock, &mutex), thrd_busy);
    EXPECT_EQUAL(mtx_unlock(&mutex), thrd_success);
}

/* --- once, thread-specific values ------------------------------------------------------------- */

static once_flag flag = ONCE_FLAG_INIT;
static atomic_int once_count;

static void run_once(void) {
    sleep_for(ZX_MSEC(2)); /* the others come meanwhile */
    atomic_fetch_add(&once_count, 1);
}

static int call_it_once(void* unused) {
    (void)unused;
    call_once(&flag, run_once);
    return atomic_load(&once_count);
}

TEST(call_once, runs_once_and_all_wait_for_it) {
    thrd_t threads[THREADS];
    int result;
    for (int i = 0; i < THREADS; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], call_it_once, NULL), thrd_success);
    for (int i = 0; i < THREADS; i++) {
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, 1);
    }
}

static tss_t key;
static atomic_int destroyed;

static void destroy_value(void* value) {
    atomic_fetch_add(&destroyed, (int)(uintptr_t)value);
}

static int set_value(void* value) {
    if (tss_get(key))
        return 1;
    tss_set(key, value);
    return tss_get(key) != value;
}

TEST(tss_create, values_are_each_threads_own_and_destroyed_at_its_end) {
    EXPECT_EQUAL(tss_create(&key, destroy_value), thrd_success);
    EXPECT_EQUAL(result_in_thread(set_value, (void*)3), 0);
    EXPECT_EQUAL(result_in_thread(set_value, (void*)4), 0);
    EXPECT_EQUAL(result_in_thread(set_value, NULL), 0);
    EXPECT_EQUAL(atomic_load(&destroyed), 7);
    EXPECT(!tss_get(key));
    tss_delete(key);
}

/* --- the end of the program ------------------------------------------------------------------- */

static zx_handle_t exit_channel;

static void tell_first(void) {
    zx_channel_write(exit_channel, 0, "1", 1, NULL, 0);
}

static void tell_second(void) {
    zx_channel_write(exit_channel, 0, "2", 1, NULL, 0);
    atexit(tell_first);
}

HELPER(registers_exit_functions) {
    exit_channel = channel;
    atexit(tell_first);
    atexit(tell_second);
    exit(12);
}

TEST(exit, runs_the_registered_functions_backwards) {
    struct helper helper;
    char heard[4] = "", byte;
    CHECK(helper_start(&helper, "registers_exit_functions"));
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(channel_receive(helper.channel, &byte, 1, NULL, NULL, 0, NULL));
        heard[i] = byte;
    }
    EXPECT_STRING(heard, "211");
    CHECK(helper_finish(&helper, 12));
}

HELPER(aborts) {
    (void)channel;
    abort();
}

/* Writing past a frame's array: the stack protector must notice. */
static __attribute__((__noinline__)) void overrun(size_t size) {
    char frame[16];
    memset(frame, 'x', size);
    __asm__ volatile("" ::"r"(frame) : "memory");
}

HELPER(overruns_its_stack) {
    (void)channel;
    overrun(64);
    return 0;
}

HELPER(frees_twice) {
    (void)channel;
    void* volatile memory = malloc(100);
    free(memory);
    free(memory);
    return 0;
}

static void dies_row(const char* role) {
    struct helper helper;
    int64_t code = 0;
    CHECK(helper_start(&helper, role));
    EXPECT_OK(helper_wait(&helper, &code));
    helper_close(&helper);
    EXPECT(code < 0);
}

TEST(abort, ends_the_process_by_an_exception) {
    CHECK(dies_row("aborts"));
}

TEST(stack_protector, notices_an_overrun_frame) {
    CHECK(dies_row("overruns_its_stack"));
}

TEST(malloc, notices_a_double_free) {
    CHECK(dies_row("frees_twice"));
}
