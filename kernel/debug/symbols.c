#include <debug/symbols.h>

#include <stddef.h>

#include <arch/backtrace.h>
#include <debug/console.h>

#define BACKTRACE_DEPTH 32

struct symbol {
    uint32_t offset, name;
};

extern const uint32_t kernel_symbols[];
extern const char kernel_start[], text_end[];

const char* symbol_find(uintptr_t address, uintptr_t* offset) {
    uint32_t count = kernel_symbols[0];
    const struct symbol* symbols = (const struct symbol*)(kernel_symbols + 1);
    if (count == 0 || address < (uintptr_t)kernel_start || address >= (uintptr_t)text_end)
        return NULL;
    uint32_t wanted = (uint32_t)(address - (uintptr_t)kernel_start);
    uint32_t low = 0, high = count; /* symbols[low] is at or below, symbols[high] above */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbols[middle].offset <= wanted)
            low = middle;
        else
            high = middle;
    }
    if (symbols[low].offset > wanted)
        return NULL;
    *offset = wanted - symbols[low].offset;
    return (const char*)(symbols + count) + symbols[low].name;
}

void symbol_print(uintptr_t address) {
    uintptr_t offset;
    const char* name = symbol_find(address, &offset);
    if (name)
        console_printf("  0x%016lx %s+0x%lx\n", address, name, offset);
    else
        console_printf("  0x%016lx\n", address);
}

void symbol_print_backtrace(uintptr_t frame_pointer) {
    uintptr_t addresses[BACKTRACE_DEPTH];
    size_t count = backtrace_collect(frame_pointer, addresses, BACKTRACE_DEPTH);
    for (size_t i = 0; i < count; i++)
        symbol_print(addresses[i]);
}
