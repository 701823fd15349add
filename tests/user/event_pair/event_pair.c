/* eventpair_create, and what signals do between the two ends. */
#include <create_pair.h>
#include <helper.h>
#include <objects.h>
#include <race.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <threads.h>

#define EVENT_PAIR_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER)
#define PATIENCE (zx_clock_get_monotonic() + ZX_SEC(30))

/* One generation's spelling. */
struct generation {
    zx_status_t (*create)(uint32_t, zx_handle_t*, zx_handle_t*);
    zx_status_t (*signal)(zx_handle_t, uint32_t, uint32_t);
    zx_status_t (*signal_peer)(zx_handle_t, uint32_t, uint32_t);
};
static const struct generation zx = {zx_eventpair_create, zx_object_signal, zx_object_signal_peer};
static const struct generation mx = {mx_eventpair_create, mx_object_signal, mx_object_signal_peer};

/* --- create ----------------------------------------------------------------------------------- */

TEST_BOTH(eventpair_create, makes_two_ends_without_signals) {
    CHECK(expect_two_ends(generation->create, 0, ZX_OBJ_TYPE_EVENTPAIR, EVENT_PAIR_RIGHTS, 0));
}

TEST_BOTH(eventpair_create, options_are_not_supported) {
    static const uint32_t unknown[] = {1, 2, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < countof(unknown); i++)
        CHECK(expect_options_refused(generation->create, unknown[i], ZX_ERR_NOT_SUPPORTED));
}

TEST_BOTH(eventpair_create, bad_out_pointers_are_invalid_args_and_leak_nothing) {
    CHECK(expect_bad_places_refused(generation->create, 0));
}

TEST(zx_eventpair_create, a_thousand_pairs_leave_no_memory_behind) {
    for (int round = 0; round < 2; round++) {
        zx_info_kernel_memory_t before = kernel_memory();
        for (int i = 0; i < 1000; i++) {
            zx_handle_t ends[2];
            EXPECT_OK(zx_eventpair_create(0, &ends[i % 2], &ends[1 - i % 2]));
            EXPECT_OK(zx_handle_close(ends[0]));
            EXPECT_OK(zx_handle_close(ends[1]));
        }
        if (round > 0) /* the first warms the caches up */
            CHECK(expect_no_leak(&before, 2));
    }
}

struct pair {
    zx_handle_t near, far;
};

static void pair_create(struct pair* pair, const struct generation* generation) {
    EXPECT_OK(generation->create(0, &pair->near, &pair->far));
}

static void pair_close(const struct pair* pair) {
    zx_handle_close(pair->near);
    zx_handle_close(pair->far);
}

static void expect_signals(const struct pair* pair, zx_signals_t near, zx_signals_t far) {
    EXPECT_EQUAL(object_signals(pair->near), near);
    EXPECT_EQUAL(object_signals(pair->far), far);
}

/* Signals that programs may not change: one of each kind, and one that does not exist. */
static const zx_signals_t kernels[] = {ZX_OBJECT_READABLE, ZX_OBJECT_WRITABLE,
                                       ZX_EVENTPAIR_PEER_CLOSED, ZX_SIGNAL_HANDLE_CLOSED, 1u << 10};

/* --- signals of this end ---------------------------------------------------------------------- */

TEST_BOTH(object_signal, changes_this_end_of_a_pair_only) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    EXPECT_OK(generation->signal(pair.near, 0, ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_0));
    CHECK(expect_signals(&pair, ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_0, 0));
    EXPECT_OK(generation->signal(pair.near, ZX_EVENTPAIR_SIGNALED, ZX_USER_SIGNAL_7));
    CHECK(expect_signals(&pair, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_7, 0));
    pair_close(&pair);
}

TEST_BOTH(object_signal, changes_an_end_whose_peer_is_closed) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    EXPECT_OK(generation->signal(pair.near, 0, ZX_USER_SIGNAL_0 | ZX_USER_SIGNAL_7));
    EXPECT_OK(zx_handle_close(pair.far));
    EXPECT_OK(generation->signal(pair.near, ZX_USER_SIGNAL_ALL, ZX_EVENTPAIR_SIGNALED));
    EXPECT_EQUAL(object_signals(pair.near), ZX_EVENTPAIR_SIGNALED | ZX_EVENTPAIR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.near));
}

TEST_BOTH(object_signal, signals_of_the_kernel_are_invalid_args_at_a_pair) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    for (size_t i = 0; i < countof(kernels); i++) {
        zx_signals_t mask = kernels[i] | ZX_USER_SIGNAL_0;
        EXPECT_STATUS(generation->signal(pair.near, 0, mask), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->signal(pair.near, mask, 0), ZX_ERR_INVALID_ARGS);
    }
    CHECK(expect_signals(&pair, 0, 0));
    pair_close(&pair);
}

TEST_BOTH(object_signal, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(generation->signal(0, 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->signal(stale_handle(), 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(object_signal, missing_signal_right_is_access_denied_at_a_pair) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    zx_handle_t poor = duplicate_without(pair.near, ZX_RIGHT_SIGNAL);
    EXPECT_STATUS(generation->signal(poor, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    CHECK(expect_signals(&pair, 0, 0));
    EXPECT_OK(zx_handle_close(poor));
    pair_close(&pair);
}

TEST_BOTH(object_signal, no_right_but_signal_is_needed) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    zx_handle_t only_signal = duplicate_without(pair.near, (zx_rights_t)~ZX_RIGHT_SIGNAL);
    EXPECT_OK(generation->signal(only_signal, 0, ZX_USER_SIGNAL_0));
    CHECK(expect_signals(&pair, ZX_USER_SIGNAL_0, 0));
    EXPECT_OK(zx_handle_close(only_signal));
    pair_close(&pair);
}

/* --- signals of the other end ----------------------------------------------------------------- */

TEST_BOTH(object_signal_peer, changes_the_other_end_of_a_pair_only) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    EXPECT_OK(generation->signal_peer(pair.near, 0, ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_3));
    CHECK(expect_signals(&pair, 0, ZX_EVENTPAIR_SIGNALED | ZX_USER_SIGNAL_3));
    EXPECT_OK(generation->signal_peer(pair.near, ZX_USER_SIGNAL_ALL, 0));
    CHECK(expect_signals(&pair, 0, ZX_EVENTPAIR_SIGNALED));
    EXPECT_OK(generation->signal_peer(pair.far, 0, ZX_USER_SIGNAL_1));
    CHECK(expect_signals(&pair, ZX_USER_SIGNAL_1, ZX_EVENTPAIR_SIGNALED));
    pair_close(&pair);
}

TEST_BOTH(object_signal_peer, signals_of_the_kernel_are_invalid_args_at_a_pair) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    for (size_t i = 0; i < countof(kernels); i++) {
        zx_signals_t mask = kernels[i] | ZX_USER_SIGNAL_0;
        EXPECT_STATUS(generation->signal_peer(pair.near, 0, mask), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->signal_peer(pair.near, mask, 0), ZX_ERR_INVALID_ARGS);
    }
    CHECK(expect_signals(&pair, 0, 0));
    pair_close(&pair);
}

TEST_BOTH(object_signal_peer, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(generation->signal_peer(0, 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(generation->signal_peer(stale_handle(), 0, ZX_USER_SIGNAL_0), ZX_ERR_BAD_HANDLE);
}

TEST_BOTH(object_signal_peer, missing_signal_peer_right_is_access_denied_at_a_pair) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    zx_handle_t poor = duplicate_without(pair.near, ZX_RIGHT_SIGNAL_PEER);
    EXPECT_STATUS(generation->signal_peer(poor, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
    CHECK(expect_signals(&pair, 0, 0));
    EXPECT_OK(zx_handle_close(poor));
    pair_close(&pair);
}

TEST_BOTH(object_signal_peer, no_right_but_signal_peer_is_needed) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    zx_handle_t only_peer = duplicate_without(pair.near, (zx_rights_t)~ZX_RIGHT_SIGNAL_PEER);
    EXPECT_OK(generation->signal_peer(only_peer, 0, ZX_USER_SIGNAL_1));
    CHECK(expect_signals(&pair, 0, ZX_USER_SIGNAL_1));
    EXPECT_OK(zx_handle_close(only_peer));
    pair_close(&pair);
}

/* --- closing ---------------------------------------------------------------------------------- */

TEST_BOTH(object_signal_peer, a_closed_end_is_peer_closed) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    EXPECT_OK(zx_handle_close(pair.far));
    EXPECT_STATUS(generation->signal_peer(pair.near, 0, ZX_USER_SIGNAL_0), ZX_ERR_PEER_CLOSED);
    EXPECT_STATUS(generation->signal_peer(pair.near, 0, 0), ZX_ERR_PEER_CLOSED);
    EXPECT_EQUAL(object_signals(pair.near), ZX_EVENTPAIR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.near));
}

TEST_BOTH(object_signal_peer, the_masks_come_before_the_closed_end) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    EXPECT_OK(zx_handle_close(pair.far));
    EXPECT_STATUS(generation->signal_peer(pair.near, 0, ZX_OBJECT_READABLE), ZX_ERR_INVALID_ARGS);
    EXPECT_STATUS(generation->signal_peer(pair.near, ZX_OBJECT_READABLE, 0), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(pair.near));
}

TEST_BOTH(eventpair_create, an_end_is_closed_with_its_last_handle) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    zx_handle_t second = duplicate(pair.far);
    EXPECT_OK(zx_handle_close(pair.far));
    EXPECT_EQUAL(object_signals(pair.near), 0);
    EXPECT_OK(zx_handle_close(second));
    EXPECT_EQUAL(object_signals(pair.near), ZX_EVENTPAIR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.near));
}

TEST_BOTH(eventpair_create, signals_of_an_end_stay_when_the_other_is_closed) {
    struct pair pair;
    CHECK(pair_create(&pair, generation));
    EXPECT_OK(generation->signal_peer(pair.far, 0, ZX_EVENTPAIR_SIGNALED));
    EXPECT_OK(zx_handle_close(pair.far));
    EXPECT_EQUAL(object_signals(pair.near), ZX_EVENTPAIR_SIGNALED | ZX_EVENTPAIR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(pair.near));
}

/* What another thread does to the far end, shortly after the wait at the near one began. */
struct deed {
    zx_handle_t near, far;
    void (*action)(struct deed* deed);
};

static void signal_peer(struct deed* deed) {
    zx_object_signal_peer(deed->far, 0, ZX_EVENTPAIR_SIGNALED);
}

static void close_far(struct deed* deed) {
    zx_handle_close(deed->far);
}

static void close_near(struct deed* deed) {
    zx_handle_close(deed->near);
}

static int do_deed(void* argument) {
    struct deed* deed = argument;
    sleep_for(ZX_MSEC(2));
    deed->action(deed);
    return 0;
}

static void wait_row(void (*action)(struct deed*), zx_status_t expected, zx_signals_t shown) {
    struct deed deed = {.action = action};
    zx_signals_t observed = 0;
    thrd_t thread;
    EXPECT_OK(zx_eventpair_create(0, &deed.near, &deed.far));
    zx_handle_t keeper = duplicate(deed.near);
    EXPECT_EQUAL(thrd_create(&thread, do_deed, &deed), thrd_success);
    zx_status_t status = zx_object_wait_one(
        deed.near, ZX_EVENTPAIR_SIGNALED | ZX_EVENTPAIR_PEER_CLOSED, PATIENCE, &observed);
    EXPECT_EQUAL(thrd_join(thread, NULL), thrd_success);
    EXPECT_STATUS(status, expected);
    EXPECT_EQUAL(observed, shown);
    zx_handle_close(deed.near);
    zx_handle_close(deed.far);
    EXPECT_OK(zx_handle_close(keeper));
}

TEST(zx_object_wait_one, is_woken_by_the_other_end_of_a_pair) {
    CHECK(wait_row(signal_peer, ZX_OK, ZX_EVENTPAIR_SIGNALED));
}

TEST(zx_object_wait_one, is_woken_by_the_closing_of_the_other_end_of_a_pair) {
    CHECK(wait_row(close_far, ZX_OK, ZX_EVENTPAIR_PEER_CLOSED));
}

TEST(zx_object_wait_one, is_canceled_by_the_closing_of_its_handle_to_a_pair) {
    CHECK(wait_row(close_near, ZX_ERR_CANCELED, ZX_SIGNAL_HANDLE_CLOSED));
}

/* --- two processes ---------------------------------------------------------------------------- */

/* Replies to each signal of the other end with one of its own, until that end is closed. */
HELPER(answers) {
    zx_handle_t end = ZX_HANDLE_INVALID;
    zx_signals_t shown = 0;
    if (channel_receive(channel, NULL, 0, NULL, &end, 1, NULL) != ZX_OK)
        return 1;
    for (int count = 0;; count++) {
        if (zx_object_wait_one(end, ZX_EVENTPAIR_SIGNALED | ZX_EVENTPAIR_PEER_CLOSED,
                               ZX_TIME_INFINITE, &shown) != ZX_OK)
            return 2;
        if (shown & ZX_EVENTPAIR_PEER_CLOSED)
            return count;
        zx_object_signal(end, ZX_EVENTPAIR_SIGNALED, 0);
        zx_object_signal_peer(end, 0, ZX_EVENTPAIR_SIGNALED);
    }
}

TEST(event_pair_processes, signals_go_to_and_fro_until_an_end_is_closed) {
    enum { ROUNDS = 100 };
    struct helper helper;
    zx_handle_t near, far;
    CHECK(helper_start(&helper, "answers"));
    EXPECT_OK(zx_eventpair_create(0, &near, &far));
    EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &far, 1));
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT_OK(zx_object_signal_peer(near, 0, ZX_EVENTPAIR_SIGNALED));
        EXPECT_OK(zx_object_wait_one(near, ZX_EVENTPAIR_SIGNALED, PATIENCE, NULL));
        EXPECT_OK(zx_object_signal(near, ZX_EVENTPAIR_SIGNALED, 0));
    }
    EXPECT_OK(zx_handle_close(near));
    CHECK(helper_finish(&helper, ROUNDS));
}

TEST(event_pair_processes, the_end_of_a_killed_process_is_closed) {
    struct helper helper;
    zx_handle_t near, far;
    CHECK(helper_start(&helper, "answers"));
    EXPECT_OK(zx_eventpair_create(0, &near, &far));
    EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &far, 1));
    EXPECT_OK(zx_object_signal_peer(near, 0, ZX_EVENTPAIR_SIGNALED));
    EXPECT_OK(zx_object_wait_one(near, ZX_EVENTPAIR_SIGNALED, PATIENCE, NULL));
    CHECK(helper_kill(&helper));
    EXPECT(wait_for(near, ZX_EVENTPAIR_PEER_CLOSED, ZX_SEC(10)));
    EXPECT_STATUS(zx_object_signal_peer(near, 0, ZX_EVENTPAIR_SIGNALED), ZX_ERR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close(near));
    helper_close(&helper);
}

/* --- at the same moment ----------------------------------------------------------------------- */

static int race_signal_from_far(struct race* race) {
    zx_status_t status = zx_object_signal_peer(race->far, 0, ZX_EVENTPAIR_SIGNALED);
    return !is_one_of(status, ZX_ERR_PEER_CLOSED, ZX_OK, ZX_OK);
}

static void create_for_race(struct race* race, int round) {
    (void)round;
    EXPECT_OK(zx_eventpair_create(0, &race->near, &race->far));
}

TEST(event_pair_stress, close_against_signal_of_the_peer) {
    CHECK(race_run(create_for_race, race_close, race_signal_from_far));
}

TEST(event_pair_stress, close_of_both_ends) {
    CHECK(race_run(create_for_race, race_close, race_close_peer));
}
