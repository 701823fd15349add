/* The frame of a test program.
 *
 *     TEST(zx_event_create, options_are_invalid_args) {
 *         zx_handle_t event = 0;
 *         EXPECT_STATUS(zx_event_create(1, &event), ZX_ERR_INVALID_ARGS);
 *         EXPECT_EQUAL(event, 0);
 *     }
 *
 * The first argument is the suite, as a rule the call that is tested; the second says what is
 * proved. A failed EXPECT records where and what, and returns from the function it stands in; a
 * function that calls one with EXPECTs of its own wraps the call in CHECK. main is in the
 * framework: it runs the tests, or those whose suite or name contains the program's argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <jacinth/status.h>
#include <zircon/syscalls.h>

struct test_case {
    const char* suite;
    const char* name;
    void (*function)(void);
    bool is_on_demand;
};

#define TEST(suite, name) TEST_ENTRY(suite, name, false)
/* For what takes long: runs only when the program's argument is the suite. */
#define TEST_ON_DEMAND(suite, name) TEST_ENTRY(suite, name, true)

/* A test of zx_CALL and one of mx_CALL, of one body:
 *
 *     TEST_BOTH(socket_write, closed_peer_is_peer_closed) { ... generation->write(...) ... }
 *
 * The program's fixture.h says what a `struct generation` is, and declares `zx` and `mx`. */
#define TEST_BOTH(call, name)                                              \
    static void both_##call##_##name(const struct generation* generation); \
    TEST(zx_##call, name) {                                                \
        CHECK(both_##call##_##name(&zx));                                  \
    }                                                                      \
    TEST(mx_##call, name) {                                                \
        CHECK(both_##call##_##name(&mx));                                  \
    }                                                                      \
    static void both_##call##_##name(const struct generation* generation)

/* GCC would sort the tests of a file otherwise; clang leaves them as they are. */
#if __has_attribute(__no_reorder__)
#define TEST_IN_ORDER __attribute__((__no_reorder__))
#else
#define TEST_IN_ORDER
#endif

/* Aligned by hand: the linker must put the entries of a section side by side, as an array. */
#define TEST_ENTRY(suite, name, is_on_demand)                                    \
    static void test_##suite##_##name(void);                                     \
    static const struct test_case case_##suite##_##name TEST_IN_ORDER            \
        __attribute__((__used__, __aligned__(8), __section__("test_cases"))) = { \
            #suite, #name, test_##suite##_##name, is_on_demand};                 \
    static void test_##suite##_##name(void)

#define EXPECT(condition)                              \
    do {                                               \
        if (!(condition)) {                            \
            test_fail(__FILE__, __LINE__, #condition); \
            return;                                    \
        }                                              \
    } while (0)

#define EXPECT_EQUAL(actual, expected)                                                        \
    do {                                                                                      \
        if (!test_equal(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))) \
            return;                                                                           \
    } while (0)

#define EXPECT_AT_MOST(actual, limit)                                                          \
    do {                                                                                       \
        if (!test_at_most(__FILE__, __LINE__, #actual, (uint64_t)(actual), (uint64_t)(limit))) \
            return;                                                                            \
    } while (0)

#define EXPECT_STATUS(actual, expected)                                      \
    do {                                                                     \
        if (!test_status(__FILE__, __LINE__, #actual, (actual), (expected))) \
            return;                                                          \
    } while (0)

#define EXPECT_OK(actual) EXPECT_STATUS(actual, ZX_OK)

#define EXPECT_STRING(actual, expected)                                      \
    do {                                                                     \
        if (!test_string(__FILE__, __LINE__, #actual, (actual), (expected))) \
            return;                                                          \
    } while (0)

#define EXPECT_BYTES(actual, expected, size)                                              \
    do {                                                                                  \
        if (memcmp((actual), (expected), (size)) != 0) {                                  \
            test_fail(__FILE__, __LINE__, "the bytes of %s are not those of %s", #actual, \
                      #expected);                                                         \
            return;                                                                       \
        }                                                                                 \
    } while (0)

/* For calls of functions with EXPECTs of their own. */
#define CHECK(call)            \
    do {                       \
        call;                  \
        if (test_has_failed()) \
            return;            \
    } while (0)

#define SKIP(why)       \
    do {                \
        test_skip(why); \
        return;         \
    } while (0)

void test_fail(const char* file, int line, const char* format, ...) __PRINTFLIKE(3, 4);
bool test_equal(const char* file, int line, const char* what, int64_t actual, int64_t expected);
bool test_at_most(const char* file, int line, const char* what, uint64_t actual, uint64_t limit);
bool test_status(const char* file, int line, const char* what, zx_status_t actual,
                 zx_status_t expected);
bool test_string(const char* file, int line, const char* what, const char* actual,
                 const char* expected);
/* True as soon as one EXPECT of this test has failed, in any thread. */
bool test_has_failed(void);
void test_skip(const char* why);
/* A measured value for the results: `@metric key number unit`. */
void test_metric(const char* key, uint64_t number, const char* unit);
