/* Where the entry code enters the kernel, on the boot CPU's first stack, interrupts off. */
#pragma once

#include <stdint.h>

/* `magic` and `info_address` (physical) are what the loader left in eax and ebx. */
_Noreturn void kernel_main(uint32_t magic, uint64_t info_address);
