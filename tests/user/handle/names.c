/* Names: every object has one, empty until it is set, except where it is made with one. */
#include <objects.h>
#include <test.h>

#include <magenta/syscalls.h>
#include <magenta/syscalls/object.h>
#include <zircon/process.h>

/* One of each type that a program can have. */
enum {
    EVENT,
    PAIR,
    CHANNEL,
    PIPE,
    SOCKET,
    PRODUCER,
    CONSUMER,
    VMO,
    VMAR,
    JOB,
    PROCESS,
    THREAD,
    COUNT
};

struct zoo {
    zx_handle_t handles[COUNT];
    zx_handle_t others[3]; /* of pairs */
    zx_handle_t pipe_end;
};

static void zoo_create(struct zoo* zoo) {
    zx_handle_t* handles = zoo->handles;
    zx_handle_t ends[2];
    EXPECT_OK(zx_event_create(0, &handles[EVENT]));
    EXPECT_OK(zx_eventpair_create(0, &handles[PAIR], &zoo->others[0]));
    EXPECT_OK(zx_channel_create(0, &handles[CHANNEL], &zoo->others[1]));
    EXPECT_OK(mx_msgpipe_create(ends, 0));
    handles[PIPE] = ends[0];
    zoo->pipe_end = ends[1];
    EXPECT_OK(zx_socket_create(0, &handles[SOCKET], &zoo->others[2]));
    handles[PRODUCER] = mx_datapipe_create(0, 1, 4096, &handles[CONSUMER]);
    EXPECT(handles[PRODUCER] > 0);
    EXPECT_OK(zx_vmo_create(1, 0, &handles[VMO]));
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &handles[JOB]));
    EXPECT_OK(zx_process_create(handles[JOB], "p", 1, 0, &handles[PROCESS], &handles[VMAR]));
    EXPECT_OK(zx_thread_create(handles[PROCESS], "t", 1, 0, &handles[THREAD]));
}

static void zoo_destroy(struct zoo* zoo) {
    EXPECT_OK(zx_handle_close_many(zoo->handles, COUNT));
    EXPECT_OK(zx_handle_close_many(zoo->others, countof(zoo->others)));
    EXPECT_OK(zx_handle_close(zoo->pipe_end));
}

TEST(name, of_every_object_can_be_set_and_read) {
    zx_info_kernel_memory_t before = kernel_memory();
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < COUNT; i++) {
            char name[ZX_MAX_NAME_LEN] = "untouched";
            const char* first = i == PROCESS ? "p" : i == THREAD ? "t" : "";
            EXPECT_OK(zx_object_get_property(zoo.handles[i], ZX_PROP_NAME, name, sizeof(name)));
            EXPECT_STRING(name, round == 0 ? first : "ruby");
            EXPECT_OK(mx_object_set_property(zoo.handles[i], MX_PROP_NAME, "agate", 5));
            EXPECT_OK(mx_object_get_property(zoo.handles[i], MX_PROP_NAME, name, sizeof(name)));
            EXPECT_STRING(name, "agate");
            EXPECT_OK(zx_object_set_property(zoo.handles[i], ZX_PROP_NAME, "ruby", 5));
            EXPECT_OK(zx_object_get_property(zoo.handles[i], ZX_PROP_NAME, name, sizeof(name)));
            EXPECT_STRING(name, "ruby");
        }
    /* Each end has its own. */
    for (size_t i = 0; i < countof(zoo.others); i++) {
        char name[ZX_MAX_NAME_LEN] = "untouched";
        EXPECT_OK(zx_object_get_property(zoo.others[i], ZX_PROP_NAME, name, sizeof(name)));
        EXPECT_STRING(name, "");
    }
    CHECK(zoo_destroy(&zoo));
    CHECK(expect_no_leak(&before, 8));
}

TEST(name, faults) {
    struct zoo zoo;
    char name[ZX_MAX_NAME_LEN] = "untouched";
    CHECK(zoo_create(&zoo));
    for (int i = 0; i < COUNT; i++) {
        zx_handle_t handle = zoo.handles[i];
        EXPECT_STATUS(zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name) - 1),
                      ZX_ERR_BUFFER_TOO_SMALL);
        EXPECT_STRING(name, "untouched");
        EXPECT_STATUS(zx_object_get_property(handle, ZX_PROP_NAME, NULL, sizeof(name)),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_object_set_property(handle, ZX_PROP_NAME, NULL, 4), ZX_ERR_INVALID_ARGS);
        EXPECT_OK(zx_object_set_property(handle, ZX_PROP_NAME, NULL, 0));
        EXPECT_OK(zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name)));
        EXPECT_STRING(name, "");
        strcpy(name, "untouched");
    }
    EXPECT_STATUS(zx_object_get_property(stale_handle(), ZX_PROP_NAME, name, sizeof(name)),
                  ZX_ERR_BAD_HANDLE);
    CHECK(zoo_destroy(&zoo));
}

/* Of types without rights for properties, those to read and to write count. */
TEST(name, needs_rights) {
    static const struct {
        int which;
        zx_rights_t get, set;
    } cases[] = {
        {JOB, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY},
        {PROCESS, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY},
        {VMO, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY},
        {CHANNEL, ZX_RIGHT_READ, ZX_RIGHT_WRITE},
        {EVENT, ZX_RIGHT_READ, ZX_RIGHT_WRITE},
    };
    struct zoo zoo;
    char name[ZX_MAX_NAME_LEN];
    CHECK(zoo_create(&zoo));
    for (size_t i = 0; i < countof(cases); i++) {
        zx_handle_t no_get = duplicate_without(zoo.handles[cases[i].which], cases[i].get);
        zx_handle_t no_set = duplicate_without(zoo.handles[cases[i].which], cases[i].set);
        EXPECT_STATUS(zx_object_get_property(no_get, ZX_PROP_NAME, name, sizeof(name)),
                      ZX_ERR_ACCESS_DENIED);
        EXPECT_OK(zx_object_set_property(no_get, ZX_PROP_NAME, "opal", 4));
        EXPECT_STATUS(zx_object_set_property(no_set, ZX_PROP_NAME, "x", 1), ZX_ERR_ACCESS_DENIED);
        EXPECT_OK(zx_object_get_property(no_set, ZX_PROP_NAME, name, sizeof(name)));
        EXPECT_STRING(name, "opal");
        EXPECT_OK(zx_handle_close(no_get));
        EXPECT_OK(zx_handle_close(no_set));
    }
    CHECK(zoo_destroy(&zoo));
}
