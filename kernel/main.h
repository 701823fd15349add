/* The two places where entry code enters the kernel, each on its CPU's first stack, interrupts off.
 */
#pragma once

#include <stdint.h>

/* Boot CPU: `magic` and `info_address` (physical) are what the loader left in eax/ebx or ebx. */
_Noreturn void kernel_main(uint32_t magic, uint64_t info_address);
/* Every other CPU, its struct cpu and the final page tables in place. */
_Noreturn void secondary_cpu_main(void);
