/* The parts of the ELF64 file format that libc uses. Files in the boot archive are aligned to 4
 * bytes only. */
#pragma once

#include <stdint.h>

#define ELF_STRUCTURE __attribute__((__packed__, __aligned__(4)))

struct elf_header {
    uint8_t magic[4]; /* 0x7f, "ELF" */
    uint8_t class, byte_order, ident_version, abi;
    uint8_t padding[8];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segment_offset, section_offset;
    uint32_t flags;
    uint16_t header_size, segment_size, segment_count;
    uint16_t section_size, section_count, section_names;
} ELF_STRUCTURE;
#define ELF_CLASS_64 2
#define ELF_LITTLE_ENDIAN 1
#define ELF_TYPE_SHARED 3 /* the type of static-PIE files */
#define ELF_MACHINE_X86_64 62

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical_address;
    uint64_t file_size, memory_size, alignment;
} ELF_STRUCTURE;
#define ELF_SEGMENT_LOAD 1
#define ELF_SEGMENT_INTERPRETER 3
#define ELF_SEGMENT_TLS 7
#define ELF_SEGMENT_RELRO 0x6474e552 /* read-only after relocation */
#define ELF_SEGMENT_EXECUTE 1u
#define ELF_SEGMENT_WRITE 2u
#define ELF_SEGMENT_READ 4u

struct elf_dynamic {
    uint64_t tag, value;
};
#define ELF_DYNAMIC_END 0
#define ELF_DYNAMIC_RELA 7
#define ELF_DYNAMIC_RELA_SIZE 8

struct elf_relocation {
    uint64_t offset, info;
    int64_t addend;
};
#define ELF_RELOCATION_RELATIVE 8
