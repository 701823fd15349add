/* Events: an object that has signals and nothing else.
 *
 * Rules for events:
 * - No signal has a meaning for the kernel: programs set and clear SIGNALED and the user signals.
 * - Any number of threads may wait; a signal stays until it is cleared, so it wakes all of them. */
#pragma once

#include <object/object.h>

#define EVENT_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)

struct event {
    struct object object;
};

struct event* event_create(void); /* with one reference; NULL: no memory */
