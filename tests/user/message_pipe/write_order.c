/* A call with several faults answers the first of: flags, handle, sizes, pointers, elements from
 * left to right, the state of the pipe. */
#include "fixture.h"

TEST(mx_msgpipe_write, faults_are_told_in_order) {
    struct fixture fixture;
    mx_handle_t event;
    CHECK(fixture_create(&fixture, REPLY));
    EXPECT_STATUS(mx_event_create(0, &event), NO_ERROR);
    mx_handle_t no_write = duplicate_without(fixture.near, MX_RIGHT_WRITE);
    mx_handle_t poor_event = duplicate_without(event, MX_RIGHT_WRITE | MX_RIGHT_TRANSFER);
    const mx_handle_t poor_array[] = {poor_event};

    /* Flags before the handle's rights. */
    EXPECT_STATUS(mx_msgpipe_write(no_write, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX, 1),
                  ERR_INVALID_ARGS);
    /* The handle before the sizes; its type before its rights. */
    EXPECT_STATUS(mx_msgpipe_write(-1, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX, 0),
                  ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_write(poor_event, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX, 0),
                  ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_msgpipe_write(no_write, BAD_POINTER, UINT32_MAX, BAD_POINTER, UINT32_MAX, 0),
                  ERR_ACCESS_DENIED);
    /* Sizes before pointers. */
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, BAD_POINTER, UINT32_MAX, BAD_POINTER, 1, 0),
                  ERR_TOO_BIG);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, BAD_POINTER, 1, BAD_POINTER, UINT32_MAX, 0),
                  ERR_TOO_BIG);
    /* Pointers before elements. */
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, BAD_POINTER, 1, poor_array, 1, 0),
                  ERR_INVALID_ARGS);
    /* Elements before what a reply pipe asks for, and that before the other side's state. */
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, poor_array, 1, 0), ERR_ACCESS_DENIED);
    CHECK(expect_empty(fixture.far));
    EXPECT_STATUS(mx_handle_close(fixture.far), NO_ERROR);
    EXPECT_STATUS(mx_msgpipe_write(fixture.near, "x", 1, poor_array, 1, 0), ERR_ACCESS_DENIED);

    const mx_handle_t handles[] = {event, no_write, poor_event};
    EXPECT_STATUS(mx_handle_close_many(handles, countof(handles)), NO_ERROR);
    fixture.far = MX_HANDLE_INVALID;
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
