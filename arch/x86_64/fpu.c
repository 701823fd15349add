/* Floating point and vector registers. They are saved and restored in each switch between user
 * threads, so that no thread can read the registers of another. */
#include <arch/context_switch.h>

#include <arch/upcalls.h>
#include <lib/compiler.h>
#include <lib/string.h>

#include "cpu_internal.h"
#include "registers.h"

#define XCR0_X87_SSE_AVX 0x7u
#define XCR0_AVX512 0xe0u
#define FXSAVE_SIZE 512u
#define XSAVE_HEADER_SIZE 64u /* behind the FXSAVE part */
#define STATE_ALIGNMENT 64u
/* All exceptions masked, as the psABI wants at process start. */
#define X87_CONTROL_DEFAULT 0x037f
#define MXCSR_DEFAULT 0x1f80

uint32_t fpu_xsave_mask HOT_DATA;
bool fpu_has_quick_exchange HOT_DATA;

/* The part of the FXSAVE image that is not zero in a fresh thread. */
struct fxsave_header {
    uint16_t control, status;
    uint8_t reserved[20];
    uint32_t mxcsr;
};

void fpu_init_cpu(void) {
    if (!cpu_features.has_xsave)
        return;
    cr4_write(cr4_read() | CR4_OSXSAVE);
    __asm__ volatile("xsetbv" ::"c"(0), "a"(fpu_xsave_mask), "d"(0));
}

void fpu_init_boot(void) {
    if (cpu_features.has_xsave)
        fpu_xsave_mask = cpuid(CPUID_XSAVE, 0).eax & (XCR0_X87_SSE_AVX | XCR0_AVX512);
    fpu_has_quick_exchange = cpu_features.has_xsave && cpu_features.has_fsgsbase;
    fpu_init_cpu();
    /* With XSAVE: the size for the components just enabled. */
    fpu_memory_init(cpu_features.has_xsave ? cpuid(CPUID_XSAVE, 0).ebx : FXSAVE_SIZE,
                    STATE_ALIGNMENT);
}

/* With XSAVE, XRSTOR reads only the header and MXCSR. A zero header says that all registers have
 * their initial values. MXCSR is loaded even if the header is zero. */
bool context_fpu_create(struct thread_context* context) {
    char* state = fpu_memory_alloc();
    if (!state)
        return false;
    struct fxsave_header* legacy = (struct fxsave_header*)state;
    if (cpu_features.has_xsave) {
        memset(state + FXSAVE_SIZE, 0, XSAVE_HEADER_SIZE);
    } else {
        memset(state, 0, FXSAVE_SIZE);
        legacy->control = X87_CONTROL_DEFAULT;
    }
    legacy->mxcsr = MXCSR_DEFAULT;
    context->fpu_state = state;
    return true;
}

void context_fpu_destroy(struct thread_context* context) {
    if (context->fpu_state)
        fpu_memory_free(context->fpu_state);
    context->fpu_state = NULL;
}
