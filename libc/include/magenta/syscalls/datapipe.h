/* Flags of the data pipe calls. */
#pragma once

#include <abi/pipes.h>
#include <magenta/types.h>
