/* ELF64 static-PIE programs: checks a file, and returns which parts to map where. Pure: compiles on
 * the build machine too. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENT_MAX 16
#define ELF_PAGE_SIZE 4096u
#define ELF_SPAN_MAX (1ull << 30)

/* Addresses are relative to the image's first page. No two segments share a page. */
struct elf_segment {
    uint64_t address;     /* of the first byte; the same offset in a page as file_offset */
    uint64_t memory_size; /* the bytes past file_size are zero */
    uint64_t file_offset, file_size;
    uint32_t permissions; /* ZX_VM_PERM_*; never both write and execute */
};

struct elf_image {
    uint64_t entry;
    uint64_t span; /* in bytes; whole pages */
    size_t segment_count;
    struct elf_segment segments[ELF_SEGMENT_MAX]; /* in ascending order */
};

/* Returns NULL if the file can be loaded as `image` describes. Otherwise returns the reason, to be
 * printed behind the file's name ("is not an ELF program"...). */
const char* elf_check(const void* file, size_t size, struct elf_image* image);
