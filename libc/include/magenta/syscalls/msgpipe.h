/* Flags of the message pipe calls. */
#pragma once

#include <abi/pipes.h>
#include <magenta/types.h>
