#include <debug/panic.h>

#include <stdarg.h>
#include <stdatomic.h>

#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <debug/board.h>
#include <debug/console.h>
#include <debug/log.h>
#include <debug/symbols.h>
#include <lib/printf.h>

#define EXIT_PANIC 0x20
#define EXIT_BOOT_FAILURE 0x21
#define LOG_LINES_SHOWN 16

NORETURN void __stack_chk_fail(void);

static void print_registers(const struct exception_frame* f) {
    console_printf("rip %016lx  rflags %08lx  rsp %016lx  cs %lx\n", f->rip, f->rflags, f->rsp,
                   f->cs);
    console_printf("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx,
                   f->rdx);
    console_printf("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", f->rsi, f->rdi, f->rbp,
                   f->r8);
    console_printf("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r9, f->r10, f->r11,
                   f->r12);
    console_printf("r13 %016lx  r14 %016lx  r15 %016lx  vector %lu  error %lx\n", f->r13, f->r14,
                   f->r15, f->vector, f->error_code);
}

/* Only the first CPU that panics reports. If it panics again during the report, it says only that.
 */
static void enter_panic(void) {
    static atomic_uint reporter; /* CPU number + 1 */
    interrupts_disable();
    unsigned nobody = 0;
    if (!atomic_compare_exchange_strong(&reporter, &nobody, cpu_number() + 1)) {
        if (nobody != cpu_number() + 1)
            cpu_stop();
        console_printf("panic inside the panic report\n");
        machine_exit(EXIT_PANIC);
    }
    cpu_stop_others(); /* first, because they may be writing to the console */
    console_break_lock();
}

static NORETURN void report(const struct exception_frame* frame, uintptr_t frame_pointer,
                            const char* format, va_list arguments) {
    enter_panic();
    char reason[256];
    vsnprintf(reason, sizeof(reason), format, arguments);
    console_printf("\nPANIC on CPU %u: %s\n", cpu_number(), reason);
    if (frame) {
        print_registers(frame);
        symbol_print(frame->rip);
    }
    console_printf("backtrace:\n");
    symbol_print_backtrace(frame_pointer);
    panic_describe_thread();
    console_printf("last log lines:\n");
    log_replay(LOG_LINES_SHOWN, console_write);
    machine_exit(EXIT_PANIC);
}

void panic(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(NULL, (uintptr_t)__builtin_frame_address(0), format, arguments);
}

void panic_with_frame(const struct exception_frame* frame, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    report(frame, frame->rbp, format, arguments);
}

void boot_fail(const char* format, ...) {
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    console_printf("Jacinth: %s\n", reason);
    machine_exit(EXIT_BOOT_FAILURE);
}

/* Called by the code gcc puts into functions with arrays. */
void __stack_chk_fail(void) {
    panic("stack overrun: a function wrote past its arrays");
}
