/* The first message a program reads from its first handle: its arguments and the handles it starts
 * with. Built by the kernel for the first process and by libc's launcher for all others.
 *
 * Layout: struct bootstrap_header; handle_count words saying what each handle is;
 * argument_bytes of NUL-terminated argument strings (argument_count of them). */
#pragma once

#include <stdint.h>

#define BOOTSTRAP_MAGIC 0x4a414349u /* "JACI" */

struct bootstrap_header {
    uint32_t magic;
    uint32_t handle_count;
    uint32_t argument_count;
    uint32_t argument_bytes;
};

/* What a handle is: kind in the low 16 bits, a free number (BOOTSTRAP_USER only) above. */
#define BOOTSTRAP_PROCESS_SELF 1u
#define BOOTSTRAP_THREAD_SELF 2u
#define BOOTSTRAP_VMAR_ROOT 3u
#define BOOTSTRAP_JOB 4u
#define BOOTSTRAP_BOOTFS 5u /* VMO: the boot archive (cpio newc), read-only */
#define BOOTSTRAP_RESOURCE 6u
#define BOOTSTRAP_USER 7u
#define BOOTSTRAP_INFO(kind, number) ((kind) | ((uint32_t)(number) << 16))
