#include "test.h"
#include "call_notes.h"
#include "helper.h"

#include <jacinth/bootfs.h>
#include <jacinth/test_report.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <zircon/process.h>

#define RECORD_SIZE 512

/* Set by the linker. */
extern const struct test_case __start_test_cases[] __attribute__((__weak__));
extern const struct test_case __stop_test_cases[] __attribute__((__weak__));

static struct test_report own_report; /* when nobody gave us one to fill in */
static struct test_report* report = &own_report;

/* The test under way. */
static const struct test_case* current;
static atomic_bool has_failed, is_skipped;

static void report_record(const char* record, size_t length) {
    zx_handle_t resource = bootstrap_borrow(BOOTSTRAP_RESOURCE);
    if (resource)
        zx_system_report(resource, record, length);
}

static __PRINTFLIKE(1, 2) void write_record(const char* format, ...) {
    char record[RECORD_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(record, sizeof(record), format, arguments);
    va_end(arguments);
    if ((size_t)length >= sizeof(record)) {
        length = sizeof(record) - 1;
        record[length - 1] = '\n';
    }
    report_record(record, (size_t)length);
    if (strncmp(record, "@pass", 5) != 0)
        fwrite(record, 1, (size_t)length, stdout);
}

/* --- what EXPECT calls -------------------------------------------------------------------- */

/* Only the first failure of a test is recorded. */
void test_fail(const char* file, int line, const char* format, ...) {
    if (atomic_exchange(&has_failed, true))
        return;
    char text[RECORD_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (current)
        write_record("@fail %s %s %s:%d: %s\n", current->suite, current->name, file, line, text);
    else
        fprintf(stderr, "helper: %s:%d: %s\n", file, line, text);
}

bool test_equal(const char* file, int line, const char* what, int64_t actual, int64_t expected) {
    if (actual != expected)
        test_fail(file, line, "%s is %lld (%#llx), expected %lld (%#llx)", what, (long long)actual,
                  (unsigned long long)actual, (long long)expected, (unsigned long long)expected);
    return actual == expected;
}

bool test_at_most(const char* file, int line, const char* what, uint64_t actual, uint64_t limit) {
    if (actual > limit)
        test_fail(file, line, "%s is %llu, expected at most %llu", what, (unsigned long long)actual,
                  (unsigned long long)limit);
    return actual <= limit;
}

bool test_status(const char* file, int line, const char* what, zx_status_t actual,
                 zx_status_t expected) {
    if (actual != expected)
        test_fail(file, line, "%s is %s (%d), expected %s", what, status_name(actual), actual,
                  status_name(expected));
    return actual == expected;
}

bool test_string(const char* file, int line, const char* what, const char* actual,
                 const char* expected) {
    bool equal = strcmp(actual, expected) == 0;
    if (!equal)
        test_fail(file, line, "%s is \"%s\", expected \"%s\"", what, actual, expected);
    return equal;
}

bool test_has_failed(void) {
    return atomic_load(&has_failed);
}

void test_skip(const char* why) {
    atomic_store(&is_skipped, true);
    write_record("@skip %s %s %s\n", current->suite, current->name, why);
}

void test_metric(const char* key, uint64_t number, const char* unit) {
    write_record("@metric %s %llu %s\n", key, (unsigned long long)number, unit);
}

/* --- running ------------------------------------------------------------------------------ */

/* From here on the totals are where our starter can read them. */
static void share_report(void) {
    zx_handle_t vmo = bootstrap_take(TEST_REPORT_INFO);
    zx_vaddr_t address;
    if (!vmo)
        return;
    if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0,
                    PAGE_SIZE_BYTES, &address) == ZX_OK)
        report = (struct test_report*)address;
    zx_handle_close(vmo);
}

/* Which errors the calls of this test returned. Not for the console. */
static void report_errors(void) {
    uint32_t position = 0;
    struct call_note note;
    char record[64];
    while (call_notes_take(&position, &note)) {
        int length = snprintf(record, sizeof(record), "@error %u %d\n", note.number, note.error);
        report_record(record, (size_t)length);
    }
}

static void run_test(const struct test_case* test) {
    current = test;
    atomic_store(&has_failed, false);
    atomic_store(&is_skipped, false);
    strlcpy(report->name, test->name, sizeof(report->name));
    strlcpy(report->suite, test->suite, sizeof(report->suite));
    test->function();
    report_errors();
    if (atomic_load(&has_failed)) {
        report->failed++;
    } else if (!atomic_load(&is_skipped)) {
        write_record("@pass %s %s\n", test->suite, test->name);
        report->passed++;
    } else {
        report->skipped++;
    }
    report->suite[0] = '\0';
    current = NULL;
}

static bool is_wanted(const struct test_case* test, const char* pattern) {
    if (test->is_on_demand)
        return pattern && strcmp(pattern, test->suite) == 0;
    return !pattern || strstr(test->suite, pattern) || strstr(test->name, pattern);
}

/* Is this the first wanted test of its suite? */
static bool begins_suite(const struct test_case* test, const char* pattern) {
    for (const struct test_case* other = __start_test_cases; other < test; other++)
        if (is_wanted(other, pattern) && strcmp(other->suite, test->suite) == 0)
            return false;
    return true;
}

/* The linker orders tests by file; a suite may be spread over several. */
static void run_suite(const struct test_case* first, const char* pattern) {
    write_record("@begin %s\n", first->suite);
    for (const struct test_case* test = first; test < __stop_test_cases; test++)
        if (is_wanted(test, pattern) && strcmp(test->suite, first->suite) == 0)
            run_test(test);
}

/* What the C library keeps once it was needed is no leak of the test that needed it first: the
 * archive's mapping, and the page tables that reach it. */
static void map_boot_archive(void) {
    struct bootfs bootfs;
    struct bootfs_file file;
    size_t position = 0;
    if (bootfs_open_own(&bootfs) == ZX_OK)
        while (bootfs_next(&bootfs, &position, &file))
            ;
}

int main(int argc, char** argv) {
    const char* argument = argc > 1 ? argv[1] : NULL;
    helper_set_program(argc > 0 ? argv[0] : "");
    if (argument && strncmp(argument, HELPER_ARGUMENT, strlen(HELPER_ARGUMENT)) == 0)
        return helper_run(argument + strlen(HELPER_ARGUMENT));

    share_report();
    call_notes_create();
    map_boot_archive();
    for (const struct test_case* test = __start_test_cases; test < __stop_test_cases; test++)
        if (is_wanted(test, argument) && begins_suite(test, argument))
            run_suite(test, argument);
    report->is_complete = 1;
    printf("%s: %u passed, %u failed\n", argv[0], report->passed, report->failed);
    return report->failed ? 1 : 0;
}
