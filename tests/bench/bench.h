/* Measures what operations cost, in ticks of the time stamp counter. Where QEMU counts instructions
 * (-icount shift=0) a tick is one guest instruction; elsewhere the host knows how long a tick is.
 *
 *     BENCH(channel_64, 1000) {              // key, operations in a round
 *         ... set up ...
 *         MEASURE(bench) {
 *             TRY(bench, write()), TRY(bench, read());
 *         }
 *         ... tidy up ...
 *     }
 *
 * The same with different amounts is a line for each: BENCH_OF(channel_64, 500, exchange, 64)
 * measures the function `exchange`, which finds the 64 in `bench->amount`.
 *
 * Each round is measured as a whole and the median of all rounds is reported; the first round only
 * warms up. The loop's own two instructions are part of the figure. The sources in this folder know
 * no system; each system has a folder with its operations and its half of layer.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX 64
#define BENCH_ROUNDS 5

enum bench_kind {
    BENCH_OPERATION,
    BENCH_GROWTH,  /* with each of `amounts` */
    BENCH_SCALING, /* from here on `amount` is the number of CPUs */
    BENCH_LATENCY,
};

struct bench {
    const char* key;
    unsigned count; /* operations in a round */
    void (*function)(struct bench* bench);
    enum bench_kind kind;
    int rounds_wanted;       /* 0: BENCH_ROUNDS */
    const unsigned* amounts; /* of something the cost must not grow with; ends with GROWTH_END */
    unsigned amount;         /* the one to measure with */

    int64_t status; /* what TRY met, put together: 0 if all went well */
    int rounds;     /* measured so far; -1: not even warm */
    uint64_t start;
    uint64_t costs[BENCH_ROUNDS_MAX];
};

#define BENCH(name, operations) BENCH_FUNCTION(name, operations, )
#define BENCH_OF(name, operations, measured_by, value) \
    BENCH_ENTRY(name, operations, measured_by, .amount = value)
/* What costs more or less by chance, in each round anew: has more rounds. */
#define BENCH_BY_CHANCE(name, operations) \
    BENCH_FUNCTION(name, operations, .rounds_wanted = BENCH_ROUNDS_MAX)
/* The usual sizes of messages, in bytes; what follows the size in the key is `way`. */
#define BENCH_OF_SIZES(name, way, measured_by)       \
    BENCH_OF(name##_64##way, 500, measured_by, 64)   \
    BENCH_OF(name##_1k##way, 500, measured_by, 1024) \
    BENCH_OF(name##_4k##way, 250, measured_by, 4096) \
    BENCH_OF(name##_64k##way, 100, measured_by, 65536)

/* Measured once with each of the amounts (`bench->amount`), and only where asked for. */
#define GROWTH(name, operations, ...)                                   \
    static const unsigned amounts_##name[] = {__VA_ARGS__, GROWTH_END}; \
    BENCH_FUNCTION(name, operations, .kind = BENCH_GROWTH, .amounts = amounts_##name)
#define GROWTH_END UINT32_MAX

/* What all CPUs do at once: `bench->amount` threads, each with `bench->count` operations. */
#define SCALING(name, operations) BENCH_FUNCTION(name, operations, .kind = BENCH_SCALING)
/* How long one CPU takes to reach another; one operation in a round. */
#define LATENCY(name) \
    BENCH_FUNCTION(name, 1, .kind = BENCH_LATENCY, .rounds_wanted = BENCH_ROUNDS_MAX)

#define BENCH_FUNCTION(name, operations, ...)                \
    static void bench_##name(struct bench* bench);           \
    BENCH_ENTRY(name, operations, bench_##name, __VA_ARGS__) \
    static void bench_##name(struct bench* bench)
#define BENCH_ENTRY(name, operations, measured_by, ...)                       \
    static struct bench entry_##name                                          \
        __attribute__((__used__, __aligned__(8), __section__("benches"))) = { \
            .key = #name, .count = operations, .function = measured_by, __VA_ARGS__};

/* The statement behind it is one operation. */
#define MEASURE(bench)             \
    while (bench_has_round(bench)) \
        for (unsigned left = bench_start(bench); left > 0 || bench_stop(bench); left--)

/* An operation that returns 0 when it succeeds; one instruction looks at the status. */
#define TRY(bench, call) ((bench)->status |= (call))

/* For rounds that need something done before and after, outside of the measurement. */
bool bench_has_round(struct bench* bench);
unsigned bench_start(struct bench* bench); /* returns bench->count */
bool bench_stop(struct bench* bench);      /* returns false */

/* What has to succeed before there is anything to measure. */
#define MUST(call) bench_must((call), #call)
void bench_must(int64_t status, const char* call);

/* The program's main, once the layer is up. Words:
 *
 *   growth=1       the growth tables instead of the operations
 *   serve=1        for each KEY that the host types, a warm-up and one round; ends with "exit"
 *   latency=1      the latencies instead
 *   cpus=N         how many the machine has: for latencies, and for SCALING, which is only served
 *   profile=KEY    one round, for a host that watches each instruction */
_Noreturn void bench_main(int argc, char** argv);
