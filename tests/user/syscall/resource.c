/* The calls that need the system's resource: debug_read, system_report, system_exit. */
#include <objects.h>
#include <test.h>

#include <jacinth/bootstrap.h>
#include <zircon/process.h>

#define REPORT_SIZE_MAX 1024u
#define UNTOUCHED 77u

static zx_handle_t resource(void) {
    return bootstrap_borrow(BOOTSTRAP_RESOURCE);
}

static zx_time_t soon(void) {
    return zx_clock_get_monotonic() + ZX_MSEC(3);
}

/* It fails so, and stores nothing. */
static void expect_no_read(zx_handle_t handle, zx_status_t expected) {
    char text[8] = "before";
    size_t actual = UNTOUCHED;
    EXPECT_STATUS(zx_debug_read(handle, text, sizeof(text), 0, &actual), expected);
    EXPECT_STRING(text, "before");
    EXPECT_EQUAL(actual, UNTOUCHED);
}

TEST(zx_debug_read, invalid_handle_is_bad_handle) {
    CHECK(expect_no_read(ZX_HANDLE_INVALID, ZX_ERR_BAD_HANDLE));
    CHECK(expect_no_read(stale_handle(), ZX_ERR_BAD_HANDLE));
}

TEST(zx_debug_read, other_object_is_wrong_type) {
    CHECK(expect_no_read(zx_process_self(), ZX_ERR_WRONG_TYPE));
}

TEST(zx_debug_read, of_nothing_succeeds_at_once) {
    size_t actual = UNTOUCHED;
    EXPECT_OK(zx_debug_read(resource(), NULL, 0, soon(), &actual));
    EXPECT_EQUAL(actual, 0);
}

/* Nobody types while tests run. */
TEST(zx_debug_read, without_input_waits_until_the_deadline) {
    char text[8] = "before";
    size_t actual = UNTOUCHED;
    EXPECT_STATUS(zx_debug_read(resource(), text, sizeof(text), 0, &actual), ZX_ERR_TIMED_OUT);
    zx_time_t deadline = soon();
    EXPECT_STATUS(zx_debug_read(resource(), text, sizeof(text), deadline, &actual),
                  ZX_ERR_TIMED_OUT);
    EXPECT(zx_clock_get_monotonic() >= deadline);
    EXPECT_STRING(text, "before");
    EXPECT_EQUAL(actual, UNTOUCHED);
}

TEST(zx_debug_read, bad_pointers_are_invalid_args_before_the_wait) {
    void* bad[BAD_POINTER_COUNT];
    char text[8];
    size_t actual = UNTOUCHED;
    bad_pointers_to_write(bad);
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(zx_debug_read(resource(), bad[i], sizeof(text), soon(), &actual),
                      ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_debug_read(resource(), text, sizeof(text), soon(), bad[i]),
                      ZX_ERR_INVALID_ARGS);
    }
    EXPECT_EQUAL(actual, UNTOUCHED);
}

TEST(zx_system_report, longer_than_the_limit_is_out_of_range_before_the_pointer) {
    EXPECT_STATUS(zx_system_report(resource(), BAD_POINTER, REPORT_SIZE_MAX + 1),
                  ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_system_report(resource(), BAD_POINTER, SIZE_MAX), ZX_ERR_OUT_OF_RANGE);
}

TEST(zx_system_report, bad_pointer_is_invalid_args) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_read(bad);
    for (size_t i = 0; i < countof(bad); i++) {
        EXPECT_STATUS(zx_system_report(resource(), bad[i], 1), ZX_ERR_INVALID_ARGS);
        EXPECT_STATUS(zx_system_report(resource(), bad[i], REPORT_SIZE_MAX), ZX_ERR_INVALID_ARGS);
    }
}

TEST(zx_system_report, of_nothing_is_ok) {
    EXPECT_OK(zx_system_report(resource(), NULL, 0));
}

TEST(zx_system_report, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_system_report(ZX_HANDLE_INVALID, "@fail a b\n", 10), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_system_report(stale_handle(), "@fail a b\n", 10), ZX_ERR_BAD_HANDLE);
}

TEST(zx_system_report, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_system_report(zx_process_self(), "@fail a b\n", 10), ZX_ERR_WRONG_TYPE);
}

/* The machine goes on. */
TEST(zx_system_exit, invalid_handle_is_bad_handle) {
    EXPECT_STATUS(zx_system_exit(ZX_HANDLE_INVALID, 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_system_exit(stale_handle(), 0), ZX_ERR_BAD_HANDLE);
}

TEST(zx_system_exit, other_object_is_wrong_type) {
    EXPECT_STATUS(zx_system_exit(zx_process_self(), 0), ZX_ERR_WRONG_TYPE);
}
