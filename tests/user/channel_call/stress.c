/* Many callers and servers at one channel; a call against everything that can end it; and that two
 * threads that hand the CPU to and fro leave some of it to others. */
#include "fixture.h"

#include <meeting.h>
#include <stdlib.h>

#define CALLERS 4
#define SERVERS 3
#define CALLS 400u /* of each caller */
#define ROUNDS 200

/* --- everybody gets the own reply --------------------------------------------------------- */

struct office {
    struct fixture fixture;
    atomic_uint next_caller, faults, timeouts, answered;
};

static int serve(void* argument) {
    struct office* office = argument;
    zx_handle_t far = office->fixture.far;
    struct letter letter;
    for (;;) {
        zx_status_t status = zx_channel_read(far, 0, &letter, NULL, sizeof(letter), 0, NULL, NULL);
        if (status == ZX_ERR_SHOULD_WAIT) {
            zx_object_wait_one(far, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE,
                               NULL);
            continue;
        }
        if (status != ZX_OK)
            return status == ZX_ERR_PEER_CLOSED ? 0 : 1;
        letter.word = ~letter.word;
        status = zx_channel_write(far, 0, &letter, sizeof(letter), NULL, 0);
        if (status != ZX_OK && status != ZX_ERR_PEER_CLOSED)
            return 1;
        atomic_fetch_add(&office->answered, 1);
    }
}

/* Every eighth call is impatient. The generations take turns; an mx caller has ids of its own. */
static int make_calls(void* argument) {
    struct office* office = argument;
    uint32_t number = atomic_fetch_add(&office->next_caller, 1);
    for (uint32_t i = 0; i < CALLS; i++) {
        struct call call;
        bool is_impatient = i % 8 == 7;
        call_init(&call, i % 2 ? &mx : &zx, office->fixture.near, number << 16 | i);
        call.sent.id = number << 16 | i;
        if (is_impatient)
            call.deadline = zx_clock_get_monotonic() + (int64_t)(i % 5) * ZX_USEC(20);
        call_run(&call);
        if (call.status == ZX_OK && call.reply.word == ~call.sent.word)
            continue;
        bool has_timed_out = call.status == ZX_ERR_TIMED_OUT;
        atomic_fetch_add(is_impatient && has_timed_out ? &office->timeouts : &office->faults, 1);
    }
    return 0;
}

/* Replies that came too late wait in the queue: together with those that came in time they are as
 * many as the calls. */
TEST(channel_call_stress, many_callers_and_servers_each_get_their_own_reply) {
    struct office* office = calloc(1, sizeof(*office));
    thrd_t callers[CALLERS], servers[SERVERS];
    int result;
    EXPECT(office);
    CHECK(fixture_create(&office->fixture));
    for (int i = 0; i < SERVERS; i++)
        EXPECT_EQUAL(thrd_create(&servers[i], serve, office), thrd_success);
    for (int i = 0; i < CALLERS; i++)
        EXPECT_EQUAL(thrd_create(&callers[i], make_calls, office), thrd_success);
    for (int i = 0; i < CALLERS; i++)
        EXPECT_EQUAL(thrd_join(callers[i], NULL), thrd_success);
    for (int i = 0; i < 1000 && atomic_load(&office->answered) < CALLERS * CALLS; i++)
        sleep_for(ZX_MSEC(1));
    EXPECT_EQUAL(atomic_load(&office->faults), 0);
    EXPECT_EQUAL(atomic_load(&office->answered), CALLERS * CALLS);
    uint32_t late = 0;
    struct letter letter;
    while (zx_channel_read(office->fixture.near, 0, &letter, NULL, sizeof(letter), 0, NULL, NULL) ==
           ZX_OK)
        late++;
    EXPECT_EQUAL(late, atomic_load(&office->timeouts));
    EXPECT_OK(zx_handle_close(office->fixture.near));
    office->fixture.near = ZX_HANDLE_INVALID;
    for (int i = 0; i < SERVERS; i++) {
        EXPECT_EQUAL(thrd_join(servers[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
    fixture_destroy(&office->fixture);
    free(office);
}

/* --- a call against everything else ------------------------------------------------------- */

struct race {
    struct fixture fixture;
    struct call call;
    struct meeting start;
};

static int race_call(void* argument) {
    struct race* race = argument;
    meet(&race->start);
    call_run(&race->call);
    return 0;
}

static void against_close(struct race* race) {
    zx_handle_close(race->fixture.near);
}

static void against_peer_close(struct race* race) {
    zx_handle_close(race->fixture.far);
}

static void against_replace(struct race* race) {
    zx_handle_replace(race->fixture.near, ZX_RIGHT_SAME_RIGHTS, &race->fixture.near);
}

static void against_transfer(struct race* race) {
    zx_handle_t ends[2];
    zx_channel_create(0, &ends[0], &ends[1]);
    mx_channel_write(ends[0], 0, NULL, 0, &race->fixture.near, 1);
    zx_handle_close_many(ends, 2);
}

/* Waits for the message and replies, with a handle, too. */
static void against_answer(struct race* race) {
    struct letter letter;
    zx_handle_t handle = ZX_HANDLE_INVALID, far = race->fixture.far;
    if (zx_object_wait_one(far, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL) == ZX_OK &&
        zx_channel_read(far, 0, &letter, &handle, sizeof(letter), 1, NULL, NULL) == ZX_OK)
        zx_channel_write(far, 0, &letter, sizeof(letter), &handle, 1);
}

static void against_answer_and_close(struct race* race) {
    against_answer(race);
    zx_handle_close(race->fixture.far);
}

static bool is_plausible(const struct call* call) {
    zx_status_t status = call->status == MX_ERR_CALL_FAILED ? call->read_status : call->status;
    return status == ZX_OK || status == ZX_ERR_BAD_HANDLE || status == ZX_ERR_CANCELED ||
           status == ZX_ERR_PEER_CLOSED || status == ZX_ERR_TIMED_OUT;
}

static void run_race(const struct generation* generation, void (*action)(struct race*),
                     zx_duration_t patience) {
    struct race* race = calloc(1, sizeof(*race));
    EXPECT(race);
    for (int round = 0; round < ROUNDS; round++) {
        zx_handle_t event;
        race->start = (struct meeting){0};
        CHECK(fixture_create(&race->fixture));
        EXPECT_OK(zx_event_create(0, &event));
        struct call* call = &race->call;
        call_init(call, generation, race->fixture.near, 1);
        call->sent_handles[0] = duplicate(event);
        call->args.wr_handles = call->sent_handles;
        call->args.wr_num_handles = 1;
        call->args.rd_handles = call->reply_handles;
        call->args.rd_num_handles = 1;
        call->deadline = zx_clock_get_monotonic() + patience;
        EXPECT_EQUAL(thrd_create(&call->thread, race_call, race), thrd_success);
        meet(&race->start);
        action(race);
        CHECK(call_join(call));
        EXPECT(is_plausible(call));
        EXPECT_EQUAL(handle_is_valid(call->reply_handles[0]), call->status == ZX_OK);
        zx_handle_close(call->reply_handles[0]);
        zx_handle_close(call->sent_handles[0]);
        fixture_destroy(&race->fixture);
        EXPECT_EQUAL(object_handle_count(event), 1);
        EXPECT_OK(zx_handle_close(event));
    }
    free(race);
}

#define RACE(what, patience)                                            \
    TEST(channel_call_stress, call_##what) {                            \
        CHECK(run_race(&zx, what, patience)); /* warms the caches up */ \
        zx_info_kernel_memory_t before = kernel_memory();               \
        CHECK(run_race(&zx, what, patience));                           \
        CHECK(run_race(&mx, what, patience));                           \
        CHECK(expect_no_leak(&before, 16));                             \
    }

RACE(against_close, ZX_SEC(10))
RACE(against_peer_close, ZX_SEC(10))
RACE(against_replace, ZX_SEC(10))
RACE(against_transfer, ZX_SEC(10))
RACE(against_answer, ZX_SEC(10))
RACE(against_answer_and_close, ZX_SEC(10))

/* The caller gives up at about the time of the reply. */
static void against_late_answer(struct race* race) {
    against_answer(race);
}
RACE(against_late_answer, ZX_USEC(100))

/* --- fairness ----------------------------------------------------------------------------- */

struct busy {
    atomic_bool must_stop;
    atomic_ulong count;
};

static int count_up(void* argument) {
    struct busy* busy = argument;
    while (!atomic_load(&busy->must_stop))
        atomic_fetch_add(&busy->count, 1);
    return 0;
}

#define COUNTERS 4
#define ENOUGH 1000u
#define CALLS_MAX 60000u /* many more than fit into a slice for each of the counters */

static bool have_all_counted(const struct busy* busy) {
    for (int i = 0; i < COUNTERS; i++)
        if (atomic_load(&busy[i].count) < ENOUGH)
            return false;
    return true;
}

/* There are more counters than free CPUs, so that some share one with the caller or the server. */
TEST(channel_call_stress, calls_without_end_leave_time_to_others) {
    struct office* office = calloc(1, sizeof(*office));
    static struct busy busy[COUNTERS];
    thrd_t server, counters[COUNTERS];
    uint32_t calls = 0;
    EXPECT(office);
    CHECK(fixture_create(&office->fixture));
    EXPECT_EQUAL(thrd_create(&server, serve, office), thrd_success);
    for (int i = 0; i < COUNTERS; i++)
        EXPECT_EQUAL(thrd_create(&counters[i], count_up, &busy[i]), thrd_success);
    while (calls < CALLS_MAX && (!have_all_counted(busy) || calls < ENOUGH / 10)) {
        struct call call;
        call_init(&call, &zx, office->fixture.near, calls++);
        call_run(&call);
        EXPECT_OK(call.status);
    }
    for (int i = 0; i < COUNTERS; i++)
        atomic_store(&busy[i].must_stop, true);
    EXPECT(have_all_counted(busy));
    for (int i = 0; i < COUNTERS; i++)
        EXPECT_EQUAL(thrd_join(counters[i], NULL), thrd_success);
    EXPECT_OK(zx_handle_close(office->fixture.near));
    office->fixture.near = ZX_HANDLE_INVALID;
    EXPECT_EQUAL(thrd_join(server, NULL), thrd_success);
    fixture_destroy(&office->fixture);
    free(office);
}
