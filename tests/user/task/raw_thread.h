/* Threads without the C library: no TLS, no stack protector. */
#pragma once

#include <zircon/syscalls.h>

#define WITHOUT_STACK_PROTECTOR __attribute__((no_stack_protector))
#define RAW_THREAD WITHOUT_STACK_PROTECTOR static void

struct raw_thread {
    zx_handle_t handle;
    _Alignas(16) char stack[4096];
};

/* Makes it, in the process itself, and starts it with entry(argument1, argument2). */
zx_status_t raw_thread_create(struct raw_thread* thread);
zx_status_t raw_thread_start(struct raw_thread* thread, void (*entry)(uintptr_t, uintptr_t),
                             uintptr_t argument1, uintptr_t argument2);

/* Entries: never end by themselves. */
void raw_spin(uintptr_t unused1, uintptr_t unused2);
void raw_sleep(uintptr_t unused1, uintptr_t unused2);
