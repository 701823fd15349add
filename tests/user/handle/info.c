/* object_get_info on handles, and names. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/object.h>
#include <stdlib.h>
#include <zircon/process.h>

TEST(zx_object_get_info, basic_tells_type_rights_and_peer) {
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

/* --- errors, in both generations -------------------------------------------------------------- */

typedef zx_status_t (*get_info_t)(zx_handle_t handle, uint32_t topic, void* buffer, size_t size,
                                  size_t* actual, size_t* available);

static void expect_faults_in_order(get_info_t get_info) {
    zx_info_process_t info;
    zx_handle_t event;
    memset(&info, 0x5a, sizeof(info));
    zx_info_process_t before = info;
    EXPECT_OK(zx_event_create(0, &event));
    zx_handle_t process = duplicate_without(zx_process_self(), ZX_RIGHT_INSPECT);
    EXPECT_STATUS(get_info(stale_handle(), 9999, &info, sizeof(info), NULL, NULL),
                  ZX_ERR_NOT_SUPPORTED);
    EXPECT_STATUS(get_info(stale_handle(), ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(get_info(event, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL),
                  ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_BYTES(&info, &before, sizeof(info));
    EXPECT_OK(zx_handle_close(event));
    EXPECT_OK(zx_handle_close(process));
}

TEST(zx_object_get_info, faults_are_told_in_order) {
    CHECK(expect_faults_in_order(zx_object_get_info));
}

TEST(mx_object_get_info, faults_are_told_in_order) {
    CHECK(expect_faults_in_order(mx_object_get_info));
}

static void expect_short_buffer_untouched(get_info_t get_info) {
    zx_handle_t event;
    zx_info_handle_basic_t info;
    size_t actual = 77, available = 77;
    EXPECT_OK(zx_event_create(0, &event));
    memset(&info, 0x5a, sizeof(info));
    EXPECT_STATUS(
        get_info(event, ZX_INFO_HANDLE_BASIC, &info, sizeof(info) - 1, &actual, &available),
        ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(info.koid, 0x5a5a5a5a5a5a5a5a);
    EXPECT_EQUAL(actual, 0);
    EXPECT_EQUAL(available, 1);
    EXPECT_OK(zx_handle_close(event));
}

TEST(zx_object_get_info, short_buffer_is_buffer_too_small_and_untouched) {
    CHECK(expect_short_buffer_untouched(zx_object_get_info));
}

TEST(mx_object_get_info, short_buffer_is_buffer_too_small_and_untouched) {
    CHECK(expect_short_buffer_untouched(mx_object_get_info));
}

TEST(mx_object_get_info, bad_pointers_are_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    zx_handle_t event;
    zx_info_handle_basic_t info;
    EXPECT_OK(zx_event_create(0, &event));
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(
            mx_object_get_info(event, MX_INFO_HANDLE_BASIC, bad[i], sizeof(info), NULL, NULL),
            MX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(event));
}

/* Every type of object says what it is. */
TEST(zx_object_get_info, types) {
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
        EXPECT_OK(zx_object_get_info(objects[i].handle, ZX_INFO_HANDLE_BASIC, &info, sizeof(info),
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
    /* One that is gone is not listed any more. */
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

TEST(zx_object_get_info, process_threads_needs_enumerate) {
    zx_koid_t koid = 1;
    size_t actual = 77;
    zx_handle_t poor = duplicate_without(zx_process_self(), ZX_RIGHT_ENUMERATE);
    zx_handle_t rich = duplicate_without(zx_process_self(), ZX_RIGHT_INSPECT);
    EXPECT_STATUS(
        zx_object_get_info(poor, ZX_INFO_PROCESS_THREADS, &koid, sizeof(koid), &actual, NULL),
        ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_get_info(zx_thread_self(), ZX_INFO_PROCESS_THREADS, &koid, sizeof(koid),
                                     &actual, NULL),
                  ZX_ERR_WRONG_TYPE);
    EXPECT_EQUAL(koid, 1);
    EXPECT_EQUAL(actual, 77);
    EXPECT_OK(
        zx_object_get_info(rich, ZX_INFO_PROCESS_THREADS, &koid, sizeof(koid), &actual, NULL));
    EXPECT_EQUAL(actual, 1);
    EXPECT(koid != 1);
    EXPECT_OK(zx_handle_close(poor));
    EXPECT_OK(zx_handle_close(rich));
}

TEST(mx_object_get_info, answers_as_zx_does) {
    mx_handle_t event;
    mx_info_handle_basic_t info;
    EXPECT_STATUS(mx_event_create(0, &event), MX_OK);
    EXPECT_STATUS(mx_object_get_info(event, MX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL),
                  MX_OK);
    EXPECT_EQUAL(info.type, MX_OBJ_TYPE_EVENT);
    EXPECT_EQUAL(info.related_koid, MX_KOID_INVALID);
    EXPECT_STATUS(mx_handle_close(event), MX_OK);
}

TEST(zx_object_set_property, name_of_a_vmo_is_kept_and_cut) {
    zx_handle_t vmo;
    char name[ZX_MAX_NAME_LEN];
    static const char long_name[] = "a name that is quite a bit longer than a name may be";
    EXPECT_OK(zx_vmo_create(1, 0, &vmo));
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, "ruby", 4));
    EXPECT_OK(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_STRING(name, "ruby");
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, long_name, sizeof(long_name)));
    EXPECT_OK(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_EQUAL(strlen(name), ZX_MAX_NAME_LEN - 1);
    EXPECT_EQUAL(strncmp(name, long_name, ZX_MAX_NAME_LEN - 1), 0);
    EXPECT_STATUS(zx_object_get_property(vmo, ZX_PROP_NAME, name, 31), ZX_ERR_BUFFER_TOO_SMALL);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_object_set_property, needs_the_right) {
    zx_handle_t vmo;
    char name[ZX_MAX_NAME_LEN];
    EXPECT_OK(zx_vmo_create(1, 0, &vmo));
    zx_handle_t no_set = duplicate_without(vmo, ZX_RIGHT_SET_PROPERTY);
    zx_handle_t no_get = duplicate_without(vmo, ZX_RIGHT_GET_PROPERTY);
    EXPECT_STATUS(zx_object_set_property(no_set, ZX_PROP_NAME, "x", 1), ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_get_property(no_get, ZX_PROP_NAME, name, sizeof(name)),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_STATUS(zx_object_set_property(vmo, 9999, "x", 1), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(no_set));
    EXPECT_OK(zx_handle_close(no_get));
    EXPECT_OK(zx_handle_close(vmo));
}
