/* Handles that go round a ring of processes, again and again. */
#include "fixture.h"

#include <helper.h>
#include <stdlib.h>

#define MEMBERS 4
#define TOKENS 64u

/* With each token: an event, which goes from one member to the next. */
struct ticket {
    uint32_t number, hops_left;
};

/* Blocks until there is something to read; a ticket without a token means: stop. */
static zx_status_t next_ticket(zx_handle_t in, struct ticket* ticket, zx_handle_t* token,
                               uint32_t* count) {
    zx_status_t status;
    do {
        uint32_t size;
        status = zx_channel_read(in, 0, ticket, token, sizeof(*ticket), 1, &size, count);
    } while (status == ZX_ERR_SHOULD_WAIT &&
             zx_object_wait_one(in, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE,
                                NULL) == ZX_OK);
    return status;
}

/* The first message brings the handles: from the one before, to the next. A token without hops left
 * goes to the starter. At last so does the number of tokens that came by. */
HELPER(ring_member) {
    zx_handle_t ends[2], token;
    struct ticket ticket;
    uint32_t count, seen = 0;
    if (channel_receive(channel, NULL, 0, NULL, ends, 2, &count) != ZX_OK || count != 2)
        return 1;
    for (;;) {
        if (next_ticket(ends[0], &ticket, &token, &count) != ZX_OK)
            return 2;
        if (count == 0)
            return zx_channel_write(channel, 0, &seen, sizeof(seen), NULL, 0);
        seen++;
        ticket.hops_left--;
        zx_handle_t target = ticket.hops_left == 0 ? channel : ends[1];
        if (zx_channel_write(target, 0, &ticket, sizeof(ticket), &token, 1) != ZX_OK)
            return 3;
    }
}

struct ring {
    struct helper members[MEMBERS];
    zx_handle_t entrances[MEMBERS]; /* to what each member reads from */
};

static void ring_create(struct ring* ring) {
    zx_handle_t in[MEMBERS], out[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        CHECK(helper_start(&ring->members[i], "ring_member"));
        EXPECT_OK(zx_channel_create(0, &out[i], &in[(i + 1) % MEMBERS]));
        ring->entrances[(i + 1) % MEMBERS] = duplicate(out[i]);
    }
    for (int i = 0; i < MEMBERS; i++) {
        const zx_handle_t ends[] = {in[i], out[i]};
        EXPECT_OK(zx_channel_write(ring->members[i].channel, 0, NULL, 0, ends, 2));
    }
}

/* Every member reports how many tokens it saw. */
static void ring_stop(struct ring* ring, uint32_t* seen) {
    *seen = 0;
    for (int i = 0; i < MEMBERS; i++) {
        uint32_t count;
        EXPECT_OK(zx_channel_write(ring->entrances[i], 0, NULL, 0, NULL, 0));
        EXPECT_OK(
            channel_receive(ring->members[i].channel, &count, sizeof(count), NULL, NULL, 0, NULL));
        *seen += count;
        CHECK(helper_finish(&ring->members[i], 0));
        EXPECT_OK(zx_handle_close(ring->entrances[i]));
    }
}

/* Each token is one handle all the time: besides ours there is one, wherever it is. */
static void send_round(struct ring* ring, uint32_t hops) {
    zx_handle_t events[TOKENS], back[TOKENS] = {0};
    for (uint32_t i = 0; i < TOKENS; i++) {
        const struct ticket ticket = {i, hops};
        EXPECT_OK(zx_event_create(0, &events[i]));
        zx_handle_t token = duplicate(events[i]);
        EXPECT_OK(
            zx_channel_write(ring->entrances[i % MEMBERS], 0, &ticket, sizeof(ticket), &token, 1));
    }
    for (uint32_t i = 0; i < TOKENS; i++) {
        /* The hops end where they began, or some members further on. */
        zx_handle_t last = ring->members[(i + hops + MEMBERS - 1) % MEMBERS].channel, token;
        struct ticket ticket;
        uint32_t count;
        EXPECT_EQUAL(object_handle_count(events[i]), 2);
        EXPECT_OK(channel_receive(last, &ticket, sizeof(ticket), NULL, &token, 1, &count));
        EXPECT_EQUAL(count, 1);
        EXPECT(ticket.number < TOKENS);
        EXPECT_EQUAL(back[ticket.number], 0);
        back[ticket.number] = token;
    }
    for (uint32_t i = 0; i < TOKENS; i++) {
        EXPECT_EQUAL(handle_koid(back[i]), handle_koid(events[i]));
        EXPECT_EQUAL(object_handle_count(events[i]), 2);
        EXPECT_OK(zx_handle_close(back[i]));
        EXPECT_EQUAL(object_handle_count(events[i]), 1);
        EXPECT_OK(zx_handle_close(events[i]));
    }
}

static void let_hop(uint32_t hops_in_all) {
    struct ring ring;
    uint32_t seen;
    CHECK(grow_handle_table(4 * TOKENS));
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(ring_create(&ring));
    CHECK(send_round(&ring, hops_in_all / TOKENS));
    CHECK(ring_stop(&ring, &seen));
    EXPECT_EQUAL(seen, hops_in_all);
    CHECK(expect_no_leak(&before, 32));
}

TEST(channel_ring, handles_make_many_hops_and_the_counts_add_up) {
    CHECK(let_hop(16000));
}

TEST_ON_DEMAND(channel_ring_million, handles_make_a_million_hops_and_the_counts_add_up) {
    CHECK(let_hop(1000000));
}
