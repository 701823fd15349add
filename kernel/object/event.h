/* Events: an object that is nothing but its signals. */
#pragma once

#include <object/object.h>

#define EVENT_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO | ZX_RIGHT_SIGNAL)

struct event {
    struct object object;
};

struct event* event_create(void); /* one reference; NULL: no memory */
