/* A process has a bounded number of handles. Past it, each call that makes handles is NO_RESOURCES
 * and makes nothing. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <stdlib.h>
#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define UNTOUCHED 0x77

/* Handles to one event, as many as the table takes. */
struct filling {
    zx_handle_t event;
    zx_handle_t* handles;
    size_t count;
    zx_status_t status; /* of the duplicate that failed */
};

static void fill(struct filling* filling) {
    filling->handles = malloc((PROCESS_MAX_HANDLES + 1) * sizeof(*filling->handles));
    EXPECT(filling->handles);
    EXPECT_OK(zx_event_create(0, &filling->event));
    filling->count = 0;
    filling->status = ZX_OK;
    while (filling->count <= PROCESS_MAX_HANDLES && filling->status == ZX_OK) {
        filling->status = zx_handle_duplicate(filling->event, ZX_RIGHT_SAME_RIGHTS,
                                              &filling->handles[filling->count]);
        if (filling->status == ZX_OK)
            filling->count++;
    }
}

/* Closes all but the event itself. */
static zx_status_t drain(struct filling* filling) {
    zx_status_t status = zx_handle_close_many(filling->handles, filling->count);
    free(filling->handles);
    return status;
}

TEST(handle_table, is_bounded_and_works_again_afterwards) {
    struct filling filling = {0};
    CHECK(fill(&filling));
    zx_handle_t other = UNTOUCHED;
    zx_status_t create = zx_event_create(0, &other);
    EXPECT_OK(drain(&filling));
    EXPECT_STATUS(filling.status, ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(create, ZX_ERR_NO_RESOURCES);
    EXPECT_EQUAL(other, UNTOUCHED);
    EXPECT(filling.count > 200000);
    EXPECT_EQUAL(object_handle_count(filling.event), 1);
    EXPECT_OK(zx_handle_close(filling.event));
}

/* --- what the calls do then ------------------------------------------------------------------- */

/* What the calls are made on, from before the table was full. */
struct scene {
    zx_handle_t vmo;
    zx_handle_t channel[2], pipe[2]; /* a message with two handles waits at [1] */
    struct helper helper;            /* replies with two handles */
};

/* To each message the same id comes back, and two handles. */
HELPER(replies_with_two_handles) {
    uint32_t id;
    zx_handle_t handles[2];
    while (channel_receive(channel, &id, sizeof(id), NULL, NULL, 0, NULL) == ZX_OK) {
        if (zx_eventpair_create(0, &handles[0], &handles[1]) != ZX_OK ||
            zx_channel_write(channel, 0, &id, sizeof(id), handles, 2) != ZX_OK)
            return 1;
    }
    return 0;
}

static void scene_create(struct scene* scene) {
    zx_handle_t sent[2];
    EXPECT_OK(zx_vmo_create(PAGE, 0, &scene->vmo));
    EXPECT_OK(zx_channel_create(0, &scene->channel[0], &scene->channel[1]));
    EXPECT_STATUS(mx_msgpipe_create(scene->pipe, 0), NO_ERROR);
    EXPECT_OK(zx_eventpair_create(0, &sent[0], &sent[1]));
    EXPECT_OK(zx_channel_write(scene->channel[0], 0, "c", 1, sent, 2));
    EXPECT_OK(zx_eventpair_create(0, &sent[0], &sent[1]));
    EXPECT_STATUS(mx_msgpipe_write(scene->pipe[0], "p", 1, sent, 2, 0), NO_ERROR);
    CHECK(helper_start(&scene->helper, "replies_with_two_handles"));
}

static void scene_destroy(struct scene* scene) {
    const zx_handle_t handles[] = {scene->vmo, scene->channel[0], scene->channel[1], scene->pipe[0],
                                   scene->pipe[1]};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
    EXPECT_OK(zx_task_kill(scene->helper.process));
    helper_close(&scene->helper);
}

static void expect_no_single_handle(const struct scene* scene) {
    zx_handle_t out = UNTOUCHED;
    zx_vaddr_t address;
    EXPECT_STATUS(zx_event_create(0, &out), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_handle_duplicate(scene->vmo, ZX_RIGHT_SAME_RIGHTS, &out), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_vmo_create(PAGE, 0, &out), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_vmo_clone(scene->vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &out),
                  ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_job_create(zx_job_default(), 0, &out), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_thread_create(zx_process_self(), "t", 1, 0, &out), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(
        zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ, 0, PAGE, &out, &address),
        ZX_ERR_NO_RESOURCES);
    EXPECT_EQUAL(out, UNTOUCHED);
}

/* One place is free: too few for two handles. */
static void expect_no_pair(void) {
    zx_handle_t out[2] = {UNTOUCHED, UNTOUCHED};
    EXPECT_STATUS(zx_channel_create(0, &out[0], &out[1]), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_eventpair_create(0, &out[0], &out[1]), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_socket_create(0, &out[0], &out[1]), ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(zx_process_create(zx_job_default(), "p", 1, 0, &out[0], &out[1]),
                  ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(mx_msgpipe_create(out, 0), ERR_NO_RESOURCES);
    EXPECT_STATUS(mx_datapipe_create(0, 1, PAGE, &out[1]), ERR_NO_RESOURCES);
    EXPECT_EQUAL(out[0], UNTOUCHED);
    EXPECT_EQUAL(out[1], UNTOUCHED);
}

/* Too many for the free place; the message stays. */
static void expect_message_stays(const struct scene* scene) {
    zx_handle_t handles[2] = {UNTOUCHED, UNTOUCHED};
    char byte = 'x';
    uint32_t bytes = 1, count = 2;
    EXPECT_STATUS(zx_channel_read(scene->channel[1], 0, &byte, handles, 1, 2, &bytes, &count),
                  ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(mx_msgpipe_read(scene->pipe[1], &byte, &bytes, handles, &count, 0),
                  ERR_NO_RESOURCES);
    EXPECT_EQUAL(handles[0], UNTOUCHED);
    EXPECT_EQUAL(handles[1], UNTOUCHED);
    EXPECT(object_signals(scene->channel[1]) & ZX_CHANNEL_READABLE);
    EXPECT(object_signals(scene->pipe[1]) & ZX_CHANNEL_READABLE);
}

static void expect_reply_dropped(const struct scene* scene) {
    uint32_t request = 5, reply = 0, bytes, count;
    zx_handle_t handles[2] = {UNTOUCHED, UNTOUCHED};
    zx_status_t read_status = ZX_OK;
    const zx_channel_call_args_t args = {
        .wr_bytes = &request,
        .wr_num_bytes = sizeof(request),
        .rd_bytes = &reply,
        .rd_num_bytes = sizeof(reply),
        .rd_handles = handles,
        .rd_num_handles = 2,
    };
    zx_handle_t channel = scene->helper.channel;
    EXPECT_STATUS(zx_channel_call(channel, 0, ZX_TIME_INFINITE, &args, &bytes, &count),
                  ZX_ERR_NO_RESOURCES);
    EXPECT_STATUS(
        mx_channel_call(channel, 0, MX_TIME_INFINITE, &args, &bytes, &count, &read_status),
        MX_ERR_CALL_FAILED);
    EXPECT_STATUS(read_status, MX_ERR_NO_RESOURCES);
    EXPECT_EQUAL(handles[0], UNTOUCHED);
    EXPECT_EQUAL(handles[1], UNTOUCHED);
    EXPECT(!(object_signals(channel) & ZX_CHANNEL_READABLE));
}

static void expect_messages_readable(const struct scene* scene) {
    zx_handle_t handles[2];
    char byte = 0;
    uint32_t bytes = 1, count = 2;
    EXPECT_OK(zx_channel_read(scene->channel[1], 0, &byte, handles, 1, 2, &bytes, &count));
    EXPECT_EQUAL(byte, 'c');
    EXPECT_OK(zx_handle_close_many(handles, 2));
    EXPECT_STATUS(mx_msgpipe_read(scene->pipe[1], &byte, &bytes, handles, &count, 0), NO_ERROR);
    EXPECT_EQUAL(byte, 'p');
    EXPECT_OK(zx_handle_close_many(handles, 2));
}

/* The table is full before and afterwards. */
static void call_all(const struct scene* scene, struct filling* filling) {
    zx_handle_t* last = &filling->handles[filling->count - 1];
    CHECK(expect_no_single_handle(scene));
    EXPECT_OK(zx_handle_close(*last));
    *last = ZX_HANDLE_INVALID;
    CHECK(expect_no_pair());
    CHECK(expect_message_stays(scene));
    CHECK(expect_reply_dropped(scene));
    EXPECT_OK(zx_handle_duplicate(filling->event, ZX_RIGHT_SAME_RIGHTS, last));
}

static void call_all_without_leak(const struct scene* scene, struct filling* filling) {
    CHECK(call_all(scene, filling)); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(call_all(scene, filling));
    CHECK(expect_no_leak(&before, 32));
}

TEST(handle_table, full_is_no_resources_for_each_call_that_makes_handles) {
    struct filling filling = {0};
    struct scene scene;
    CHECK(scene_create(&scene));
    CHECK(fill(&filling));
    call_all_without_leak(&scene, &filling);
    EXPECT_OK(drain(&filling));
    CHECK(expect_messages_readable(&scene));
    EXPECT_OK(zx_handle_close(filling.event));
    CHECK(scene_destroy(&scene));
}
