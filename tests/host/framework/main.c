/* Runs the tests of one program and writes their records (docs/testing.md). An argument narrows it
 * to tests whose names contain it. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mm/slab.h>

#include "../../kernel/selftest.h"
#include "shim.h"

#define TESTS_MAX 512
#define TEXT_SIZE 400

static const struct selftest* tests[TESTS_MAX];
static size_t test_count;
static const struct selftest* running;
static atomic_bool has_failed;

void selftest_register(const struct selftest* test) {
    if (test_count == TESTS_MAX)
        abort();
    tests[test_count++] = test;
}

void selftest_fail(const char* file, int line, const char* format, ...) {
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!atomic_exchange(&has_failed, true))
        printf("@fail %s %s %s:%d: %s\n", running->area, running->name, file, line, text);
}

bool selftest_has_failed(void) {
    return atomic_load(&has_failed);
}

static int compare(const void* left, const void* right) {
    const struct selftest* const* a = left;
    const struct selftest* const* b = right;
    int areas = strcmp((*a)->area, (*b)->area);
    return areas ? areas : strcmp((*a)->name, (*b)->name);
}

/* Whatever a test made with the kernel's allocators, it gives back. */
static bool run(const struct selftest* test) {
    size_t in_use = slab_objects_in_use();
    running = test;
    atomic_store(&has_failed, false);
    test->run();
    if (!selftest_has_failed() && slab_objects_in_use() != in_use)
        selftest_fail(__FILE__, __LINE__, "%ld allocations are left",
                      (long)(slab_objects_in_use() - in_use));
    if (!selftest_has_failed())
        printf("@pass %s %s\n", test->area, test->name);
    return !selftest_has_failed();
}

/* Only some of the programs have the collector. */
__attribute__((weak)) void message_cycle_init(void);

int main(int argument_count, char** arguments) {
    unsigned passed = 0, failed = 0;
    const char* area = "";
    shim_init();
    if (message_cycle_init)
        message_cycle_init();
    setvbuf(stdout, NULL, _IOLBF, 0);
    qsort(tests, test_count, sizeof(tests[0]), compare);
    for (size_t i = 0; i < test_count; i++) {
        if (argument_count > 1 && !strstr(tests[i]->name, arguments[1]))
            continue;
        if (strcmp(area, tests[i]->area) != 0)
            printf("@begin %s\n", area = tests[i]->area);
        if (run(tests[i]))
            passed++;
        else
            failed++;
    }
    printf("@done %u %u\n", passed, failed);
    return failed > 0;
}
