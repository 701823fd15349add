/* Topics and structures of zx_object_get_info, properties of zx_object_get/set_property. */
#pragma once

#include <abi/objects.h>
#include <zircon/types.h>
