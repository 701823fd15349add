/* Ending the program. */
#include <internal/lock.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define ATEXIT_MAX 32

static atomic_int atexit_lock; /* guards the two below */
static void (*exit_functions[ATEXIT_MAX])(void);
static unsigned exit_function_count;

int atexit(void (*function)(void)) {
    lock_acquire(&atexit_lock);
    int result = -1;
    if (exit_function_count < ATEXIT_MAX) {
        exit_functions[exit_function_count++] = function;
        result = 0;
    }
    lock_release(&atexit_lock);
    return result;
}

/* Takes one function out of the list. The lock is not held while the function runs: the function
 * may call atexit. */
static void (*next_exit_function(void))(void) {
    lock_acquire(&atexit_lock);
    void (*function)(void) = exit_function_count > 0 ? exit_functions[--exit_function_count] : NULL;
    lock_release(&atexit_lock);
    return function;
}

void exit(int status) {
    void (*function)(void);
    while ((function = next_exit_function()) != NULL)
        function();
    fflush(NULL);
    zx_process_exit(status);
}

void _Exit(int status) {
    zx_process_exit(status);
}

void _exit(int status) {
    zx_process_exit(status);
}

/* Raises an exception, so that the kernel logs the place. */
void abort(void) {
    fflush(NULL);
    __builtin_trap();
}

void __assert_fail(const char* condition, const char* file, int line, const char* function) {
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, function, condition);
    abort();
}

/* Called by code compiled with -fstack-protector when a frame was overrun. */
_Noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void) {
    static const char complaint[] = "libc: a stack frame was overrun\n";
    zx_debug_write(complaint, sizeof(complaint) - 1);
    __builtin_trap();
}

char* getenv(const char* name) {
    (void)name;
    return NULL;
}

pid_t getpid(void) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(zx_process_self(), ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    return (pid_t)info.koid;
}
