/* Tests in the kernel. Each is one function, which the linker collects. A kernel thread runs them
 * when the command line has jacinth.selftest=1, =area or =area.name. Results go to the results port
 * as records (docs/testing.md).
 *
 *   SELFTEST(mm_slab, zeroed_objects_are_zero_after_use) {
 *       EXPECT(pointer != NULL);
 *       EXPECT_EQUAL(slab_count(), 1u);
 *   }
 *
 * The first expectation that fails is recorded and ends the test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/compiler.h>

struct selftest {
    const char* area;
    const char* name;
    void (*run)(void);
    bool must_panic;
};

/* On the build machine, where many of these tests run too (docs/testing.md), they report
 * themselves: sanitizers leave gaps between variables of one section. */
#ifdef JACINTH_HOST
void selftest_register(const struct selftest* test);
#define SELFTEST_ENTRY(entry, ...)                               \
    static const struct selftest entry = {__VA_ARGS__};          \
    __attribute__((constructor)) static void entry##_add(void) { \
        selftest_register(&entry);                               \
    }
#else
#define SELFTEST_ENTRY(entry, ...)     \
    static const struct selftest entry \
        __attribute__((used, aligned(8), section(".selftests"))) = {__VA_ARGS__};
#endif

#define SELFTEST_KIND(test_area, test_name, must_panic)                              \
    static void selftest_##test_area##_##test_name(void);                            \
    SELFTEST_ENTRY(selftest_entry_##test_area##_##test_name, #test_area, #test_name, \
                   selftest_##test_area##_##test_name, must_panic)                   \
    static void selftest_##test_area##_##test_name(void)

#define SELFTEST(test_area, test_name) SELFTEST_KIND(test_area, test_name, false)
/* A test that must end in a panic. It runs only when it is named in full
 * (scripts/boot_failures.py). */
#define SELFTEST_PANIC(test_area, test_name) SELFTEST_KIND(test_area, test_name, true)

#define EXPECT(condition)                                                 \
    do {                                                                  \
        if (!(condition)) {                                               \
            selftest_fail(__FILE__, __LINE__, "expected %s", #condition); \
            return;                                                       \
        }                                                                 \
    } while (0)

#define EXPECT_EQUAL(actual, expected)                                                       \
    do {                                                                                     \
        uint64_t actual_value = (uint64_t)(actual), expected_value = (uint64_t)(expected);   \
        if (actual_value != expected_value) {                                                \
            selftest_fail(__FILE__, __LINE__, "%s is %ld (0x%lx), expected %s: %ld (0x%lx)", \
                          #actual, actual_value, actual_value, #expected, expected_value,    \
                          expected_value);                                                   \
            return;                                                                          \
        }                                                                                    \
    } while (0)

#define EXPECT_OK(status) EXPECT_EQUAL((int64_t)(status), 0)

/* Records a failure of the running test; any thread, more than once. */
void selftest_fail(const char* file, int line, const char* format, ...) PRINTF_LIKE(3, 4);
bool selftest_has_failed(void);

/* Runs the tests that match the pattern, and stops the machine with the verdict. */
void selftest_run(const char* pattern, size_t length);
