/* Mappings of device registers, for the kernel. They are never taken back. */
#pragma once

#include <stddef.h>

#include <lib/address.h>

/* Maps device memory, uncached, for ever. NULL: no memory. */
volatile void* device_map(physical_address_t address, size_t size);
