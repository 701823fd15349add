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

static void expect_name(zx_handle_t handle, const char* expected) {
    char name[ZX_MAX_NAME_LEN] = "untouched";
    EXPECT_OK(zx_object_get_property(handle, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_STRING(name, expected);
}

TEST(name, is_empty_at_first_unless_the_object_is_made_with_one) {
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (int i = 0; i < COUNT; i++)
        CHECK(expect_name(zoo.handles[i], i == PROCESS ? "p" : i == THREAD ? "t" : ""));
    CHECK(zoo_destroy(&zoo));
}

TEST(name, of_every_object_can_be_set_and_read) {
    zx_info_kernel_memory_t before = kernel_memory();
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (int i = 0; i < COUNT; i++) {
        EXPECT_OK(zx_object_set_property(zoo.handles[i], ZX_PROP_NAME, "ruby", 4));
        CHECK(expect_name(zoo.handles[i], "ruby"));
        EXPECT_OK(mx_object_set_property(zoo.handles[i], MX_PROP_NAME, "agate", 5));
        CHECK(expect_name(zoo.handles[i], "agate"));
    }
    CHECK(zoo_destroy(&zoo));
    CHECK(expect_no_leak(&before, 8));
}

TEST(name, belongs_to_one_end_of_a_pair) {
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (int i = 0; i < COUNT; i++)
        EXPECT_OK(zx_object_set_property(zoo.handles[i], ZX_PROP_NAME, "ruby", 4));
    for (size_t i = 0; i < countof(zoo.others); i++)
        CHECK(expect_name(zoo.others[i], ""));
    CHECK(expect_name(zoo.pipe_end, ""));
    CHECK(zoo_destroy(&zoo));
}

TEST(name, that_is_too_long_is_cut) {
    zx_handle_t vmo;
    char name[ZX_MAX_NAME_LEN];
    static const char long_name[] = "a name that is quite a bit longer than a name may be";
    EXPECT_OK(zx_vmo_create(1, 0, &vmo));
    EXPECT_OK(zx_object_set_property(vmo, ZX_PROP_NAME, long_name, sizeof(long_name)));
    EXPECT_OK(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_EQUAL(strlen(name), ZX_MAX_NAME_LEN - 1);
    EXPECT_EQUAL(strncmp(name, long_name, ZX_MAX_NAME_LEN - 1), 0);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(name, of_no_bytes_is_empty) {
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (int i = 0; i < COUNT; i++) {
        EXPECT_OK(zx_object_set_property(zoo.handles[i], ZX_PROP_NAME, "opal", 4));
        EXPECT_OK(zx_object_set_property(zoo.handles[i], ZX_PROP_NAME, NULL, 0));
        CHECK(expect_name(zoo.handles[i], ""));
    }
    CHECK(zoo_destroy(&zoo));
}

/* --- errors ----------------------------------------------------------------------------------- */

/* One generation's spelling. */
struct generation {
    zx_status_t (*get)(zx_handle_t, uint32_t property, void* value, size_t size);
    zx_status_t (*set)(zx_handle_t, uint32_t property, const void* value, size_t size);
};
static const struct generation zx = {zx_object_get_property, zx_object_set_property};
static const struct generation mx = {mx_object_get_property, mx_object_set_property};

/* Getting (setting) the property of such a size fails so. */
static void expect_no_get(const struct generation* generation, zx_handle_t handle,
                          uint32_t property, size_t size, zx_status_t expected) {
    char name[ZX_MAX_NAME_LEN] = "untouched";
    EXPECT_STATUS(generation->get(handle, property, name, size), expected);
    EXPECT_STRING(name, "untouched");
}

static void expect_no_set(const struct generation* generation, zx_handle_t handle,
                          uint32_t property, zx_status_t expected) {
    EXPECT_STATUS(generation->set(handle, property, "new", 3), expected);
}

/* A VMO that has the name "kept". */
static zx_handle_t create_named(void) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    if (zx_vmo_create(1, 0, &vmo) == ZX_OK)
        zx_object_set_property(vmo, ZX_PROP_NAME, "kept", 4);
    return vmo;
}

TEST_BOTH(object_get_property, unknown_properties_are_invalid_args) {
    zx_handle_t vmo = create_named();
    CHECK(expect_no_get(generation, vmo, 9999, ZX_MAX_NAME_LEN, ZX_ERR_INVALID_ARGS));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(object_get_property, invalid_handle_is_bad_handle) {
    CHECK(expect_no_get(generation, ZX_HANDLE_INVALID, ZX_PROP_NAME, ZX_MAX_NAME_LEN,
                        ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_get(generation, stale_handle(), ZX_PROP_NAME, ZX_MAX_NAME_LEN,
                        ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(object_get_property, short_buffer_is_buffer_too_small_and_untouched) {
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (int i = 0; i < COUNT; i++)
        CHECK(expect_no_get(generation, zoo.handles[i], ZX_PROP_NAME, ZX_MAX_NAME_LEN - 1,
                            ZX_ERR_BUFFER_TOO_SMALL));
    CHECK(zoo_destroy(&zoo));
}

TEST_BOTH(object_get_property, bad_buffer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    zx_handle_t vmo = create_named();
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->get(vmo, ZX_PROP_NAME, bad[i], ZX_MAX_NAME_LEN),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(object_set_property, unknown_properties_are_invalid_args) {
    zx_handle_t vmo = create_named();
    CHECK(expect_no_set(generation, vmo, 9999, ZX_ERR_INVALID_ARGS));
    CHECK(expect_name(vmo, "kept"));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST_BOTH(object_set_property, invalid_handle_is_bad_handle) {
    CHECK(expect_no_set(generation, ZX_HANDLE_INVALID, ZX_PROP_NAME, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_set(generation, stale_handle(), ZX_PROP_NAME, ZX_ERR_BAD_HANDLE));
}

TEST_BOTH(object_set_property, bad_buffer_is_invalid_args_and_the_name_stays) {
    void* bad[BAD_POINTER_COUNT];
    zx_handle_t vmo = create_named();
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < BAD_POINTER_COUNT; i++)
        EXPECT_STATUS(generation->set(vmo, ZX_PROP_NAME, bad[i], 4), ZX_ERR_INVALID_ARGS);
    CHECK(expect_name(vmo, "kept"));
    EXPECT_OK(zx_handle_close(vmo));
}

/* --- rights ----------------------------------------------------------------------------------- */

/* Of types without rights for properties, those to read and to write count. */
static const struct {
    int which;
    zx_rights_t get, set;
} needs[] = {
    {JOB, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY},
    {PROCESS, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY},
    {VMO, ZX_RIGHT_GET_PROPERTY, ZX_RIGHT_SET_PROPERTY},
    {CHANNEL, ZX_RIGHT_READ, ZX_RIGHT_WRITE},
    {EVENT, ZX_RIGHT_READ, ZX_RIGHT_WRITE},
};

TEST_BOTH(object_get_property, of_the_name_without_the_right_is_access_denied) {
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (size_t i = 0; i < countof(needs); i++) {
        zx_handle_t no_get = duplicate_without(zoo.handles[needs[i].which], needs[i].get);
        CHECK(
            expect_no_get(generation, no_get, ZX_PROP_NAME, ZX_MAX_NAME_LEN, ZX_ERR_ACCESS_DENIED));
        EXPECT_OK(generation->set(no_get, ZX_PROP_NAME, "opal", 4)); /* needs another right */
        CHECK(expect_name(zoo.handles[needs[i].which], "opal"));
        EXPECT_OK(zx_handle_close(no_get));
    }
    CHECK(zoo_destroy(&zoo));
}

TEST_BOTH(object_set_property, of_the_name_without_the_right_is_access_denied) {
    struct zoo zoo;
    CHECK(zoo_create(&zoo));
    for (size_t i = 0; i < countof(needs); i++) {
        zx_handle_t handle = zoo.handles[needs[i].which];
        zx_handle_t no_set = duplicate_without(handle, needs[i].set);
        EXPECT_OK(zx_object_set_property(handle, ZX_PROP_NAME, "opal", 4));
        CHECK(expect_no_set(generation, no_set, ZX_PROP_NAME, ZX_ERR_ACCESS_DENIED));
        CHECK(expect_name(no_set, "opal")); /* needs another right */
        EXPECT_OK(zx_handle_close(no_set));
    }
    CHECK(zoo_destroy(&zoo));
}
