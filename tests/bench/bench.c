#include "bench.h"
#include "layer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_BY_INSTRUCTIONS 5
#define ROUNDS_BY_TIME 31
#define PROFILED_OPERATIONS 8
#define RECORD_SIZE 256
#define HUNDREDTHS 100u

/* The loop whose length is known: two instructions each time round. */
#define CALIBRATION_TURNS 1000000u
#define CALIBRATION_INSTRUCTIONS (2u * CALIBRATION_TURNS)

extern struct bench __start_benches[], __stop_benches[];
extern const char __ehdr_start
    __attribute__((__visibility__("hidden"))); /* where the program lies */

static struct {
    bool by_time, with_growth;
    const char* only;
    const char* profile;
    uint64_t ticks_per_thousand; /* instructions */
} request;

static void __attribute__((__format__(__printf__, 1, 2))) report(const char* format, ...) {
    char record[RECORD_SIZE];
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

/* --- rounds --------------------------------------------------------------------------------- */

static uint64_t read_time_stamp(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static uint64_t now(void) {
    return request.by_time ? layer_nanoseconds() : read_time_stamp();
}

static int rounds_wanted(void) {
    if (request.profile)
        return 1;
    return request.by_time ? ROUNDS_BY_TIME : ROUNDS_BY_INSTRUCTIONS;
}

bool bench_has_round(struct bench* bench) {
    if (bench->rounds == rounds_wanted())
        return false;
    if (request.profile && bench->rounds == 0) {
        report("@metric warm %" PRIuPTR " address\n", (uintptr_t)&__ehdr_start);
        bench->count = PROFILED_OPERATIONS;
        layer_wait_for_host();
    }
    return true;
}

/* The profile begins and ends with these two: they stay functions of their own. */
__attribute__((__noinline__)) unsigned bench_start(struct bench* bench) {
    bench->start = now();
    return bench->count;
}

__attribute__((__noinline__)) bool bench_stop(struct bench* bench) {
    uint64_t cost = now() - bench->start;
    if (bench->rounds >= 0)
        bench->costs[bench->rounds] = cost;
    bench->rounds++;
    return false;
}

static int compare_costs(const void* left, const void* right) {
    uint64_t a = *(const uint64_t*)left, b = *(const uint64_t*)right;
    return (a > b) - (a < b);
}

/* Of one operation, in hundredths of the unit. */
static uint64_t median_cost(struct bench* bench) {
    qsort(bench->costs, (size_t)bench->rounds, sizeof(bench->costs[0]), compare_costs);
    uint64_t cost = bench->costs[bench->rounds / 2] * HUNDREDTHS / bench->count;
    return request.by_time ? cost : cost * 1000 / request.ticks_per_thousand;
}

static void report_cost(const char* name, uint64_t hundredths) {
    report("@metric %s %" PRIu64 ".%02" PRIu64 " %s\n", name, hundredths / HUNDREDTHS,
           hundredths % HUNDREDTHS, request.by_time ? "ns" : "instructions");
}

/* --- the run -------------------------------------------------------------------------------- */

static void calibrate(void) {
    uint64_t start = now();
    unsigned turns = CALIBRATION_TURNS;
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(turns)::"cc");
    uint64_t cost = now() - start;
    request.ticks_per_thousand =
        (cost * 1000 + CALIBRATION_INSTRUCTIONS / 2) / CALIBRATION_INSTRUCTIONS;
    if (request.ticks_per_thousand == 0)
        fail("calibration", "the clock stands still", 0);
    report_cost("calibration_per_thousand", cost * HUNDREDTHS * 1000 / CALIBRATION_INSTRUCTIONS);
}

static void measure(struct bench* bench) {
    bench->rounds = -1;
    bench->status = 0;
    bench->function(bench);
    if (bench->status != 0)
        fail(bench->key, "an operation failed", bench->status);
}

static void measure_growth(struct bench* bench) {
    for (const unsigned* amount = bench->amounts; *amount != GROWTH_END; amount++) {
        char name[RECORD_SIZE / 2];
        bench->amount = *amount;
        measure(bench);
        snprintf(name, sizeof(name), "growth.%s.%u", bench->key, *amount);
        report_cost(name, median_cost(bench));
    }
}

static bool is_wanted(const struct bench* bench) {
    const char* only = request.profile ? request.profile : request.only;
    if (only)
        return strcmp(bench->key, only) == 0;
    return !bench->amounts || request.with_growth;
}

static unsigned run_all(void) {
    unsigned measured = 0;
    for (struct bench* bench = __start_benches; bench < __stop_benches; bench++) {
        if (!is_wanted(bench))
            continue;
        measured++;
        if (bench->amounts) {
            measure_growth(bench);
        } else {
            measure(bench);
            report_cost(bench->key, median_cost(bench));
        }
    }
    return measured;
}

static const char* value_of(const char* word, const char* name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 ? word + length : NULL;
}

static void read_words(int argc, char** argv) {
    for (int i = 1; i < argc; i++) {
        const char* value;
        if ((value = value_of(argv[i], "unit=")))
            request.by_time = strcmp(value, "ns") == 0;
        else if ((value = value_of(argv[i], "only=")))
            request.only = value;
        else if ((value = value_of(argv[i], "profile=")))
            request.profile = value;
        else if ((value = value_of(argv[i], "growth=")))
            request.with_growth = strcmp(value, "1") == 0;
    }
}

_Noreturn void bench_main(int argc, char** argv) {
    uint64_t boot = layer_boot_nanoseconds();
    read_words(argc, argv);
    report("@begin bench\n");
    calibrate();
    if (boot && !request.only && !request.profile)
        report_cost("boot", boot * HUNDREDTHS);
    if (run_all() == 0)
        fail("bench", "no such operation", 0);
    report("@pass bench run\n@done 1 0\n");
    layer_exit(0);
}
