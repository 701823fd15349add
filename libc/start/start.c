/* From the first instruction to main.
 *
 * The program is a static-PIE file, which learns only now at which address it runs. Two steps limit
 * what the code may do:
 * 1. Until relocate_self has run, no pointer in its data is right.
 * 2. Until the thread pointer is set, it may not call a function with a stack protector, nor use a
 *    TLS variable. */
#include <internal/elf.h>
#include <internal/bootstrap.h>
#include <internal/thread_control.h>
#include <limits.h>
#include <stdlib.h>
#include <jacinth/bootstrap.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

typedef void (*init_function_t)(void);

/* Set by the linker. */
extern const struct elf_header __ehdr_start __attribute__((__visibility__("hidden")));
extern struct elf_dynamic _DYNAMIC[] __attribute__((__visibility__("hidden")));
extern init_function_t __init_array_start[] __attribute__((__visibility__("hidden")));
extern init_function_t __init_array_end[] __attribute__((__visibility__("hidden")));

int main(int argc, char** argv);
_Noreturn void start_c(zx_handle_t bootstrap);

__attribute__((no_stack_protector)) static void relocate_self(void) {
    uintptr_t base = (uintptr_t)&__ehdr_start;
    const struct elf_relocation* relocations = NULL;
    size_t size = 0;
    for (const struct elf_dynamic* entry = _DYNAMIC; entry->tag != ELF_DYNAMIC_END; entry++) {
        if (entry->tag == ELF_DYNAMIC_RELA)
            relocations = (const struct elf_relocation*)(base + entry->value);
        else if (entry->tag == ELF_DYNAMIC_RELA_SIZE)
            size = entry->value;
    }
    for (size_t i = 0; i < size / sizeof(*relocations); i++)
        if ((uint32_t)relocations[i].info == ELF_RELOCATION_RELATIVE)
            *(uintptr_t*)(base + relocations[i].offset) = base + (uintptr_t)relocations[i].addend;
}

/* Makes the tables of pointers read-only again, which relocate_self has written. If the program's
 * VMAR does not allow that, the program continues. */
static void protect_self(void) {
    const struct elf_segment* segment = program_segment(ELF_SEGMENT_RELRO);
    if (!segment)
        return;
    uintptr_t address = (uintptr_t)&__ehdr_start + segment->address;
    uintptr_t start = address & -(uintptr_t)PAGE_SIZE_BYTES;
    uintptr_t end = (address + segment->memory_size) & -(uintptr_t)PAGE_SIZE_BYTES;
    if (end > start)
        (void)zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, start, end - start);
}

/* The first thread's control structure lies in this frame, which never returns. */
__attribute__((no_stack_protector)) _Noreturn void start_c(zx_handle_t bootstrap) {
    relocate_self();
    struct thread_control* thread =
        tls_init(__builtin_alloca_with_align(tls_size(), TLS_BLOCK_ALIGNMENT * CHAR_BIT));
    if (zx_thread_set_fs_base((uintptr_t)thread) != ZX_OK)
        zx_process_exit(ZX_ERR_INTERNAL);
    /* Different in each run: the time, and the random place of the stack. */
    thread->stack_guard =
        ((uint64_t)zx_ticks_get() * 0x9e3779b97f4a7c15ul ^ (uintptr_t)thread) & ~0xfful;

    struct program_arguments arguments = bootstrap_read(bootstrap);
    thread->handle = bootstrap_borrow(BOOTSTRAP_THREAD_SELF);
    protect_self();
    for (init_function_t* function = __init_array_start; function < __init_array_end; function++)
        (*function)();
    exit(main(arguments.count, arguments.strings));
}
