/* Resources: a handle to one is the right to use the machine itself. That is the results port,
 * switching off, and serial input. There is one kind so far. */
#pragma once

#include <object/object.h>

#define RESOURCE_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO)

struct object* resource_create(void); /* with one reference; NULL: no memory */
