/* The first process.
 *
 * The kernel starts it as `bin/init` with every `jacinth.` word of its command line as an argument;
 * of those it understands one, and the prefix may be left out (as in jacinth.run=bin/init,test):
 *
 *   jacinth.test=1, test            run every test program, then switch the machine off
 *   jacinth.test=NAME, test=NAME    run one program (channel), or some of its tests
 *                                   (channel.duplicate)
 *   none                            serve a prompt on the serial console
 *
 * and with the handles PROCESS_SELF, THREAD_SELF, VMAR_ROOT, JOB (the root job), BOOTFS and
 * RESOURCE. */
#include "init.h"

#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define OPTION_PREFIX "jacinth."

zx_status_t start_program(const struct program_request* request, zx_handle_t* job,
                          zx_handle_t* process) {
    struct launch_handle handles[2 + EXTRA_HANDLES_MAX] = {{BOOTSTRAP_JOB, ZX_HANDLE_INVALID},
                                                           {BOOTSTRAP_BOOTFS, ZX_HANDLE_INVALID}};
    for (size_t i = 0; i < request->extra_count; i++)
        handles[2 + i] = request->extra[i];
    *job = ZX_HANDLE_INVALID;
    /* A handle that could not be made stays 0: launch refuses it and closes the others. */
    if (zx_job_create(zx_job_default(), 0, job) == ZX_OK)
        zx_handle_duplicate(*job, ZX_RIGHT_SAME_RIGHTS, &handles[0].handle);
    zx_handle_duplicate(bootstrap_borrow(BOOTSTRAP_BOOTFS), ZX_RIGHT_SAME_RIGHTS,
                        &handles[1].handle);
    struct launch_request launch_request = {
        .path = request->path,
        .arguments = request->arguments,
        .argument_count = request->argument_count,
        .handles = handles,
        .handle_count = 2 + request->extra_count,
        .job = *job,
    };
    zx_status_t status = launch(&launch_request, process);
    if (status != ZX_OK) {
        zx_handle_close(*job);
        *job = ZX_HANDLE_INVALID;
    }
    return status;
}

void end_program(zx_handle_t job, zx_handle_t process) {
    zx_task_kill(job);
    zx_handle_close(job);
    zx_handle_close(process);
}

/* The text after "jacinth.test=" or "test=" ("1" for the word "test" alone); NULL: another word. */
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
