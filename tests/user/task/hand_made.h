/* A process made and started by hand: one page of code and stack. */
#pragma once

#include <zircon/syscalls.h>

struct hand_made {
    zx_handle_t process, vmar, thread;
    zx_vaddr_t code, stack;
};

/* The code ends the process with the sum of its two arguments. */
void hand_made_create(struct hand_made* made);
void hand_made_destroy(struct hand_made* made);
