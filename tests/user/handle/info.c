/* object_get_info: what it shows of handles and objects, and its errors. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/object.h>
#include <stdlib.h>
#include <zircon/process.h>

TEST(zx_object_get_info, basic_shows_type_rights_and_peer) {
    zx_handle_t ends[2];
    zx_info_handle_basic_t info[2];
    size_t actual, available;
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(zx_object_get_info(ends[i], ZX_INFO_HANDLE_BASIC, &info[i], sizeof(info[i]),
                                     &actual, &available));
        EXPECT_EQUAL(actual, 1);
        EXPECT_EQUAL(available, 1);
        EXPECT_EQUAL(info[i].type, ZX_OBJ_TYPE_CHANNEL);
        EXPECT_EQUAL(info[i].rights,
                     ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL | ZX_RIGHT_SIGNAL_PEER);
    }
    EXPECT(info[0].koid != 0 && info[0].koid != info[1].koid);
    EXPECT_EQUAL(info[0].related_koid, info[1].koid);
    EXPECT_EQUAL(info[1].related_koid, info[0].koid);
    EXPECT_OK(zx_handle_close_many(ends, 2));
}

/* --- the related object ----------------------------------------------------------------------- */

static zx_koid_t related_koid(zx_handle_t handle) {
    zx_info_handle_basic_t info = {.related_koid = 77};
    zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    mx_info_handle_basic_t as_mx = {.related_koid = 78};
    mx_object_get_info(handle, MX_INFO_HANDLE_BASIC, &as_mx, sizeof(as_mx), NULL, NULL);
    return info.related_koid == as_mx.related_koid ? info.related_koid : 79;
}

static zx_status_t create_message_pipe(zx_handle_t* end0, zx_handle_t* end1) {
    zx_handle_t ends[2] = {0};
    zx_status_t status = mx_msgpipe_create(ends, 0);
    *end0 = ends[0];
    *end1 = ends[1];
    return status;
}

static zx_status_t create_channel(zx_handle_t* end0, zx_handle_t* end1) {
    return zx_channel_create(0, end0, end1);
}

static zx_status_t create_socket(zx_handle_t* end0, zx_handle_t* end1) {
    return zx_socket_create(0, end0, end1);
}

static zx_status_t create_event_pair(zx_handle_t* end0, zx_handle_t* end1) {
    return zx_eventpair_create(0, end0, end1);
}

static zx_status_t create_data_pipe(zx_handle_t* end0, zx_handle_t* end1) {
    *end0 = mx_datapipe_create(0, 1, 4096, end1);
    return *end0 > 0 ? ZX_OK : *end0;
}

TEST(zx_object_get_info, a_peers_koid_stays_after_it_has_closed) {
    static zx_status_t (*const create[])(zx_handle_t*, zx_handle_t*) = {
        create_channel, create_message_pipe, create_socket, create_event_pair, create_data_pipe};
    for (size_t i = 0; i < countof(create); i++)
        for (int closed = 0; closed < 2; closed++) {
            zx_handle_t ends[2];
            EXPECT_OK(create[i](&ends[0], &ends[1]));
            zx_koid_t koids[2] = {handle_koid(ends[0]), handle_koid(ends[1])};
            EXPECT(koids[0] && koids[1] && koids[0] != koids[1]);
            EXPECT_EQUAL(related_koid(ends[0]), koids[1]);
            EXPECT_EQUAL(related_koid(ends[1]), koids[0]);
            EXPECT_OK(zx_handle_close(ends[closed]));
            EXPECT_EQUAL(related_koid(ends[!closed]), koids[closed]);
            EXPECT_OK(zx_handle_close(ends[!closed]));
        }
}

TEST(zx_object_get_info, a_process_is_related_to_its_job_and_a_thread_to_its_process) {
    zx_handle_t job, process, vmar, thread, event;
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &job));
    EXPECT_OK(zx_process_create(job, "p", 1, 0, &process, &vmar));
    EXPECT_OK(zx_thread_create(process, "t", 1, 0, &thread));
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_EQUAL(related_koid(job), handle_koid(zx_job_default()));
    EXPECT_EQUAL(related_koid(process), handle_koid(job));
    EXPECT_EQUAL(related_koid(thread), handle_koid(process));
    EXPECT_EQUAL(related_koid(zx_thread_self()), handle_koid(zx_process_self()));
    EXPECT_EQUAL(related_koid(vmar), ZX_KOID_INVALID);
    EXPECT_EQUAL(related_koid(event), ZX_KOID_INVALID);
    /* Also when all of it is dead, and the job and the process have no handles any more. */
    zx_koid_t koids[] = {handle_koid(job), handle_koid(process)};
    EXPECT_OK(zx_task_kill(job));
    EXPECT(wait_for(process, ZX_PROCESS_TERMINATED, ZX_SEC(20)));
    EXPECT_OK(zx_handle_close(job));
    EXPECT_EQUAL(related_koid(process), koids[0]);
    EXPECT_OK(zx_handle_close(process));
    EXPECT_EQUAL(related_koid(thread), koids[1]);
    const zx_handle_t handles[] = {vmar, thread, event};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

TEST(zx_object_get_info, koids_are_never_used_twice) {
    zx_koid_t last = 0;
    for (int i = 0; i < 100; i++) {
        zx_handle_t event;
        EXPECT_OK(zx_event_create(0, &event));
        zx_koid_t koid = handle_koid(event);
        EXPECT_OK(zx_handle_close(event));
        EXPECT(koid > last);
        last = koid;
    }
}

/* --- errors ----------------------------------------------------------------------------------- */

/* One generation's spelling. */
struct generation {
    zx_status_t (*get_info)(zx_handle_t handle, uint32_t topic, void* buffer, size_t size,
                            size_t* actual, size_t* available);
};
static const struct generation zx = {zx_object_get_info};
static const struct generation mx = {mx_object_get_info};

/* It fails so, and stores nothing. */
static void expect_no_info(const struct generation* generation, zx_handle_t handle, uint32_t topic,
                           zx_status_t expected) {
    zx_info_process_t info, before;
    size_t actual = 77, available = 78;
    memset(&info, 0x5a, sizeof(info));
    before = info;
    EXPECT_STATUS(generation->get_info(handle, topic, &info, sizeof(info), &actual, &available),
                  expected);
    EXPECT_BYTES(&info, &before, sizeof(info));
    EXPECT_EQUAL(actual, 77);
    EXPECT_EQUAL(available, 78);
}

TEST_BOTH(object_get_info, unknown_topics_are_not_supported_before_the_handle) {
    CHECK(expect_no_info(generation, zx_process_self(), 9999, ZX_ERR_NOT_SUPPORTED));
    CHECK(expect_no_info(generation, stale_handle(), 9999, ZX_ERR_NOT_SUPPORTED));
}

TEST_BOTH(object_get_info, invalid_handle_is_bad_handle) {
    CHECK(expect_no_info(generation, ZX_HANDLE_INVALID, ZX_INFO_PROCESS, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_info(generation, stale_handle(), ZX_INFO_PROCESS, ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(object_get_info, other_object_is_wrong_type) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    CHECK(expect_no_info(generation, event, ZX_INFO_PROCESS, ZX_ERR_WRONG_TYPE));
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(object_get_info, missing_inspect_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_process_self(), ZX_RIGHT_INSPECT);
    CHECK(expect_no_info(generation, poor, ZX_INFO_PROCESS, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
}

TEST_BOTH(object_get_info, short_buffer_is_buffer_too_small_and_untouched) {
    zx_handle_t event;
    zx_info_handle_basic_t info, before;
    size_t actual = 77, available = 77;
    EXPECT_OK(zx_event_create(0, &event));
    memset(&info, 0x5a, sizeof(info));
    before = info;
    EXPECT_STATUS(generation->get_info(event, ZX_INFO_HANDLE_BASIC, &info, sizeof(info) - 1,
                                       &actual, &available),
                  ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_BYTES(&info, &before, sizeof(info));
    EXPECT_EQUAL(actual, 0);
    EXPECT_EQUAL(available, 1);
    EXPECT_OK(zx_handle_close(event));
}

TEST_BOTH(object_get_info, bad_buffer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    size_t actual = 77, available = 78;
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->get_info(zx_process_self(), ZX_INFO_HANDLE_BASIC, bad[i],
                                           sizeof(zx_info_handle_basic_t), &actual, &available),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(actual, 77);
    EXPECT_EQUAL(available, 78);
}

TEST_BOTH(object_get_info, bad_actual_or_available_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    zx_info_handle_basic_t info;
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++) {
        if (!bad[i]) /* not wanted */
            continue;
        EXPECT_STATUS(generation->get_info(zx_process_self(), ZX_INFO_HANDLE_BASIC, &info,
                                           sizeof(info), bad[i], NULL),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(generation->get_info(zx_process_self(), ZX_INFO_HANDLE_BASIC, &info,
                                           sizeof(info), NULL, bad[i]),
                      ZX_ERR_INVALID_ARGS);
    }
}

/* --- what each topic shows -------------------------------------------------------------------- */

TEST_BOTH(object_get_info, every_type_of_object_says_what_it_is) {
    zx_handle_t vmo, event, job;
    zx_info_handle_basic_t info;
    EXPECT_OK(zx_vmo_create(1, 0, &vmo));
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &job));
    const struct {
        zx_handle_t handle;
        uint32_t type;
    } objects[] = {
        {vmo, ZX_OBJ_TYPE_VMO},
        {event, ZX_OBJ_TYPE_EVENT},
        {job, ZX_OBJ_TYPE_JOB},
        {zx_process_self(), ZX_OBJ_TYPE_PROCESS},
        {zx_thread_self(), ZX_OBJ_TYPE_THREAD},
        {zx_vmar_root_self(), ZX_OBJ_TYPE_VMAR},
    };
    for (size_t i = 0; i < countof(objects); i++) {
        EXPECT_OK(generation->get_info(objects[i].handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info),
                                       NULL, NULL));
        EXPECT_EQUAL(info.type, objects[i].type);
    }
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_handle_close(event));
    EXPECT_OK(zx_handle_close(job));
}

TEST(zx_object_get_info, handle_table_lists_what_is_open) {
    zx_handle_t event;
    size_t actual = 0, available = 0, found = 0;
    zx_info_handle_entry_t* entries = calloc(1000, sizeof(*entries));
    EXPECT(entries);
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_OK(zx_object_get_info(zx_process_self(), ZX_INFO_HANDLE_TABLE, entries,
                                 1000 * sizeof(*entries), &actual, &available));
    EXPECT_EQUAL(actual, available);
    for (size_t i = 0; i < actual; i++)
        if (entries[i].handle == event && entries[i].koid == handle_koid(event) &&
            entries[i].rights == handle_rights(event) && entries[i].type == ZX_OBJ_TYPE_EVENT)
            found++;
    free(entries);
    EXPECT_EQUAL(found, 1);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_get_info, process_threads_lists_each_as_far_as_there_is_room) {
    enum { COUNT = 3 };
    zx_handle_t process, vmar, threads[COUNT];
    zx_koid_t koids[COUNT + 1];
    size_t actual = 77, available = 77;
    EXPECT_OK(zx_process_create(zx_job_default(), "p", 1, 0, &process, &vmar));
    EXPECT_OK(zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, NULL, 0, &actual, &available));
    EXPECT_EQUAL(actual, 0);
    EXPECT_EQUAL(available, 0);
    for (int i = 0; i < COUNT; i++)
        EXPECT_OK(zx_thread_create(process, "t", 1, 0, &threads[i]));
    for (size_t room = 0; room <= countof(koids); room++) {
        for (size_t i = 0; i < countof(koids); i++)
            koids[i] = 1;
        /* A part of a koid is no room. */
        EXPECT_OK(zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, koids,
                                     room * sizeof(koids[0]) + 7, &actual, &available));
        EXPECT_EQUAL(actual, room < COUNT ? room : COUNT);
        EXPECT_EQUAL(available, COUNT);
        for (size_t i = 0; i < countof(koids); i++)
            EXPECT_EQUAL(koids[i], i < actual ? handle_koid(threads[i]) : 1);
    }
    /* A thread that is gone is not listed any more. */
    EXPECT_OK(zx_handle_close(threads[1]));
    EXPECT_OK(zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, koids, sizeof(koids), &actual,
                                 &available));
    EXPECT_EQUAL(actual, 2);
    EXPECT_EQUAL(available, 2);
    EXPECT_EQUAL(koids[0], handle_koid(threads[0]));
    EXPECT_EQUAL(koids[1], handle_koid(threads[2]));
    const zx_handle_t handles[] = {process, vmar, threads[0], threads[2]};
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
}

TEST_BOTH(object_get_info, process_threads_without_enumerate_right_is_access_denied) {
    zx_handle_t poor = duplicate_without(zx_process_self(), ZX_RIGHT_ENUMERATE);
    CHECK(expect_no_info(generation, poor, ZX_INFO_PROCESS_THREADS, ZX_ERR_ACCESS_DENIED));
    EXPECT_OK(zx_handle_close(poor));
}

TEST_BOTH(object_get_info, process_threads_of_another_object_is_wrong_type) {
    CHECK(expect_no_info(generation, zx_thread_self(), ZX_INFO_PROCESS_THREADS, ZX_ERR_WRONG_TYPE));
}

TEST_BOTH(object_get_info, process_threads_needs_no_inspect_right) {
    zx_koid_t koid = 1;
    size_t actual = 77;
    zx_handle_t no_inspect = duplicate_without(zx_process_self(), ZX_RIGHT_INSPECT);
    EXPECT_OK(generation->get_info(no_inspect, ZX_INFO_PROCESS_THREADS, &koid, sizeof(koid),
                                   &actual, NULL));
    EXPECT_EQUAL(actual, 1);
    EXPECT(koid != 1);
    EXPECT_OK(zx_handle_close(no_inspect));
}
