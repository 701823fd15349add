/* ELF64 static-PIE programs: checks a file and says what is to be mapped where. Pure: compiles on
 * the build machine too. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENT_MAX 16
#define ELF_PAGE_SIZE 4096u
#define ELF_SPAN_MAX (1ull << 30)

/* Addresses count from the image's first page. No two segments share a page. */
struct elf_segment {
    uint64_t address;     /* of the first byte; its place in the page is that of file_offset */
    uint64_t memory_size; /* what is past file_size is zero */
    uint64_t file_offset, file_size;
    uint32_t permissions; /* ZX_VM_PERM_*; never both written and run */
};

struct elf_image {
    uint64_t entry;
    uint64_t span; /* whole pages */
    size_t segment_count;
    struct elf_segment segments[ELF_SEGMENT_MAX]; /* in ascending order */
};

/* NULL when the file can be loaded as `image` says, else why not ("is not an ELF program"...), to
 * be put behind the file's name. */
const char* elf_check(const void* file, size_t size, struct elf_image* image);
