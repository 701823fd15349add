/* How much more several CPUs do than one: each thread exchanges messages with itself. */
#include "bench.h"
#include "layer.h"

#include <stdatomic.h>
#include <threads.h>

#define WORKERS_MAX 32
#define CACHE_LINE_SIZE 64

struct worker {
    _Alignas(CACHE_LINE_SIZE) const struct layer_pair* pair; /* each on lines of its own */
    unsigned count;
    int64_t status;
    thrd_t thread;
};

static atomic_uint workers_ready;
static atomic_bool is_started;

static int work(void* argument) {
    struct worker* worker = argument;
    atomic_fetch_add(&workers_ready, 1);
    while (!atomic_load(&is_started))
        thrd_yield();
    for (unsigned i = 0; i < worker->count; i++)
        worker->status |= layer_pair_exchange(worker->pair);
    return 0;
}

/* One round with a worker for each CPU, each with its own of `pairs`, or all with the first. */
static void measure_round(struct bench* bench, const struct layer_pair* pairs, bool is_shared) {
    struct worker workers[WORKERS_MAX];
    atomic_store(&workers_ready, 0);
    atomic_store(&is_started, false);
    for (unsigned i = 0; i < bench->amount; i++) {
        workers[i] = (struct worker){.pair = &pairs[is_shared ? 0 : i], .count = bench->count};
        MUST(thrd_create(&workers[i].thread, work, &workers[i]));
    }
    while (atomic_load(&workers_ready) < bench->amount)
        thrd_yield();
    bench_start(bench);
    atomic_store(&is_started, true);
    for (unsigned i = 0; i < bench->amount; i++) {
        thrd_join(workers[i].thread, NULL);
        TRY(bench, workers[i].status);
    }
    bench_stop(bench);
}

static void measure_workers(struct bench* bench, bool is_shared) {
    struct layer_pair pairs[WORKERS_MAX];
    MUST(bench->amount == 0 || bench->amount > WORKERS_MAX);
    for (unsigned i = 0; i < bench->amount; i++)
        layer_pair_create(&pairs[i]);
    while (bench_has_round(bench))
        measure_round(bench, pairs, is_shared);
    for (unsigned i = 0; i < bench->amount; i++)
        layer_pair_close(&pairs[i]);
}

SCALING(scaling_own_channels, 20000) {
    measure_workers(bench, false);
}

SCALING(scaling_shared_channel, 20000) {
    measure_workers(bench, true);
}
