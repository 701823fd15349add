#include "raw_thread.h"

#include <zircon/process.h>

zx_status_t raw_thread_create(struct raw_thread* thread) {
    return zx_thread_create(zx_process_self(), "raw", 3, 0, &thread->handle);
}

/* As if called: one word below the aligned end. */
zx_status_t raw_thread_start(struct raw_thread* thread, void (*entry)(uintptr_t, uintptr_t),
                             uintptr_t argument1, uintptr_t argument2) {
    uintptr_t top = (uintptr_t)(thread->stack + sizeof(thread->stack)) - sizeof(uintptr_t);
    return zx_thread_start(thread->handle, (zx_vaddr_t)entry, top, argument1, argument2);
}

WITHOUT_STACK_PROTECTOR void raw_spin(uintptr_t unused1, uintptr_t unused2) {
    (void)unused1, (void)unused2;
    for (;;)
        __asm__ volatile("pause");
}

/* A sleep that returns is a fault. */
WITHOUT_STACK_PROTECTOR void raw_sleep(uintptr_t unused1, uintptr_t unused2) {
    (void)unused1, (void)unused2;
    zx_nanosleep(ZX_TIME_INFINITE);
    for (;;)
        __asm__ volatile("ud2");
}
