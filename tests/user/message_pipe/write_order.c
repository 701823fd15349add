/* A call with several faults returns the error of the first of these: flags, handle, sizes,
 * pointers, elements from left to right, the state of the pipe. */
#include "fixture.h"

/* Writes with everything else bad. */
static mx_status_t write_badly(mx_handle_t handle, uint32_t flags) {
    return mx_msgpipe_write(handle, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX, flags);
}

TEST(mx_msgpipe_write, flags_come_before_the_rights) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    mx_handle_t no_write = duplicate_without(fixture.near, MX_RIGHT_WRITE);
    EXPECT_STATUS(write_badly(no_write, 1), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_handle_close(no_write), NO_ERROR);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_write, the_handle_comes_before_sizes) {
    EXPECT_STATUS(write_badly(-1, 0), ERR_INVALID_ARGS);
}

TEST(mx_msgpipe_write, the_type_comes_before_the_rights) {
    mx_handle_t event;
    EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
    mx_handle_t poor = duplicate_without(event, MX_RIGHT_WRITE);
    EXPECT_STATUS(write_badly(poor, 0), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_handle_close(poor), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(event), NO_ERROR);
}

TEST(mx_msgpipe_write, the_rights_come_before_sizes) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    mx_handle_t no_write = duplicate_without(fixture.near, MX_RIGHT_WRITE);
    EXPECT_STATUS(write_badly(no_write, 0), ERR_ACCESS_DENIED);
    EXPECT_STATUS(mx_handle_close(no_write), NO_ERROR);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_write, sizes_come_before_pointers) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, BAD_POINTER, UINT32_MAX, BAD_POINTER, 1, 0),
                  ERR_TOO_BIG);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, BAD_POINTER, 1, BAD_POINTER, UINT32_MAX, 0),
                  ERR_TOO_BIG);
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

/* Writes a handle without the right to be sent, to a reply pipe and without its own handle. */
static void expect_of_poor_element(const struct fixture* fixture, const void* bytes,
                                   mx_status_t expected) {
    mx_handle_t event;
    EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
    mx_handle_t poor = duplicate_without(event, MX_RIGHT_TRANSFER);
    EXPECT_STATUS(mx_msgpipe_write(fixture->near, bytes, 1, &poor, 1, 0), expected);
    EXPECT_STATUS(mx_handle_close(poor), NO_ERROR);
    EXPECT_STATUS(mx_handle_close(event), NO_ERROR);
}

TEST(mx_msgpipe_write, pointers_come_before_elements) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    CHECK(expect_of_poor_element(&fixture, BAD_POINTER, ERR_INVALID_ARGS));
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_write, elements_come_before_what_a_reply_pipe_wants) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    CHECK(expect_of_poor_element(&fixture, "x", ERR_ACCESS_DENIED));
    CHECK(expect_unchanged(&fixture));
    fixture_destroy(&fixture);
}

TEST(mx_msgpipe_write, elements_come_before_the_closed_other_side) {
    struct fixture fixture;
    CHECK(fixture_create(&fixture, REPLY));
    EXPECT_STATUS(mx_handle_close(fixture.far), NO_ERROR);
    fixture.far = MX_HANDLE_INVALID;
    CHECK(expect_of_poor_element(&fixture, "x", ERR_ACCESS_DENIED));
    fixture_destroy(&fixture);
}

/* The leftmost faulty element decides. */
TEST(mx_msgpipe_write, the_leftmost_faulty_element_decides) {
    enum { INVALID, NO_TRANSFER, ITSELF, FAULTS };
    static const mx_status_t answers[FAULTS] = {ERR_INVALID_ARGS, ERR_ACCESS_DENIED,
                                                ERR_NOT_SUPPORTED};
    FOR_ALL_KINDS(kind) {
        for (int i = 0; i < FAULTS * FAULTS; i++) {
            struct fixture fixture;
            mx_handle_t event;
            CHECK(fixture_create(&fixture, kind));
            EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
            mx_handle_t faults[FAULTS] = {-1, duplicate_without(event, MX_RIGHT_TRANSFER),
                                          duplicate(fixture.near)};
            const mx_handle_t handles[] = {event, faults[i / FAULTS], faults[i % FAULTS]};
            EXPECT_STATUS(fixture_write(&fixture, handles, countof(handles)), answers[i / FAULTS]);
            EXPECT(handle_is_valid(event));
            mx_handle_close_many(faults + 1, 2);
            mx_handle_close(event);
            CHECK(expect_unchanged(&fixture));
            fixture_destroy(&fixture);
        }
    }
}
