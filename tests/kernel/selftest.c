#include "selftest.h"

#include <stdarg.h>
#include <stdatomic.h>

#include <debug/board.h>
#include <debug/log.h>
#include <lib/printf.h>
#include <lib/string.h>

extern const struct selftest kernel_selftests_start[], kernel_selftests_end[];

static const struct selftest* running;
static atomic_bool has_failed;

static PRINTF_LIKE(1, 2) void record(const char* format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    size_t length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    results_write(line, MIN(length, sizeof(line) - 1));
}

void selftest_fail(const char* file, int line, const char* format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_error("%s.%s: %s:%d: %s", running->area, running->name, file, line, text);
    if (!atomic_exchange(&has_failed, true))
        record("@fail %s %s %s:%d: %s\n", running->area, running->name, file, line, text);
}

bool selftest_has_failed(void) {
    return atomic_load(&has_failed);
}

static bool is_text(const char* text, const char* pattern, size_t length) {
    return length == strlen(text) && strncmp(text, pattern, length) == 0;
}

/* "1" matches all, "area" all of an area, "area.name" one. */
static bool matches(const struct selftest* test, const char* pattern, size_t length) {
    char name[96];
    snprintf(name, sizeof(name), "%s.%s", test->area, test->name);
    if (is_text(name, pattern, length))
        return true;
    return !test->must_panic &&
           (is_text("1", pattern, length) || is_text(test->area, pattern, length));
}

void selftest_run(const char* pattern, size_t length) {
    unsigned passed = 0, failed = 0;
    const char* area = "";
    for (const struct selftest* test = kernel_selftests_start; test < kernel_selftests_end;
         test++) {
        if (!matches(test, pattern, length))
            continue;
        if (strcmp(area, test->area) != 0) {
            area = test->area;
            record("@begin %s\n", area);
        }
        running = test;
        atomic_store(&has_failed, false);
        log_info("selftest %s.%s", test->area, test->name);
        test->run();
        if (selftest_has_failed()) {
            failed++;
        } else {
            passed++;
            record("@pass %s %s\n", test->area, test->name);
        }
    }
    record("@done %u %u\n", passed, failed);
    machine_exit(failed == 0 && passed > 0 ? 0 : 1);
}
