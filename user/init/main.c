/* The first process.
 *
 * The kernel starts it as `bin/init` with every `jacinth.` word of its command line as an argument;
 * of those it understands one, and the prefix may be left out (as in jacinth.run=bin/init,test):
 *
 *   jacinth.test=1, test            run every test program, then switch the machine off
 *   jacinth.test=NAME, test=NAME    run one: channel, or some of its tests:
 * channel.duplicate_handle none                            serve a prompt on the serial console
 *
 * and with the handles PROCESS_SELF, THREAD_SELF, VMAR_ROOT, JOB (the root job), BOOTFS and
 * RESOURCE. */
#include "init.h"

#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define OPTION_PREFIX "jacinth."

zx_status_t start_program(const char* path, const char* const* arguments, size_t argument_count,
                          zx_handle_t job, struct launch_handle extra, zx_handle_t* process) {
    struct launch_handle handles[] = {
        {BOOTSTRAP_RESOURCE, bootstrap_borrow(BOOTSTRAP_RESOURCE)},
        {BOOTSTRAP_BOOTFS, bootstrap_borrow(BOOTSTRAP_BOOTFS)},
        {BOOTSTRAP_JOB, job},
        extra,
    };
    for (size_t i = 0; i < 3; i++)
        if (zx_handle_duplicate(handles[i].handle, ZX_RIGHT_SAME_RIGHTS, &handles[i].handle) !=
            ZX_OK)
            handles[i].handle = ZX_HANDLE_INVALID; /* launch will answer BAD_HANDLE */
    struct launch_request request = {
        .path = path,
        .arguments = arguments,
        .argument_count = argument_count,
        .handles = handles,
        .handle_count = extra.handle ? 4 : 3,
        .job = job,
    };
    return launch(&request, process);
}

/* What follows "jacinth.test=" or "test=" (for "test" alone: "1"); NULL: another word. */
static const char* test_request(const char* word) {
    if (strncmp(word, OPTION_PREFIX, strlen(OPTION_PREFIX)) == 0)
        word += strlen(OPTION_PREFIX);
    if (strcmp(word, "test") == 0)
        return "1";
    return strncmp(word, "test=", 5) == 0 ? word + 5 : NULL;
}

int main(int argc, char** argv) {
    printf("user mode is up\n");
    for (int i = 1; i < argc; i++) {
        const char* request = test_request(argv[i]);
        if (request)
            tests_run(strcmp(request, "1") == 0 ? NULL : request);
    }
    shell_run();
}
