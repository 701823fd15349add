/* Runs the test programs one after the other, and ends the record of the run. Each program writes
 * its own records, and its totals into a VMO that it shares with init. Each has a job of its own,
 * so that init can end everything it started. A program that crashed, hung or did not start counts
 * as one more failure. */
#include "init.h"

#include <jacinth/bootfs.h>
#include <jacinth/status.h>
#include <jacinth/test_report.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define TEST_FOLDER "test/"
#define PROGRAM_DEADLINE ZX_MIN(5)
#define RECORD_SIZE 512

struct totals {
    unsigned passed, failed, programs;
};

/* A program under test. */
struct test_program {
    const char* path;
    const char* wanted_case; /* NULL: all */
    zx_handle_t job, process, report;
};

static __PRINTFLIKE(1, 2) void write_record(const char* format, ...) {
    char record[RECORD_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(record, sizeof(record), format, arguments);
    va_end(arguments);
    size_t size = (size_t)length < sizeof(record) ? (size_t)length : sizeof(record) - 1;
    zx_system_report(bootstrap_borrow(BOOTSTRAP_RESOURCE), record, size);
    fwrite(record, 1, size, stdout);
}

static zx_status_t start(struct test_program* program) {
    zx_status_t status = zx_vmo_create(sizeof(struct test_report), 0, &program->report);
    if (status != ZX_OK)
        return status;
    struct launch_handle extra[] = {{TEST_REPORT_INFO, ZX_HANDLE_INVALID},
                                    {BOOTSTRAP_RESOURCE, ZX_HANDLE_INVALID}};
    zx_handle_duplicate(program->report, ZX_RIGHT_SAME_RIGHTS, &extra[0].handle);
    zx_handle_duplicate(bootstrap_borrow(BOOTSTRAP_RESOURCE), ZX_RIGHT_SAME_RIGHTS,
                        &extra[1].handle);
    const char* arguments[] = {program->path, program->wanted_case};
    struct program_request request = {
        .path = program->path,
        .arguments = arguments,
        .argument_count = program->wanted_case ? 2 : 1,
        .extra = extra,
        .extra_count = countof(extra),
    };
    return start_program(&request, &program->job, &program->process);
}

/* Waits for the end. Returns what went wrong, in words; NULL: nothing. */
static const char* wait_for_end(const struct test_program* program, char* text, size_t size) {
    zx_signals_t observed;
    zx_status_t status = zx_object_wait_one(program->process, ZX_PROCESS_TERMINATED,
                                            zx_clock_get_monotonic() + PROGRAM_DEADLINE, &observed);
    if (status == ZX_ERR_TIMED_OUT)
        return "did not end in time";
    zx_info_process_t info;
    if (status == ZX_OK)
        status =
            zx_object_get_info(program->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    if (status != ZX_OK)
        return status_name(status);
    if (info.return_code == 0 || info.return_code == 1)
        return NULL;
    snprintf(text, size, "ended with %lld", (long long)info.return_code);
    return text;
}

/* Records a bad end under the test that ran at that time; outside of all tests under the program.
 */
static void record_bad_end(const struct test_program* program, struct test_report* report,
                           const char* how) {
    report->suite[sizeof(report->suite) - 1] = '\0';
    report->name[sizeof(report->name) - 1] = '\0';
    if (report->suite[0]) {
        write_record("@fail %s %s the program %s\n", report->suite, report->name, how);
    } else {
        const char* name = program->path + strlen(TEST_FOLDER);
        write_record("@begin %s\n@fail %s program %s\n", name, name, how);
    }
}

static void finish(struct test_program* program, struct totals* totals, const char* how) {
    struct test_report report = {0};
    zx_vmo_read(program->report, &report, 0, sizeof(report));
    if (!how && !report.is_complete)
        how = "ended before its last test";
    if (!how && report.passed + report.failed + report.skipped == 0)
        how = "ran no test";
    if (how) {
        record_bad_end(program, &report, how);
        totals->failed++;
    }
    totals->passed += report.passed;
    totals->failed += report.failed;
    end_program(program->job, program->process);
    zx_handle_close(program->report);
}

static void run_program(const char* path, const char* wanted_case, struct totals* totals) {
    struct test_program program = {.path = path, .wanted_case = wanted_case};
    char text[64];
    totals->programs++;
    write_record("@program %s\n", path + strlen(TEST_FOLDER));
    zx_status_t status = start(&program);
    if (status == ZX_OK) {
        finish(&program, totals, wait_for_end(&program, text, sizeof(text)));
    } else {
        snprintf(text, sizeof(text), "did not start: %s", status_name(status));
        finish(&program, totals, text);
    }
}

/* Whether `name`, a file in the archive, was asked for. Then `*wanted_case` is the case, or NULL.
 */
static bool is_wanted(const char* name, const char* wanted, const char** wanted_case) {
    *wanted_case = NULL;
    if (strncmp(name, TEST_FOLDER, strlen(TEST_FOLDER)) != 0)
        return false;
    if (!wanted)
        return true;
    const char* program = name + strlen(TEST_FOLDER);
    size_t length = strlen(program);
    if (strncmp(program, wanted, length) != 0 || (wanted[length] && wanted[length] != '.'))
        return false;
    *wanted_case = wanted[length] ? wanted + length + 1 : NULL;
    return true;
}

_Noreturn void tests_run(const char* wanted) {
    struct totals totals = {0};
    struct bootfs bootfs;
    struct bootfs_file file;
    zx_status_t status = bootfs_open(bootstrap_borrow(BOOTSTRAP_BOOTFS), &bootfs);
    size_t position = 0;
    while (status == ZX_OK && bootfs_next(&bootfs, &position, &file)) {
        const char* wanted_case;
        if (!file.is_directory && is_wanted(file.name, wanted, &wanted_case))
            run_program(file.name, wanted_case, &totals);
    }
    if (totals.programs == 0) {
        write_record("@begin init\n@fail init tests no test program %s\n",
                     wanted ? wanted : "at all (make run CMDLINE=jacinth.test=1 has them)");
        totals.failed++;
    }
    write_record("@done %u %u\n", totals.passed, totals.failed);
    fflush(stdout);
    status = zx_system_exit(bootstrap_borrow(BOOTSTRAP_RESOURCE), totals.failed ? 1 : 0);
    fprintf(stderr, "init: the machine does not stop: %s\n", status_name(status));
    zx_process_exit(1);
}
