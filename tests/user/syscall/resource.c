/* The calls that need the system's resource: debug_read, system_report. */
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

TEST(zx_debug_read, needs_the_resource) {
    zx_handle_t event;
    char text[8] = "before";
    size_t actual = UNTOUCHED;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(zx_debug_read(stale_handle(), text, sizeof(text), 0, &actual), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_debug_read(ZX_HANDLE_INVALID, text, sizeof(text), 0, &actual),
                  ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_debug_read(event, text, sizeof(text), 0, &actual), ZX_ERR_WRONG_TYPE);
    EXPECT_STRING(text, "before");
    EXPECT_EQUAL(actual, UNTOUCHED);
    EXPECT_OK(zx_handle_close(event));
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

/* A report that is too long is not looked at; one of the limit's length is. */
TEST(zx_system_report, longer_than_the_limit_is_out_of_range) {
    const char* bad = (const char*)8;
    EXPECT_STATUS(zx_system_report(resource(), bad, REPORT_SIZE_MAX + 1), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_system_report(resource(), bad, SIZE_MAX), ZX_ERR_OUT_OF_RANGE);
    EXPECT_STATUS(zx_system_report(resource(), bad, REPORT_SIZE_MAX), ZX_ERR_INVALID_ARGS);
    EXPECT_OK(zx_system_report(resource(), NULL, 0));
}

TEST(zx_system_report, needs_the_resource) {
    zx_handle_t event;
    EXPECT_OK(zx_event_create(0, &event));
    EXPECT_STATUS(zx_system_report(stale_handle(), "@fail a b\n", 10), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_system_report(event, "@fail a b\n", 10), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_system_exit(stale_handle(), 0), ZX_ERR_BAD_HANDLE);
    EXPECT_STATUS(zx_system_exit(event, 0), ZX_ERR_WRONG_TYPE);
    EXPECT_OK(zx_handle_close(event));
}
