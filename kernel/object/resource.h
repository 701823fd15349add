/* The right to use the machine itself: results port, switching off, serial input. One kind so far.
 */
#pragma once

#include <object/object.h>

#define RESOURCE_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO)

struct object* resource_create(void); /* one reference; NULL: no memory */
