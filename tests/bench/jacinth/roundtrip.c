/* A question and its answer, between two threads and between two processes. */
#include "../bench.h"
#include "process.h"

#include <limits.h>
#include <stdatomic.h>
#include <threads.h>
#include <zircon/syscalls.h>

#define MESSAGE_SIZE 64

static void measure_echo(struct bench* bench, zx_handle_t channel) {
    char bytes[MESSAGE_SIZE] = {0};
    uint32_t size, handles;
    MEASURE(bench) {
        TRY(bench, zx_channel_write(channel, 0, bytes, sizeof(bytes), NULL, 0));
        TRY(bench, zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
        TRY(bench, zx_channel_read(channel, 0, bytes, NULL, sizeof(bytes), 0, &size, &handles));
    }
}

static int echo_thread(void* channel) {
    serve_echo(*(zx_handle_t*)channel);
    return 0;
}

BENCH(roundtrip_thread, 200) {
    zx_handle_t ours, theirs;
    thrd_t server;
    MUST(zx_channel_create(0, &ours, &theirs));
    MUST(thrd_create(&server, echo_thread, &theirs));
    measure_echo(bench, ours);
    zx_handle_close(ours);
    thrd_join(server, NULL);
    zx_handle_close(theirs);
}

BENCH(roundtrip_process, 200) {
    zx_handle_t ours, theirs;
    MUST(zx_channel_create(0, &ours, &theirs));
    zx_handle_t server = role_start("echo", theirs);
    measure_echo(bench, ours);
    zx_handle_close(ours);
    process_wait(server);
}

/* --- the same by a call, which hands the CPU over --------------------------------------------- */

static void measure_call(struct bench* bench, zx_handle_t channel) {
    char question[MESSAGE_SIZE] = {0}, answer[MESSAGE_SIZE];
    uint32_t size, handles;
    const zx_channel_call_args_t args = {
        .wr_bytes = question,
        .wr_num_bytes = sizeof(question),
        .rd_bytes = answer,
        .rd_num_bytes = sizeof(answer),
    };
    MEASURE(bench) {
        TRY(bench, zx_channel_call(channel, 0, ZX_TIME_INFINITE, &args, &size, &handles));
    }
}

BENCH(call_thread, 200) {
    zx_handle_t ours, theirs;
    thrd_t server;
    MUST(zx_channel_create(0, &ours, &theirs));
    MUST(thrd_create(&server, echo_thread, &theirs));
    measure_call(bench, ours);
    zx_handle_close(ours);
    thrd_join(server, NULL);
    zx_handle_close(theirs);
}

BENCH(call_process, 200) {
    zx_handle_t ours, theirs;
    MUST(zx_channel_create(0, &ours, &theirs));
    zx_handle_t server = role_start("echo", theirs);
    measure_call(bench, ours);
    zx_handle_close(ours);
    process_wait(server);
}

/* --- futexes: two words, each set by one thread and waited for by the other ------------------- */

static struct { atomic_int question, answer; } words;

static void word_set(atomic_int* word, int value) {
    atomic_store(word, value);
    zx_futex_wake((const zx_futex_t*)word, 1);
}

/* Answers the value that is no longer `old`. */
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
