#include <arch/context_switch.h>

#include <arch/backtrace.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>

#include "cpu_internal.h"
#include "registers.h"

void context_first_run(void);
_Noreturn void context_enter_user_frame(const struct exception_frame* frame);

/* The stack of a thread that has not run yet. context_switch pops the first two words, which it has
 * pushed for every other thread that does not run. context_first_run pops the other words. */
struct first_frame {
    uint64_t rbp;
    void (*resume)(void);
    void (*entry)(void*);
    void* argument;
};

void context_init(struct thread_context* context, void* stack_top, void (*entry)(void*),
                  void* argument) {
    struct first_frame* first = (struct first_frame*)stack_top - 1;
    *first = (struct first_frame){0, context_first_run, entry, argument};
    *context = (struct thread_context){.stack_pointer = (uint64_t)first};
}

/* The saved rbp and the resume address above it have the layout of a function's frame. */
uintptr_t backtrace_begin(const struct thread_context* context) {
    return context->stack_pointer;
}

/* --- what belongs to user mode ------------------------------------------------------------------
 */

/* `state` is aligned to 64 bytes, of the size that fpu_init_boot found. */
static void fpu_save(void* state) {
    if (cpu_features.has_xsave)
        __asm__ volatile("xsave64 (%0)" ::"r"(state), "a"(fpu_xsave_mask), "d"(0) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(state) : "memory");
}

static void fpu_restore(const void* state) {
    if (cpu_features.has_xsave)
        __asm__ volatile("xrstor64 (%0)" ::"r"(state), "a"(fpu_xsave_mask), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" ::"r"(state) : "memory");
}

/* While the kernel runs, the inactive GS base (of swapgs) is that of user mode. */
static void save_user_bases(struct thread_context* context) {
    if (!cpu_features.has_fsgsbase)
        return; /* then user mode cannot change its bases */
    __asm__ volatile("rdfsbase %0" : "=r"(context->fs_base));
    __asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(context->gs_base));
}

/* The data selectors mean nothing in 64-bit mode and are not saved. They are cleared, so that one
 * program cannot leave a value in them for the next. Clearing a selector can change its base, so
 * the selectors are cleared before the bases are loaded. */
static void load_user_bases(const struct thread_context* context) {
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" ::"r"(0));
    if (cpu_features.has_fsgsbase) {
        __asm__ volatile("wrfsbase %0" ::"r"(context->fs_base));
        __asm__ volatile("swapgs; mov %0, %%gs; wrgsbase %1; swapgs" ::"r"(0),
                         "r"(context->gs_base));
    } else {
        __asm__ volatile("swapgs; mov %0, %%gs; swapgs" ::"r"(0));
        msr_write(MSR_FS_BASE, context->fs_base);
        msr_write(MSR_KERNEL_GS_BASE, context->gs_base);
    }
}

void context_exchange_user_state_slowly(struct thread_context* from,
                                        const struct thread_context* to) {
    if (from->fpu_state) {
        save_user_bases(from);
        fpu_save(from->fpu_state);
    }
    if (to->fpu_state) {
        load_user_bases(to);
        fpu_restore(to->fpu_state);
    }
}

void context_set_fs_base(uint64_t base) {
    context_current()->fs_base = base;
    if (cpu_features.has_fsgsbase)
        __asm__ volatile("wrfsbase %0" ::"r"(base));
    else
        msr_write(MSR_FS_BASE, base);
}

void context_enter_user(uintptr_t entry, uintptr_t stack, uint64_t argument1, uint64_t argument2) {
    struct exception_frame frame = {
        .rdi = argument1,
        .rsi = argument2,
        .rip = entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_FIXED | RFLAGS_IF,
        .rsp = stack,
        .ss = SELECTOR_USER_DATA,
    };
    interrupts_disable();
    struct thread_context* context = context_current();
    load_user_bases(context);
    fpu_restore(context->fpu_state);
    context_enter_user_frame(&frame);
}
