#include <debug/crash.h>

#include <arch/cpu.h>
#include <debug/panic.h>
#include <lib/compiler.h>
#include <lib/string.h>

#define UNMAPPED_ADDRESS 0xffffd00000000000ul

static void crash_panic(void) {
    panic("deliberate panic");
}

static void crash_assert(void) {
    CHECK(!"deliberate");
}

static void crash_page_fault(void) {
    *(volatile int*)UNMAPPED_ADDRESS = 1;
}

/* The compiler must neither see that this never ends nor turn it into a loop. */
static __attribute__((noinline)) unsigned overflow_stack(volatile unsigned char* below) {
    volatile unsigned char frame[512];
    frame[0] = frame[1] = below[0];
    return frame[0] + (below[0] == 1 ? 0 : overflow_stack(frame)) + frame[1];
}

static void crash_stack_overflow(void) {
    volatile unsigned char nothing[512] = {0};
    overflow_stack(nothing);
}

static void crash_hang(void) {
    interrupts_disable();
    for (;;)
        cpu_relax();
}

static const struct {
    const char* name;
    void (*crash)(void);
} kinds[] = {
    {"panic", crash_panic},
    {"assert", crash_assert},
    {"page-fault", crash_page_fault},
    {"stack-overflow", crash_stack_overflow},
    {"hang", crash_hang},
    {"triple-fault", cpu_triple_fault},
};

void crash_deliberately(const char* kind, size_t length) {
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, kind, length) == 0)
            kinds[i].crash();
    boot_fail("no such crash: jacinth.crash=%.*s", (int)length, kind);
}
