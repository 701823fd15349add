/* The rows of channel_write once more, with the other end in another process: after each failing
 * call nothing has come there, and after a good one everything has. */
#include "fixture.h"

#include <helper.h>
#include <magenta/syscalls.h>
#include <stdlib.h>

/* What the other process reports of the next message that came to it. */
struct sight {
    uint32_t size, handle_count;
    uint32_t first_word;
    zx_koid_t koids[CARGO_MAX];
    zx_rights_t rights[CARGO_MAX];
};

/* The first message brings the end to look at. Then it waits for a request, reports the next
 * message there, and closes the handles. */
HELPER(spectator) {
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
    static struct sight sight;
    zx_handle_t end, handles[CARGO_MAX];
    if (channel_receive(channel, NULL, 0, NULL, &end, 1, NULL) != ZX_OK)
        return 1;
    while (channel_receive(channel, NULL, 0, NULL, NULL, 0, NULL) == ZX_OK) {
        memset(bytes, 0, sizeof(bytes));
        if (channel_receive(end, bytes, sizeof(bytes), &sight.size, handles, CARGO_MAX,
                            &sight.handle_count) != ZX_OK)
            return 2;
        memcpy(&sight.first_word, bytes, sizeof(sight.first_word));
        for (uint32_t i = 0; i < sight.handle_count; i++) {
            sight.koids[i] = handle_koid(handles[i]);
            sight.rights[i] = handle_rights(handles[i]);
        }
        zx_handle_close_many(handles, sight.handle_count);
        if (zx_channel_write(channel, 0, &sight, sizeof(sight), NULL, 0) != ZX_OK)
            return 3;
    }
    return 0;
}

/* A channel whose far end is in another process. */
struct scene {
    struct helper helper;
    zx_handle_t near;
    uint32_t next_word;
};

static void scene_create(struct scene* scene) {
    zx_handle_t far;
    CHECK(helper_start(&scene->helper, "spectator"));
    EXPECT_OK(zx_channel_create(0, &scene->near, &far));
    EXPECT_OK(zx_channel_write(scene->helper.channel, 0, NULL, 0, &far, 1));
    scene->next_word = 1000;
}

static void scene_end(struct scene* scene) {
    EXPECT_OK(zx_handle_close(scene->near));
    CHECK(helper_hang_up(&scene->helper, 0));
}

static void look(struct scene* scene, struct sight* sight) {
    EXPECT_OK(zx_channel_write(scene->helper.channel, 0, NULL, 0, NULL, 0));
    EXPECT_OK(channel_receive(scene->helper.channel, sight, sizeof(*sight), NULL, NULL, 0, NULL));
}

/* What is written now is the next thing that comes: nothing else was queued. */
static void expect_nothing_came(struct scene* scene) {
    static struct sight sight;
    uint32_t word = scene->next_word++;
    EXPECT_OK(zx_channel_write(scene->near, 0, &word, sizeof(word), NULL, 0));
    CHECK(look(scene, &sight));
    EXPECT_EQUAL(sight.first_word, word);
    EXPECT_EQUAL(sight.size, sizeof(word));
    EXPECT_EQUAL(sight.handle_count, 0);
}

/* --- what fails --------------------------------------------------------------------------- */

/* One call with 3 handles of cargo, all good but for what a row changes. */
struct write {
    zx_handle_t handle;
    uint32_t options;
    const void* bytes;
    uint32_t num_bytes;
    zx_handle_t handles[CARGO_MAX + 1];
    uint32_t num_handles;
};

static void too_many_bytes(struct write* write) {
    write->num_bytes = ZX_CHANNEL_MAX_MSG_BYTES + 1;
}
static void bad_options(struct write* write) {
    write->options = 1;
}
static void no_handle(struct write* write) {
    write->handle = stale_handle();
}
static void bad_bytes(struct write* write) {
    write->bytes = BAD_POINTER;
}
static void too_many_handles(struct write* write) {
    write->num_handles = CARGO_MAX + 1;
}
static void bad_element(struct write* write) {
    write->handles[write->num_handles++] = -1;
}
static void repeated_element(struct write* write) {
    write->handles[write->num_handles++] = write->handles[0];
}
static void same_end(struct write* write) {
    write->handles[write->num_handles++] = duplicate(write->handle);
}

static const struct {
    void (*spoil)(struct write* write);
    zx_status_t zx, mx;
} rows[] = {
    {bad_options, ZX_ERR_INVALID_ARGS, MX_ERR_INVALID_ARGS},
    {no_handle, ZX_ERR_BAD_HANDLE, MX_ERR_BAD_HANDLE},
    {too_many_bytes, ZX_ERR_OUT_OF_RANGE, MX_ERR_OUT_OF_RANGE},
    {too_many_handles, ZX_ERR_OUT_OF_RANGE, MX_ERR_OUT_OF_RANGE},
    {bad_bytes, ZX_ERR_INVALID_ARGS, MX_ERR_INVALID_ARGS},
    {bad_element, ZX_ERR_BAD_HANDLE, MX_ERR_BAD_HANDLE},
    {repeated_element, ZX_ERR_BAD_HANDLE, MX_ERR_INVALID_ARGS},
    {same_end, ZX_ERR_NOT_SUPPORTED, MX_ERR_NOT_SUPPORTED},
};

/* Nothing of any failed write comes to the other process. */
static void fail_each(const struct generation* generation) {
    struct scene scene;
    CHECK(scene_create(&scene));
    for (size_t i = 0; i < countof(rows); i++) {
        struct cargo cargo;
        CHECK(cargo_create(&cargo, 3));
        struct write write = {
            .handle = scene.near, .bytes = "12345678", .num_bytes = 8, .num_handles = 3};
        memcpy(write.handles, cargo.handles, 3 * sizeof(write.handles[0]));
        rows[i].spoil(&write);
        EXPECT_STATUS(generation->write(write.handle, write.options, write.bytes, write.num_bytes,
                                        write.handles, write.num_handles),
                      generation == &zx ? rows[i].zx : rows[i].mx);
        CHECK(cargo_expect_fate(&cargo, generation->discards));
        if (rows[i].spoil == same_end)
            zx_handle_close(write.handles[3]);
        EXPECT_EQUAL(object_handle_count(scene.near), 1);
        CHECK(expect_nothing_came(&scene));
        cargo_destroy(&cargo);
    }
    CHECK(scene_end(&scene));
}

TEST(zx_channel_write, every_failure_discards_the_handles) {
    CHECK(fail_each(&zx));
}

TEST(mx_channel_write, after_every_failure_the_handles_stay) {
    CHECK(fail_each(&mx));
}

/* --- what succeeds ------------------------------------------------------------------------ */

TEST_BOTH(channel_write, all_of_a_write_comes_to_another_process) {
    static const uint32_t counts[] = {0, 1, 63, 64};
    static const uint32_t sizes[] = {0, 1, 65535, 65536};
    static char bytes[ZX_CHANNEL_MAX_MSG_BYTES] = "data";
    static struct sight sight;
    struct scene scene;
    CHECK(scene_create(&scene));
    for (size_t i = 0; i < countof(counts); i++) {
        struct cargo cargo;
        zx_koid_t koids[CARGO_MAX];
        CHECK(cargo_create(&cargo, counts[i]));
        for (uint32_t k = 0; k < counts[i]; k++)
            koids[k] = handle_koid(cargo.handles[k]);
        EXPECT_OK(generation->write(scene.near, 0, bytes, sizes[i], cargo.handles, counts[i]));
        CHECK(look(&scene, &sight));
        EXPECT_EQUAL(sight.size, sizes[i]);
        EXPECT_EQUAL(sight.handle_count, counts[i]);
        for (uint32_t k = 0; k < counts[i]; k++) {
            EXPECT_EQUAL(sight.koids[k], koids[k]);
            EXPECT_EQUAL(sight.rights[k], CHANNEL_RIGHTS);
        }
        CHECK(cargo_expect_discarded(&cargo)); /* by the other process */
        cargo_destroy(&cargo);
    }
    CHECK(expect_nothing_came(&scene));
    CHECK(scene_end(&scene));
}

/* --- the other process does not read, or is no more --------------------------------------- */

TEST_BOTH(channel_write, room_comes_back_as_another_process_reads) {
    static struct sight sight;
    struct scene scene;
    uint32_t count = 0;
    zx_status_t status;
    CHECK(scene_create(&scene));
    while ((status = generation->write(scene.near, 0, &count, sizeof(count), NULL, 0)) == ZX_OK)
        count++;
    EXPECT_STATUS(status, ZX_ERR_NO_MEMORY);
    EXPECT_EQUAL(count, CHANNEL_MAX_QUEUED_MESSAGES);
    EXPECT_EQUAL(object_signals(scene.near), 0);
    CHECK(look(&scene, &sight));
    EXPECT_EQUAL(sight.first_word, 0);
    EXPECT(wait_for(scene.near, ZX_CHANNEL_WRITABLE, ZX_SEC(10)));
    EXPECT_OK(generation->write(scene.near, 0, &count, sizeof(count), NULL, 0));
    for (uint32_t i = 1; i <= 5; i++) {
        CHECK(look(&scene, &sight));
        EXPECT_EQUAL(sight.first_word, i);
    }
    CHECK(scene_end(&scene));
}

TEST_BOTH(channel_write, a_dead_process_is_a_closed_peer) {
    struct scene scene;
    struct cargo cargo;
    CHECK(scene_create(&scene));
    CHECK(expect_nothing_came(&scene)); /* it has the end by now */
    CHECK(helper_kill(&scene.helper));
    EXPECT_EQUAL(object_signals(scene.near), ZX_CHANNEL_PEER_CLOSED);
    CHECK(cargo_create(&cargo, 3));
    EXPECT_STATUS(generation->write(scene.near, 0, "x", 1, cargo.handles, 3), ZX_ERR_PEER_CLOSED);
    CHECK(cargo_expect_fate(&cargo, generation->discards));
    cargo_destroy(&cargo);
    EXPECT_OK(zx_handle_close(scene.near));
    helper_close(&scene.helper);
}

/* --- reading what another process wrote --------------------------------------------------- */

/* Writes one message, "abc" and two events, and ends: it waits on, whole. */
HELPER(writes_and_ends) {
    zx_handle_t events[2];
    zx_event_create(0, &events[0]);
    zx_event_create(0, &events[1]);
    return zx_channel_write(channel, 0, "abc", 3, events, 2);
}

TEST(zx_channel_read, what_a_process_wrote_before_its_end_is_read_by_the_same_rules) {
    struct helper helper;
    int64_t code;
    char bytes[4] = "...";
    zx_handle_t handles[2] = {7, 7};
    uint32_t size = 0, count = 0;
    CHECK(helper_start(&helper, "writes_and_ends"));
    EXPECT_OK(helper_wait(&helper, &code));
    EXPECT_EQUAL(code, 0);
    EXPECT_EQUAL(object_signals(helper.channel), ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
    EXPECT_STATUS(zx_channel_read(helper.channel, 0, bytes, handles, 2, 2, &size, &count),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(size, 3);
    EXPECT_EQUAL(count, 2);
    EXPECT_STATUS(zx_channel_read(helper.channel, 0, BAD_POINTER, handles, 3, 2, &size, &count),
                  ZX_ERR_INVALID_ARGS);
    EXPECT_STRING(bytes, "...");
    EXPECT_EQUAL(handles[0], 7);
    EXPECT_OK(zx_channel_read(helper.channel, 0, bytes, handles, 3, 2, &size, &count));
    EXPECT_STRING(bytes, "abc");
    EXPECT_EQUAL(object_handle_count(handles[0]), 1);
    EXPECT_EQUAL(object_handle_count(handles[1]), 1);
    EXPECT_STATUS(zx_channel_read(helper.channel, 0, bytes, handles, 3, 2, &size, &count),
                  ZX_ERR_PEER_CLOSED);
    EXPECT_OK(zx_handle_close_many(handles, 2));
    helper_close(&helper);
}
