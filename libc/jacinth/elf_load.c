/* See internal/elf_load.h. A read-only segment that begins on a page boundary of the archive is
 * mapped where it lies, so all processes share it. Every other segment becomes a VMO of its own,
 * filled from the file. */
#include <internal/elf_load.h>
#include <internal/elf.h>

#include <stdbool.h>
#include <string.h>
#include <zircon/syscalls.h>

/* no program is that large; so sums of addresses cannot overflow */
#define ADDRESS_LIMIT (1ul << 40)

struct elf_file {
    const struct elf_source* source;
    const struct elf_header* header;
    const struct elf_segment* segments;
};

static uint64_t page_start(uint64_t address) {
    return address & -(uint64_t)PAGE_SIZE_BYTES;
}

static uint64_t page_end(uint64_t address) {
    return page_start(address + PAGE_SIZE_BYTES - 1);
}

static bool header_is_sound(const struct elf_file* file) {
    const struct elf_header* header = file->header;
    return file->source->size >= sizeof(*header) && memcmp(header->magic, "\177ELF", 4) == 0 &&
           header->class == ELF_CLASS_64 && header->byte_order == ELF_LITTLE_ENDIAN &&
           header->type == ELF_TYPE_SHARED && header->machine == ELF_MACHINE_X86_64 &&
           header->segment_size == sizeof(struct elf_segment) && header->entry < ADDRESS_LIMIT &&
           header->segment_offset % _Alignof(struct elf_segment) == 0 &&
           header->segment_offset <= file->source->size &&
           header->segment_count <=
               (file->source->size - header->segment_offset) / sizeof(struct elf_segment);
}

static bool segment_is_sound(const struct elf_file* file, const struct elf_segment* segment) {
    bool is_writable_code =
        (segment->flags & ELF_SEGMENT_WRITE) && (segment->flags & ELF_SEGMENT_EXECUTE);
    return !is_writable_code && segment->file_size <= segment->memory_size &&
           segment->address < ADDRESS_LIMIT && segment->memory_size < ADDRESS_LIMIT &&
           segment->offset <= file->source->size &&
           segment->file_size <= file->source->size - segment->offset;
}

/* Computes the room that the loadable segments need. They must ascend and share no page. */
static bool measure(const struct elf_file* file, uint64_t* span) {
    *span = 0;
    for (size_t i = 0; i < file->header->segment_count; i++) {
        const struct elf_segment* segment = &file->segments[i];
        if (segment->type == ELF_SEGMENT_INTERPRETER)
            return false;
        if (segment->type != ELF_SEGMENT_LOAD)
            continue;
        if (!segment_is_sound(file, segment) || page_start(segment->address) < *span)
            return false;
        *span = page_end(segment->address + segment->memory_size);
    }
    return *span > 0 && file->header->entry < *span;
}

static uint32_t map_options(const struct elf_segment* segment) {
    uint32_t options = ZX_VM_SPECIFIC;
    if (segment->flags & ELF_SEGMENT_READ)
        options |= ZX_VM_PERM_READ;
    if (segment->flags & ELF_SEGMENT_WRITE)
        options |= ZX_VM_PERM_WRITE;
    else
        options |= ZX_VM_MAP_RANGE; /* all its pages are filled now: this saves the page faults */
    if (segment->flags & ELF_SEGMENT_EXECUTE)
        options |= ZX_VM_PERM_EXECUTE;
    return options;
}

/* Whether the segment can be mapped from the archive. The program also sees what follows in the
 * last page; the archive is no secret. */
static bool can_share(const struct elf_file* file, const struct elf_segment* segment) {
    uint64_t offset = file->source->offset + segment->offset;
    return !(segment->flags & ELF_SEGMENT_WRITE) && segment->file_size == segment->memory_size &&
           (offset - segment->address) % PAGE_SIZE_BYTES == 0;
}

/* Makes a VMO with the segment at its place in the page. It belongs to the caller. */
static zx_status_t copy_segment(const struct elf_file* file, const struct elf_segment* segment,
                                uint64_t size, zx_handle_t* vmo) {
    zx_status_t status = zx_vmo_create(size, 0, vmo);
    if (status != ZX_OK || segment->file_size == 0)
        return status;
    status = zx_vmo_write(*vmo, file->source->bytes + segment->offset,
                          segment->address % PAGE_SIZE_BYTES, segment->file_size);
    if (status != ZX_OK)
        zx_handle_close(*vmo);
    return status;
}

static zx_status_t load_segment(zx_handle_t vmar, const struct elf_file* file,
                                const struct elf_segment* segment) {
    uint64_t start = page_start(segment->address);
    uint64_t size = page_end(segment->address + segment->memory_size) - start;
    zx_vaddr_t address;
    if (can_share(file, segment))
        return zx_vmar_map(vmar, map_options(segment), start, file->source->vmo,
                           page_start(file->source->offset + segment->offset), size, &address);
    zx_handle_t vmo;
    zx_status_t status = copy_segment(file, segment, size, &vmo);
    if (status != ZX_OK)
        return status;
    status = zx_vmar_map(vmar, map_options(segment), start, vmo, 0, size, &address);
    zx_handle_close(vmo);
    return status;
}

zx_status_t elf_load(zx_handle_t vmar, const struct elf_source* source, zx_vaddr_t* entry) {
    struct elf_file file = {source, (const struct elf_header*)source->bytes, NULL};
    if (!header_is_sound(&file))
        return ZX_ERR_INVALID_ARGS;
    file.segments = (const struct elf_segment*)(source->bytes + file.header->segment_offset);
    uint64_t span;
    if (!measure(&file, &span))
        return ZX_ERR_INVALID_ARGS;

    zx_handle_t image;
    zx_vaddr_t base;
    zx_status_t status = zx_vmar_allocate(vmar,
                                          ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ |
                                              ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE,
                                          0, span, &image, &base);
    if (status != ZX_OK)
        return status;
    for (size_t i = 0; i < file.header->segment_count && status == ZX_OK; i++)
        if (file.segments[i].type == ELF_SEGMENT_LOAD && file.segments[i].memory_size > 0)
            status = load_segment(image, &file, &file.segments[i]);
    zx_handle_close(image);
    *entry = base + file.header->entry;
    return status;
}
