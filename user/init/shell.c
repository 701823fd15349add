/* A small prompt on the serial console. */
#include "init.h"

#include <ctype.h>
#include <inttypes.h>
#include <jacinth/bootfs.h>
#include <jacinth/status.h>
#include <stdio.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define LINE_SIZE 256
#define WORD_MAX 32
#define PAGES_PER_MIB (1u << 20 >> 12)
#define BACKSPACE '\b'
#define DELETE 127

static char read_character(void) {
    char character;
    size_t actual;
    zx_status_t status = zx_debug_read(bootstrap_borrow(BOOTSTRAP_RESOURCE), &character, 1,
                                       ZX_TIME_INFINITE, &actual);
    if (status != ZX_OK) {
        fprintf(stderr, "init: no input: %s\n", status_name(status));
        zx_process_exit(1);
    }
    return character;
}

/* Reads one line, without its end, and echoes it as it is typed. */
static void read_line(char line[LINE_SIZE]) {
    size_t length = 0;
    for (;;) {
        char character = read_character();
        if (character == '\r' || character == '\n')
            break;
        if ((character == BACKSPACE || character == DELETE) && length > 0) {
            length--;
            printf("\b \b");
        } else if (isprint((unsigned char)character) && length < LINE_SIZE - 1) {
            line[length++] = character;
            putchar(character);
        }
        fflush(stdout);
    }
    line[length] = '\0';
    putchar('\n');
}

static size_t split(char* line, const char* words[WORD_MAX]) {
    size_t count = 0;
    char* rest;
    for (char* word = strtok_r(line, " ", &rest); word && count < WORD_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    return count;
}

/* --- commands ----------------------------------------------------------------------------- */

static void command_ls(const char* const* words, size_t count) {
    (void)words, (void)count;
    struct bootfs bootfs;
    struct bootfs_file file;
    zx_status_t status = bootfs_open(bootstrap_borrow(BOOTSTRAP_BOOTFS), &bootfs);
    if (status != ZX_OK) {
        printf("no boot archive: %s\n", status_name(status));
        return;
    }
    size_t position = 0;
    while (bootfs_next(&bootfs, &position, &file))
        if (!file.is_directory)
            printf("%8zu  %s\n", file.size, file.name);
    bootfs_close(&bootfs);
}

static void report_end(zx_handle_t process) {
    zx_info_process_t info;
    zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
    if (zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL) == ZX_OK &&
        info.return_code != 0)
        printf("ended with %" PRId64 "\n", info.return_code);
}

/* A name without a folder is looked for in bin/. */
static void command_run(const char* const* words, size_t count) {
    if (count < 2) {
        printf("run what?\n");
        return;
    }
    struct program_request request = {
        .path = words[1], .arguments = words + 1, .argument_count = count - 1};
    zx_handle_t job, process;
    zx_status_t status = start_program(&request, &job, &process);
    if (status == ZX_ERR_NOT_FOUND) {
        char path[LINE_SIZE + 4];
        snprintf(path, sizeof(path), "bin/%s", words[1]);
        request.path = path;
        status = start_program(&request, &job, &process);
    }
    if (status != ZX_OK) {
        printf("%s: %s\n", words[1], status_name(status));
        return;
    }
    report_end(process);
    end_program(job, process);
}

static void command_mem(const char* const* words, size_t count) {
    (void)words, (void)count;
    zx_info_kernel_memory_t info;
    zx_status_t status = zx_object_get_info(bootstrap_borrow(BOOTSTRAP_RESOURCE),
                                            ZX_INFO_KERNEL_MEMORY, &info, sizeof(info), NULL, NULL);
    if (status != ZX_OK) {
        printf("%s\n", status_name(status));
        return;
    }
    printf("%" PRIu64 " of %" PRIu64 " MiB free\n", info.free_pages / PAGES_PER_MIB,
           info.total_pages / PAGES_PER_MIB);
    printf("%" PRIu64 " threads, %" PRIu64 " kernel objects, %" PRIu64 " slab objects\n",
           info.threads, info.kernel_objects, info.slab_objects);
}

static void command_test(const char* const* words, size_t count) {
    tests_run(count > 1 ? words[1] : NULL);
}

static void command_exit(const char* const* words, size_t count) {
    (void)words, (void)count;
    fflush(stdout);
    zx_status_t status = zx_system_exit(bootstrap_borrow(BOOTSTRAP_RESOURCE), 0);
    printf("%s\n", status_name(status));
}

static void command_help(const char* const* words, size_t count);

static const struct command {
    const char *name, *arguments, *help;
    void (*function)(const char* const* words, size_t count);
} commands[] = {
    {"help", "", "this list", command_help},
    {"ls", "", "the files of the boot archive", command_ls},
    {"run", "PROGRAM [ARGUMENT...]", "start a program and wait for its end", command_run},
    {"mem", "", "what the kernel holds", command_mem},
    {"test", "[PROGRAM[.CASE]]", "run the test programs and switch off", command_test},
    {"exit", "", "switch the machine off", command_exit},
};

static void command_help(const char* const* words, size_t count) {
    (void)words, (void)count;
    for (size_t i = 0; i < countof(commands); i++)
        printf("  %-5s %-22s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
}

static void execute(const char* const* words, size_t count) {
    for (size_t i = 0; i < countof(commands); i++) {
        if (strcmp(words[0], commands[i].name) == 0) {
            commands[i].function(words, count);
            return;
        }
    }
    printf("%s: unknown command; try help\n", words[0]);
}

_Noreturn void shell_run(void) {
    printf("type help for the commands\n");
    for (;;) {
        char line[LINE_SIZE];
        const char* words[WORD_MAX];
        printf("> ");
        fflush(stdout);
        read_line(line);
        size_t count = split(line, words);
        if (count > 0)
            execute(words, count);
    }
}
