/* A request and its reply, between two threads and between two processes. The server waits, reads
 * and writes; the client calls, or does the same as the server. */
#include "../bench.h"
#include "process.h"

#include <limits.h>
#include <stdatomic.h>
#include <threads.h>
#include <zircon/syscalls.h>

/* One call sends the request and takes the reply. */
static void measure_calls(struct bench* bench, zx_handle_t channel) {
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    zx_channel_call_args_t arguments = echo_arguments(bytes);
    MEASURE(bench)
    TRY(bench, zx_channel_call(channel, 0, ZX_TIME_INFINITE, &arguments, &size, &handles));
}

/* Three calls do: write, wait, read. */
static void measure_messages(struct bench* bench, zx_handle_t channel) {
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    MEASURE(bench) {
        TRY(bench, zx_channel_write(channel, 0, bytes, sizeof(bytes), NULL, 0));
        TRY(bench, zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
        TRY(bench, zx_channel_read(channel, 0, bytes, NULL, sizeof(bytes), 0, &size, &handles));
    }
}

typedef void (*measure_t)(struct bench* bench, zx_handle_t channel);

static int echo_thread(void* channel) {
    serve_echo(*(zx_handle_t*)channel);
    return 0;
}

static void measure_with_thread(struct bench* bench, measure_t measure) {
    zx_handle_t ours, theirs;
    thrd_t server;
    MUST(zx_channel_create(0, &ours, &theirs));
    MUST(thrd_create(&server, echo_thread, &theirs));
    measure(bench, ours);
    zx_handle_close(ours);
    thrd_join(server, NULL);
    zx_handle_close(theirs);
}

static void measure_with_process(struct bench* bench, measure_t measure) {
    zx_handle_t ours, theirs;
    MUST(zx_channel_create(0, &ours, &theirs));
    zx_handle_t server = role_start("echo", theirs);
    measure(bench, ours);
    zx_handle_close(ours);
    process_wait(server);
}

BENCH(roundtrip_thread, 200) {
    measure_with_thread(bench, measure_calls);
}

BENCH(roundtrip_process, 200) {
    measure_with_process(bench, measure_calls);
}

BENCH(messages_thread, 200) {
    measure_with_thread(bench, measure_messages);
}

BENCH(messages_process, 200) {
    measure_with_process(bench, measure_messages);
}

/* --- futexes: two words, each set by one thread and waited for by the other ------------------- */

static struct { atomic_int question, answer; } words;

static void word_set(atomic_int* word, int value) {
    atomic_store(word, value);
    zx_futex_wake((const zx_futex_t*)word, 1);
}

/* Returns the value that is no longer `old`. */
static int word_wait(atomic_int* word, int old) {
    int value;
    while ((value = atomic_load(word)) == old)
        zx_futex_wait((const zx_futex_t*)word, old, ZX_TIME_INFINITE);
    return value;
}

static int futex_thread(void* unused) {
    (void)unused;
    int question = 0;
    while ((question = word_wait(&words.question, question)) >= 0)
        word_set(&words.answer, question);
    return 0;
}

BENCH(futex_roundtrip, 200) {
    thrd_t server;
    int question = 0;
    atomic_store(&words.question, 0);
    atomic_store(&words.answer, 0);
    MUST(thrd_create(&server, futex_thread, NULL));
    MEASURE(bench) {
        int before = question++;
        word_set(&words.question, question);
        TRY(bench, word_wait(&words.answer, before) != question);
    }
    word_set(&words.question, -1);
    thrd_join(server, NULL);
}

/* --- two threads, two processes that give way to each other ----------------------------------- */

static atomic_bool is_over;

static int yield_thread(void* unused) {
    (void)unused;
    while (!atomic_load(&is_over))
        zx_thread_yield();
    return 0;
}

BENCH(yield_thread, 500) {
    thrd_t other;
    atomic_store(&is_over, false);
    MUST(thrd_create(&other, yield_thread, NULL));
    MEASURE(bench)
    TRY(bench, zx_thread_yield());
    atomic_store(&is_over, true);
    thrd_join(other, NULL);
}

BENCH(yield_process, 500) {
    zx_handle_t ours, theirs;
    MUST(zx_channel_create(0, &ours, &theirs));
    zx_handle_t other = role_start("yield", theirs);
    MEASURE(bench)
    TRY(bench, zx_thread_yield());
    MUST(zx_task_kill(other));
    process_wait(other);
    zx_handle_close(ours);
}
