/* Thread-local storage (TLS): finds the program's template and makes a copy for each thread. */
#include <internal/elf.h>
#include <internal/thread_control.h>

#include <string.h>

extern const struct elf_header __ehdr_start __attribute__((__visibility__("hidden")));

/* For code that runs before the thread pointer is set: the stack protector reads its guard through
 * it. */
#define BEFORE_THREAD_POINTER __attribute__((no_stack_protector))

BEFORE_THREAD_POINTER const struct elf_segment* program_segment(uint32_t type) {
    const struct elf_segment* segments =
        (const struct elf_segment*)((const char*)&__ehdr_start + __ehdr_start.segment_offset);
    for (size_t i = 0; i < __ehdr_start.segment_count; i++)
        if (segments[i].type == type)
            return &segments[i];
    return NULL;
}

BEFORE_THREAD_POINTER static const struct elf_segment* tls_template(void) {
    return program_segment(ELF_SEGMENT_TLS);
}

/* The size of the variables, rounded so that both their start and their end are aligned. */
BEFORE_THREAD_POINTER static size_t variables_size(const struct elf_segment* template) {
    if (!template)
        return 0;
    if (template->alignment > TLS_BLOCK_ALIGNMENT)
        __builtin_trap();
    return (template->memory_size + TLS_BLOCK_ALIGNMENT - 1) & -(size_t)TLS_BLOCK_ALIGNMENT;
}

BEFORE_THREAD_POINTER size_t tls_size(void) {
    return variables_size(tls_template()) + sizeof(struct thread_control);
}

BEFORE_THREAD_POINTER struct thread_control* tls_init(void* block) {
    const struct elf_segment* template = tls_template();
    size_t size = variables_size(template);
    struct thread_control* thread = (struct thread_control*)((char*)block + size);
    memset(block, 0, size + sizeof(*thread));
    if (template) {
        size_t align = template->alignment ? template->alignment : 1;
        char* start = (char*)thread - ((template->memory_size + align - 1) & -align);
        memcpy(start, (const char*)&__ehdr_start + template->address, template->file_size);
    }
    thread->self = thread;
    return thread;
}
