/* Resources: a handle to one is the right to use the machine itself.
 *
 * Rules for resources:
 * - There is one kind. It stands for the results port, switching off, and serial input.
 * - The first process gets a handle from the kernel. Other programs get one only from a program
 *   that has one. */
#pragma once

#include <object/object.h>

#define RESOURCE_DEFAULT_RIGHTS (ZX_RIGHTS_BASIC | ZX_RIGHTS_IO)

struct object* resource_create(void); /* with one reference; NULL: no memory */
