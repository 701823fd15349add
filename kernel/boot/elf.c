#include <boot/elf.h>

#include <stdbool.h>

#include <abi/memory.h>
#include <lib/compiler.h>
#include <lib/string.h>

struct file_header {
    uint8_t magic[4];
    uint8_t class, data, identification_version, abi, padding[8];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_size, program_header_size, program_header_count;
    uint16_t section_header_size, section_header_count, name_section;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical_address, file_size, memory_size, alignment;
};

enum {
    CLASS_64 = 2,
    DATA_LITTLE_ENDIAN = 1,
    VERSION_CURRENT = 1,
    TYPE_DYNAMIC = 3, /* position-independent */
    MACHINE_X86_64 = 62,
    HEADER_LOAD = 1,
    HEADER_INTERPRETER = 3,
    HEADER_GNU_STACK = 0x6474e551,
    FLAG_EXECUTE = 1,
    FLAG_WRITE = 2,
    FLAG_READ = 4,
    PROGRAM_HEADER_COUNT_MAX = 64,
};

static const char* check_file_header(const struct file_header* header, size_t size) {
    if (size < sizeof(*header) || memcmp(header->magic, "\177ELF", 4) != 0)
        return "is not an ELF program";
    if (header->class != CLASS_64 || header->data != DATA_LITTLE_ENDIAN ||
        header->machine != MACHINE_X86_64)
        return "is an ELF file of another machine";
    if (header->identification_version != VERSION_CURRENT || header->version != VERSION_CURRENT)
        return "is an ELF file of an unknown version";
    if (header->type != TYPE_DYNAMIC)
        return "is not a static-PIE program";
    if (header->program_header_size != sizeof(struct program_header) ||
        header->program_header_count == 0 ||
        header->program_header_count > PROGRAM_HEADER_COUNT_MAX || header->program_headers > size ||
        header->program_header_count * sizeof(struct program_header) >
            size - header->program_headers)
        return "has no sound program headers";
    return NULL;
}

static uint32_t permissions_of(uint32_t flags) {
    return (flags & FLAG_READ ? ZX_VM_PERM_READ : 0) |
           (flags & FLAG_WRITE ? ZX_VM_PERM_READ | ZX_VM_PERM_WRITE : 0) |
           (flags & FLAG_EXECUTE ? ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE : 0);
}

/* Adds a segment with the addresses of the file. `image->span` becomes the end of the segment's
 * last page. */
static const char* add_segment(const struct program_header* header, size_t size,
                               struct elf_image* image) {
    if (header->memory_size == 0)
        return NULL;
    if (header->file_size > header->memory_size || header->offset > size ||
        header->file_size > size - header->offset)
        return "has a segment that is not in the file";
    if (header->address > ELF_SPAN_MAX || header->memory_size > ELF_SPAN_MAX ||
        header->address % ELF_PAGE_SIZE != header->offset % ELF_PAGE_SIZE)
        return "has a segment at an impossible address";
    if ((header->flags & FLAG_WRITE) && (header->flags & FLAG_EXECUTE))
        return "has a segment that is both writable and executable";
    if (image->segment_count > 0 && ALIGN_DOWN(header->address, ELF_PAGE_SIZE) < image->span)
        return "has segments that overlap";
    if (image->segment_count == ELF_SEGMENT_MAX)
        return "has too many segments";
    image->segments[image->segment_count++] = (struct elf_segment){
        .address = header->address,
        .memory_size = header->memory_size,
        .file_offset = header->offset,
        .file_size = header->file_size,
        .permissions = permissions_of(header->flags),
    };
    image->span = ALIGN_UP(header->address + header->memory_size, ELF_PAGE_SIZE);
    return NULL;
}

static const char* check_program_header(const struct program_header* header, size_t size,
                                        struct elf_image* image) {
    switch (header->type) {
    case HEADER_LOAD:
        return add_segment(header, size, image);
    case HEADER_INTERPRETER:
        return "needs a dynamic linker";
    case HEADER_GNU_STACK:
        return header->flags & FLAG_EXECUTE ? "asks for an executable stack" : NULL;
    default:
        return NULL;
    }
}

/* Makes all addresses relative to the image's first page. */
static void rebase(struct elf_image* image, uint64_t entry) {
    uint64_t base = ALIGN_DOWN(image->segments[0].address, ELF_PAGE_SIZE);
    for (size_t i = 0; i < image->segment_count; i++)
        image->segments[i].address -= base;
    image->span -= base;
    image->entry = entry - base;
}

static bool is_entry_executable(const struct elf_image* image) {
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment* segment = &image->segments[i];
        if ((segment->permissions & ZX_VM_PERM_EXECUTE) && image->entry >= segment->address &&
            image->entry - segment->address < segment->file_size)
            return true;
    }
    return false;
}

const char* elf_check(const void* file, size_t size, struct elf_image* image) {
    struct file_header header = {.type = 0};
    memcpy(&header, file, MIN(size, sizeof(header)));
    const char* problem = check_file_header(&header, size);
    *image = (struct elf_image){.segment_count = 0};
    for (size_t i = 0; i < header.program_header_count && !problem; i++) {
        struct program_header program_header;
        memcpy(&program_header,
               (const char*)file + header.program_headers + i * sizeof(program_header),
               sizeof(program_header));
        problem = check_program_header(&program_header, size, image);
    }
    if (problem)
        return problem;
    if (image->segment_count == 0)
        return "has nothing to load";
    rebase(image, header.entry);
    return is_entry_executable(image) ? NULL : "starts outside its code";
}
