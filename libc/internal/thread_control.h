/* libc's data of each thread. FS points to it; the thread's TLS variables lie directly below, as
 * the x86-64 ABI demands. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <threads.h>
#include <zircon/types.h>

#define TSS_KEY_COUNT 32
#define TLS_BLOCK_ALIGNMENT 64

enum thread_fate {
    THREAD_JOINABLE,
    THREAD_DETACHED,
    THREAD_FINISHED, /* ended before it was joined or detached */
};

struct thread_control {
    struct thread_control* self; /* %fs:0, fixed by the ABI */
    uintptr_t reserved[4];
    uintptr_t stack_guard; /* %fs:0x28, fixed by the compiler */
    zx_handle_t handle;
    thrd_start_t function;
    void* argument;
    int result;
    atomic_int fate;             /* enum thread_fate */
    void* mapping;               /* stack, TLS and this structure; NULL for the first thread */
    struct thread_control* next; /* in a list of finished detached threads or of spare stacks */
    void* tss_values[TSS_KEY_COUNT];
};

_Static_assert(offsetof(struct thread_control, stack_guard) == 0x28, "the compiler's offset");

static inline struct thread_control* thread_control_self(void) {
    struct thread_control* self;
    __asm__("mov %%fs:0, %0" : "=r"(self));
    return self;
}

struct elf_segment;

/* The program's segment of that type; NULL: none. */
const struct elf_segment* program_segment(uint32_t type);
/* The size of TLS variables and control structure together. */
size_t tls_size(void);
/* Initializes both in `block`, which has tls_size() bytes and TLS_BLOCK_ALIGNMENT. Returns the
 * control structure. */
struct thread_control* tls_init(void* block);
void tss_run_destructors(struct thread_control* thread);
