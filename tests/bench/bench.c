#include "bench.h"
#include "layer.h"
#include "ticks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILED_OPERATIONS 8
#define TEXT_SIZE 256
#define HUNDREDTHS 100u

/* The loop whose length is known: two instructions each time round. */
#define CALIBRATION_TURNS 5000u
#define CALIBRATION_INSTRUCTIONS (2u * CALIBRATION_TURNS)

extern struct bench __start_benches[], __stop_benches[];
extern const char __ehdr_start /* where the program lies */
    __attribute__((__visibility__("hidden")));

static struct {
    bool for_growth, for_latency, is_served;
    unsigned cpus;
    const char* profile;
} request;

static void __attribute__((__format__(__printf__, 1, 2))) report(const char* format, ...) {
    char record[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(record, sizeof(record), format, arguments);
    va_end(arguments);
    layer_report(record, (size_t)length < sizeof(record) ? (size_t)length : sizeof(record) - 1);
}

static _Noreturn void fail(const char* name, const char* what, int64_t status) {
    report("@fail bench %s %s: %" PRId64 "\n@done 0 1\n", name, what, status);
    layer_exit(1);
}

void bench_must(int64_t status, const char* call) {
    if (status != 0)
        fail("setup", call, status);
}

/* Into `line`, which is at least one character long. */
static void read_line(char* line, size_t size) {
    size_t length = 0;
    for (;;) {
        char character = layer_read_character();
        if (character == '\r' || character == '\n')
            break;
        if (length < size - 1)
            line[length++] = character;
    }
    line[length] = '\0';
}

/* --- rounds --------------------------------------------------------------------------------- */

bool bench_has_round(struct bench* bench) {
    int wanted = bench->rounds_wanted ? bench->rounds_wanted : BENCH_ROUNDS;
    if (request.profile || request.is_served)
        wanted = 1;
    if (bench->rounds == wanted)
        return false;
    if (request.profile && bench->rounds == 0) {
        char line[TEXT_SIZE];
        report("@metric warm %" PRIuPTR " address\n", (uintptr_t)&__ehdr_start);
        bench->count = PROFILED_OPERATIONS;
        read_line(line, sizeof(line)); /* the host is ready */
    }
    return true;
}

/* The profile begins and ends with these two: they stay functions of their own. */
__attribute__((__noinline__)) unsigned bench_start(struct bench* bench) {
    bench->start = ticks_now();
    return bench->count;
}

__attribute__((__noinline__)) bool bench_stop(struct bench* bench) {
    uint64_t cost = ticks_now() - bench->start;
    if (bench->rounds >= 0)
        bench->costs[bench->rounds] = cost;
    bench->rounds++;
    return false;
}

static int compare_costs(const void* left, const void* right) {
    uint64_t a = *(const uint64_t*)left, b = *(const uint64_t*)right;
    return (a > b) - (a < b);
}

static void report_ticks(const char* name, uint64_t hundredths) {
    report("@metric %s %" PRIu64 ".%02" PRIu64 " ticks\n", name, hundredths / HUNDREDTHS,
           hundredths % HUNDREDTHS);
}

/* Reports the median, for one operation. */
static void measure(struct bench* bench, const char* name) {
    bench->rounds = -1;
    bench->status = 0;
    bench->function(bench);
    if (bench->status != 0)
        fail(name, "an operation failed", bench->status);
    qsort(bench->costs, (size_t)bench->rounds, sizeof(bench->costs[0]), compare_costs);
    report_ticks(name, bench->costs[bench->rounds / 2] * HUNDREDTHS / bench->count);
}

/* --- the run -------------------------------------------------------------------------------- */

/* The quickest counts: what a system does now and then in between is not part of the loop. */
static void calibrate(void) {
    uint64_t best = UINT64_MAX;
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        unsigned turns = CALIBRATION_TURNS;
        uint64_t start = ticks_now();
        __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns)::"cc");
        uint64_t cost = ticks_now() - start;
        best = cost < best ? cost : best;
    }
    report_ticks("calibration_per_thousand", best * HUNDREDTHS * 1000 / CALIBRATION_INSTRUCTIONS);
}

static void measure_growth(struct bench* bench, unsigned amount) {
    for (const unsigned* one = bench->amounts; one && *one != GROWTH_END; one++) {
        if (*one != amount)
            continue;
        char name[TEXT_SIZE / 2];
        bench->amount = amount;
        snprintf(name, sizeof(name), "%s.%u", bench->key, amount);
        measure(bench, name);
    }
}

/* The smallest amount in any table that is at least `least`; GROWTH_END if there is none. */
static unsigned next_amount(unsigned least) {
    unsigned next = GROWTH_END;
    for (struct bench* bench = __start_benches; bench < __stop_benches; bench++)
        for (const unsigned* one = bench->amounts; one && *one != GROWTH_END; one++)
            if (*one >= least && *one < next)
                next = *one;
    return next;
}

/* All tables with the smallest amount, then all with the next: what a large amount leaves behind,
 * like a handle table that has grown, would make a smaller one cost as much. */
static void run_growth(void) {
    for (unsigned amount = 0; (amount = next_amount(amount)) != GROWTH_END; amount++)
        for (struct bench* bench = __start_benches; bench < __stop_benches; bench++)
            measure_growth(bench, amount);
}

static void run_of_kind(enum bench_kind kind) {
    for (struct bench* bench = __start_benches; bench < __stop_benches; bench++) {
        if (bench->kind != kind)
            continue;
        if (kind == BENCH_LATENCY)
            bench->amount = request.cpus;
        measure(bench, bench->key);
    }
}

static void run_one(const char* key) {
    for (struct bench* bench = __start_benches; bench < __stop_benches; bench++) {
        if (strcmp(bench->key, key) == 0) {
            if (bench->kind == BENCH_SCALING || bench->kind == BENCH_LATENCY)
                bench->amount = request.cpus;
            measure(bench, key);
            return;
        }
    }
    fail(key, "no such operation", 0);
}

/* The time is reported before each round, so that the host learns how long a tick is. */
static void serve(void) {
    for (;;) {
        char line[TEXT_SIZE];
        report("@metric clock %" PRIu64 " ticks\n", ticks_now());
        read_line(line, sizeof(line));
        if (strcmp(line, "exit") == 0)
            return;
        run_one(line);
    }
}

static const char* value_of(const char* word, const char* name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 ? word + length : NULL;
}

static void read_words(int argc, char** argv) {
    for (int i = 1; i < argc; i++) {
        const char* value;
        if (value_of(argv[i], "growth="))
            request.for_growth = true;
        else if (value_of(argv[i], "latency="))
            request.for_latency = true;
        else if (value_of(argv[i], "serve="))
            request.is_served = true;
        else if ((value = value_of(argv[i], "cpus=")))
            request.cpus = (unsigned)atoi(value);
        else if ((value = value_of(argv[i], "profile=")))
            request.profile = value;
    }
}

_Noreturn void bench_main(int argc, char** argv) {
    uint64_t boot = layer_ticks_since_boot();
    read_words(argc, argv);
    report("@begin bench\n");
    report_ticks("boot", boot * HUNDREDTHS);
    calibrate();
    if (request.is_served)
        serve();
    else if (request.profile)
        run_one(request.profile);
    else if (request.for_growth)
        run_growth();
    else
        run_of_kind(request.for_latency ? BENCH_LATENCY : BENCH_OPERATION);
    report("@pass bench run\n@done 1 0\n");
    layer_exit(0);
}
