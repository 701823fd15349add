/* Floating point and vector registers. They are saved and restored in each switch between user
 * threads, so that no thread can read the registers of another. arch only. */
#pragma once

#include <arch/context_switch.h>

#define CPUID_XSAVE 0x0d

/* `state` is 64-byte aligned, of the size that fpu_init_boot found. */
static inline void fpu_save(void* state) {
    if (cpu_features.has_xsave)
        __asm__ volatile("xsave64 (%0)" ::"r"(state), "a"(fpu_xsave_mask), "d"(0) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(state) : "memory");
}

static inline void fpu_restore(const void* state) {
    if (cpu_features.has_xsave)
        __asm__ volatile("xrstor64 (%0)" ::"r"(state), "a"(fpu_xsave_mask), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(state) : "memory");
}
