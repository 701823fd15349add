/* Flags of the channel calls. */
#pragma once

#include <magenta/types.h>
