/* ELF files: a good one, one fault at a time, and damage at random.
 * Sources: kernel/boot/elf.c kernel/lib/string.c */
#include <stdlib.h>
#include <string.h>

#include <abi/memory.h>
#include <boot/elf.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"
#include "mutate.h"

#define ROUNDS 60000u

/* Laid out as the format says, apart from the parser's own structures. */
struct file {
    uint8_t magic[4], class, data, identification_version, padding[9];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_size, program_header_size, program_header_count, section_fields[3];
    struct {
        uint32_t type, flags;
        uint64_t offset, address, physical_address, file_size, memory_size, alignment;
    } headers[4];
    uint8_t content[0x3000];
};

enum { TEXT, DATA, STACK, NOTE };

static struct file good_file(void) {
    struct file file = {
        .magic = {0x7f, 'E', 'L', 'F'},
        .class = 2,
        .data = 1,
        .identification_version = 1,
        .type = 3,
        .machine = 62,
        .version = 1,
        .entry = 0x5123,
        .program_headers = 64,
        .header_size = 64,
        .program_header_size = 56,
        .program_header_count = 4,
        .headers =
            {
                [TEXT] = {1, 5, 0x1000, 0x5000, 0, 0x800, 0x800, 4096},
                [DATA] = {1, 6, 0x1900, 0x7900, 0, 0x100, 0x2000, 4096},
                [STACK] = {0x6474e551, 6, 0, 0, 0, 0, 0, 16},
                [NOTE] = {4, 4, 0x40, 0, 0, 0, 0, 4},
            },
    };
    return file;
}

static struct file file;
static struct elf_image image;

SELFTEST(elf, a_good_file_is_described) {
    file = good_file();
    EXPECT(!elf_check(&file, sizeof(file), &image));
    EXPECT_EQUAL(image.segment_count, 2);
    EXPECT_EQUAL(image.entry, 0x123);
    EXPECT_EQUAL(image.span, 0x5000);
    EXPECT_EQUAL(image.segments[0].address, 0);
    EXPECT_EQUAL(image.segments[0].file_offset, 0x1000);
    EXPECT_EQUAL(image.segments[0].permissions, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE);
    EXPECT_EQUAL(image.segments[1].address, 0x2900);
    EXPECT_EQUAL(image.segments[1].file_size, 0x100);
    EXPECT_EQUAL(image.segments[1].memory_size, 0x2000);
    EXPECT_EQUAL(image.segments[1].permissions, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
}

/* Sets a field of a good file, and looks for a word of the complaint. */
#define EXPECT_COMPLAINT(field, value, words)                                    \
    do {                                                                         \
        file = good_file();                                                      \
        file.field = (value);                                                    \
        const char* complaint = elf_check(&file, sizeof(file), &image);          \
        EXPECT(complaint != NULL);                                               \
        if (!strstr(complaint, words))                                           \
            selftest_fail(__FILE__, __LINE__, "'%s', not %s", complaint, words); \
    } while (0)

SELFTEST(elf, each_fault_is_named) {
    EXPECT_COMPLAINT(magic[3], 'G', "not an ELF program");
    EXPECT_COMPLAINT(class, 1, "another machine");
    EXPECT_COMPLAINT(data, 2, "another machine");
    EXPECT_COMPLAINT(machine, 183, "another machine");
    EXPECT_COMPLAINT(identification_version, 0, "unknown version");
    EXPECT_COMPLAINT(version, 2, "unknown version");
    EXPECT_COMPLAINT(type, 2, "static-PIE");
    EXPECT_COMPLAINT(program_header_size, 32, "program headers");
    EXPECT_COMPLAINT(program_header_count, 0, "program headers");
    EXPECT_COMPLAINT(program_header_count, 65, "program headers");
    EXPECT_COMPLAINT(program_headers, sizeof(file) - 10, "program headers");
    EXPECT_COMPLAINT(program_headers, UINT64_MAX - 8, "program headers");
    EXPECT_COMPLAINT(headers[NOTE].type, 3, "dynamic linker");
    EXPECT_COMPLAINT(headers[STACK].flags, 7, "executable stack");
    EXPECT_COMPLAINT(headers[DATA].flags, 7, "writable and executable");
    EXPECT_COMPLAINT(headers[DATA].file_size, 0x2001, "not in the file");
    EXPECT_COMPLAINT(headers[DATA].offset, UINT64_MAX - 0x6ff, "not in the file");
    EXPECT_COMPLAINT(headers[DATA].offset, 0x1800, "impossible address");
    EXPECT_COMPLAINT(headers[DATA].address, ELF_SPAN_MAX + 0x1900, "impossible address");
    EXPECT_COMPLAINT(headers[DATA].memory_size, UINT64_MAX - 0x7000, "impossible address");
    EXPECT_COMPLAINT(headers[DATA].address, 0x5900, "overlap");
    EXPECT_COMPLAINT(headers[DATA].address, 0x900, "overlap");
    EXPECT_COMPLAINT(entry, 0x5800, "outside its code");
    EXPECT_COMPLAINT(entry, 0x7900, "outside its code");
    EXPECT_COMPLAINT(entry, 0, "outside its code");
    file = good_file();
    file.headers[TEXT].type = file.headers[DATA].type = 0;
    EXPECT(strstr(elf_check(&file, sizeof(file), &image), "nothing to load"));
}

/* What is accepted can be loaded: inside the file, in order, apart, never written and run. */
static bool is_sound(const uint8_t* data, size_t size) {
    uint64_t free_from = 0;
    for (size_t i = 0; i < image.segment_count; i++) {
        const struct elf_segment* segment = &image.segments[i];
        if (segment->file_offset > size || segment->file_size > size - segment->file_offset ||
            segment->file_size > segment->memory_size || segment->address < free_from ||
            segment->address + segment->memory_size > image.span ||
            (segment->permissions & (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)) ==
                (ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE))
            return false;
        if (segment->file_size > 0)
            (void)*(const volatile uint8_t*)(data + segment->file_offset + segment->file_size - 1);
        free_from = (segment->address + segment->memory_size + 4095) & ~4095ull;
    }
    return image.segment_count > 0 && image.entry < image.span &&
           image.span <= 2 * ELF_SPAN_MAX + ELF_PAGE_SIZE;
}

SELFTEST(elf, a_file_cut_off_anywhere_is_refused_or_sound) {
    file = good_file();
    for (size_t size = 0; size < sizeof(file); size += size < 700 ? 1 : 97) {
        uint8_t* data = truncate_to(&file, size);
        bool is_good = elf_check(data, size, &image) || is_sound(data, size);
        free(data);
        EXPECT(is_good);
    }
}

SELFTEST(elf, a_damaged_file_is_refused_or_sound) {
    uint32_t random = 7;
    unsigned accepted = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t size;
        file = good_file();
        /* Damage where the headers are; the rest of the file says nothing. */
        size_t header_size = offsetof(struct file, content);
        uint8_t* headers = mutate(&file, header_size, &random, &size);
        memcpy(&file, headers, size);
        free(headers);
        size_t whole =
            random_next(&random) % 4 ? sizeof(file) : random_next(&random) % sizeof(file);
        uint8_t* data = truncate_to(&file, whole);
        bool is_accepted = !elf_check(data, whole, &image);
        bool is_good = !is_accepted || is_sound(data, whole);
        free(data);
        EXPECT(is_good);
        accepted += is_accepted;
    }
    EXPECT(accepted > ROUNDS / 10 && accepted < ROUNDS * 9 / 10);
}
