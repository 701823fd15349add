/* A request and its reply, between two threads and between two processes. */
#include "../bench.h"
#include "ends.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_SIZE 64

/* `question` leads to the server, `answer` from it. */
struct talk {
    struct ends question, answer;
    size_t size;
};

/* Until a message begins with -1: an event is never at its end. */
static void serve_echo(const struct talk* talk) {
    int64_t bytes[MESSAGE_SIZE / sizeof(int64_t)];
    while (read(talk->question.out, bytes, talk->size) == (ssize_t)talk->size && bytes[0] == 1)
        if (write(talk->answer.in, bytes, talk->size) < 0)
            return;
}

static void measure_echo(struct bench* bench, const struct talk* talk) {
    int64_t bytes[MESSAGE_SIZE / sizeof(int64_t)] = {1};
    MEASURE(bench) {
        TRY(bench, write(talk->question.in, bytes, talk->size) - (ssize_t)talk->size);
        TRY(bench, read(talk->answer.out, bytes, talk->size) - (ssize_t)talk->size);
    }
    bytes[0] = 2;
    MUST(write(talk->question.in, bytes, talk->size) < 0);
}

static void* echo_thread(void* talk) {
    serve_echo(talk);
    return NULL;
}

static void measure_threads(struct bench* bench, struct talk talk) {
    pthread_t server;
    MUST(pthread_create(&server, NULL, echo_thread, &talk));
    measure_echo(bench, &talk);
    pthread_join(server, NULL);
    ends_close(talk.question);
    ends_close(talk.answer);
}

static void measure_processes(struct bench* bench, struct talk talk) {
    pid_t server = fork();
    MUST(server < 0);
    if (server == 0) {
        serve_echo(&talk);
        _exit(0);
    }
    measure_echo(bench, &talk);
    MUST(waitpid(server, NULL, 0) != server);
    ends_close(talk.question);
    ends_close(talk.answer);
}

#define BENCH_ROUNDTRIP(kind, size)                                                                \
    BENCH(roundtrip_thread__##kind, 200) {                                                         \
        measure_threads(bench, (struct talk){ends_create_##kind(), ends_create_##kind(), size});   \
    }                                                                                              \
    BENCH(roundtrip_process__##kind, 200) {                                                        \
        measure_processes(bench, (struct talk){ends_create_##kind(), ends_create_##kind(), size}); \
    }

BENCH_ROUNDTRIP(pipe, MESSAGE_SIZE)
BENCH_ROUNDTRIP(seqpacket, MESSAGE_SIZE)
BENCH_ROUNDTRIP(eventfd, sizeof(int64_t))

/* --- futexes: two words, each set by one and waited for by the other -------------------------- */

struct words {
    atomic_int question, answer;
    int private; /* FUTEX_PRIVATE_FLAG, or 0 between processes */
};

static void word_set(const struct words* words, atomic_int* word, int value) {
    atomic_store(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE | words->private, 1, NULL, NULL, 0);
}

/* Returns the value that is no longer `old`. */
static int word_wait(const struct words* words, atomic_int* word, int old) {
    int value;
    while ((value = atomic_load(word)) == old)
        syscall(SYS_futex, word, FUTEX_WAIT | words->private, old, NULL, NULL, 0);
    return value;
}

static void* serve_words(void* argument) {
    struct words* words = argument;
    int question = 0;
    while ((question = word_wait(words, &words->question, question)) >= 0)
        word_set(words, &words->answer, question);
    return NULL;
}

static void measure_words(struct bench* bench, struct words* words) {
    int question = 0;
    MEASURE(bench) {
        int before = question++;
        word_set(words, &words->question, question);
        TRY(bench, word_wait(words, &words->answer, before) != question);
    }
    word_set(words, &words->question, -1);
}

static void words_with_thread(struct bench* bench) {
    struct words words = {.private = FUTEX_PRIVATE_FLAG};
    pthread_t server;
    MUST(pthread_create(&server, NULL, serve_words, &words));
    measure_words(bench, &words);
    pthread_join(server, NULL);
}

BENCH_OF(futex_roundtrip__futex, 200, words_with_thread, 0)
BENCH_OF(roundtrip_thread__futex, 200, words_with_thread, 0)

BENCH(roundtrip_process__futex, 200) {
    struct words* words =
        mmap(NULL, sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(words == MAP_FAILED);
    pid_t server = fork();
    MUST(server < 0);
    if (server == 0) {
        serve_words(words);
        _exit(0);
    }
    measure_words(bench, words);
    MUST(waitpid(server, NULL, 0) != server);
    MUST(munmap(words, sizeof(*words)));
}

/* --- two threads, two processes that give way to each other ----------------------------------- */

/* Elsewhere than among real-time tasks sched_yield() as a rule goes on with the one that called. */
static void schedule_as(int policy, int priority) {
    MUST(sched_setscheduler(0, policy, &(struct sched_param){.sched_priority = priority}));
}

static atomic_bool is_over;

static void* yield_thread(void* unused) {
    while (!atomic_load(&is_over))
        sched_yield();
    return unused;
}

BENCH(yield_thread__sched_yield, 500) {
    pthread_t other;
    atomic_store(&is_over, false);
    schedule_as(SCHED_FIFO, 1);
    MUST(pthread_create(&other, NULL, yield_thread, NULL));
    MEASURE(bench)
    TRY(bench, sched_yield());
    atomic_store(&is_over, true);
    pthread_join(other, NULL);
    schedule_as(SCHED_OTHER, 0);
}

BENCH(yield_process__sched_yield, 500) {
    schedule_as(SCHED_FIFO, 1);
    pid_t other = fork();
    MUST(other < 0);
    if (other == 0)
        for (;;)
            sched_yield();
    MEASURE(bench)
    TRY(bench, sched_yield());
    kill(other, SIGKILL);
    MUST(waitpid(other, NULL, 0) != other);
    schedule_as(SCHED_OTHER, 0);
}
