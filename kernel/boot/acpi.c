#include <boot/acpi.h>

#include <arch/layout.h>
#include <debug/log.h>
#include <lib/compiler.h>
#include <lib/string.h>

#define BIOS_AREA_START 0xe0000ul
#define BIOS_AREA_END 0x100000ul
#define RSDP_ALIGNMENT 16
#define RSDP_V1_SIZE 20u
#define TABLE_SIZE_MAX (1u << 20)
#define LOCAL_APIC_DEFAULT 0xfee00000ul
#define TABLE_ADDRESS_END (4ul << 30) /* the direct map always covers the addresses below */

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
} __attribute__((packed));

struct table {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt {
    struct table table;
    uint32_t local_apic_address, flags;
} __attribute__((packed));

struct madt_entry {
    uint8_t type, length;
} __attribute__((packed));

enum {
    MADT_LOCAL_APIC = 0,
    MADT_IO_APIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LOCAL_APIC_ADDRESS = 5,
};

struct madt_local_apic {
    struct madt_entry entry;
    uint8_t processor, apic_id;
    uint32_t flags;
} __attribute__((packed));

struct madt_io_apic {
    struct madt_entry entry;
    uint8_t id, reserved;
    uint32_t address, first_interrupt;
} __attribute__((packed));

struct madt_override {
    struct madt_entry entry;
    uint8_t bus, source;
    uint32_t global_interrupt;
    uint16_t flags;
} __attribute__((packed));

struct madt_local_apic_address {
    struct madt_entry entry;
    uint16_t reserved;
    uint64_t address;
} __attribute__((packed));

struct hpet_table {
    struct table table;
    uint32_t block_id;
    uint8_t space, width, offset, access;
    uint64_t address;
} __attribute__((packed));

#define APIC_FLAG_ENABLED 1u
#define OVERRIDE_POLARITY_MASK 3u
#define OVERRIDE_ACTIVE_LOW 3u
#define OVERRIDE_TRIGGER_SHIFT 2
#define OVERRIDE_LEVEL 3u

static bool checksum_is_good(const void* data, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t*)data)[i]);
    return sum == 0;
}

static bool rsdp_is_good(const struct rsdp* rsdp) {
    return memcmp(rsdp->signature, "RSD PTR ", 8) == 0 && checksum_is_good(rsdp, RSDP_V1_SIZE);
}

static const struct rsdp* find_rsdp(const struct boot_info* info) {
    if (info->rsdp && rsdp_is_good(info->rsdp))
        return info->rsdp;
    for (uint64_t at = BIOS_AREA_START; at < BIOS_AREA_END; at += RSDP_ALIGNMENT) {
        const struct rsdp* rsdp = physical_to_virtual(physical_address(at));
        if (rsdp_is_good(rsdp))
            return rsdp;
    }
    return NULL;
}

/* Returns the table at `address`; NULL: there is none, or it is damaged. */
static const struct table* table_at(uint64_t address) {
    if (address == 0 || address >= TABLE_ADDRESS_END - TABLE_SIZE_MAX)
        return NULL;
    const struct table* table = physical_to_virtual(physical_address(address));
    if (table->length < sizeof(*table) || table->length > TABLE_SIZE_MAX ||
        !checksum_is_good(table, table->length)) {
        log_warning("ACPI table at 0x%lx is damaged and ignored", address);
        return NULL;
    }
    return table;
}

static uint64_t root_entry(const struct table* root, size_t index, size_t width) {
    uint64_t address = 0;
    memcpy(&address, (const char*)(root + 1) + index * width, width);
    return address;
}

static const struct table* find_table(const struct rsdp* rsdp, const char* signature,
                                      size_t minimum) {
    bool has_xsdt = rsdp->revision >= 2 && rsdp->xsdt;
    size_t width = has_xsdt ? sizeof(uint64_t) : sizeof(uint32_t);
    const struct table* root = table_at(has_xsdt ? rsdp->xsdt : rsdp->rsdt);
    if (!root)
        return NULL;
    for (size_t i = 0; i < (root->length - sizeof(*root)) / width; i++) {
        uint64_t address = root_entry(root, i, width);
        const struct table* table = physical_to_virtual(physical_address(address));
        if (address < TABLE_ADDRESS_END && memcmp(table->signature, signature, 4) == 0) {
            table = table_at(address);
            if (table && table->length >= minimum)
                return table;
        }
    }
    return NULL;
}

static void read_madt_entry(struct machine_description* machine, const struct madt_entry* entry) {
    if (entry->type == MADT_LOCAL_APIC && entry->length >= sizeof(struct madt_local_apic)) {
        const struct madt_local_apic* apic = (const void*)entry;
        if (apic->flags & APIC_FLAG_ENABLED && machine->cpu_count < ARRAY_LENGTH(machine->apic_ids))
            machine->apic_ids[machine->cpu_count++] = apic->apic_id;
    } else if (entry->type == MADT_IO_APIC && entry->length >= sizeof(struct madt_io_apic)) {
        const struct madt_io_apic* apic = (const void*)entry;
        if (machine->io_apic_count < ARRAY_LENGTH(machine->io_apics)) {
            machine->io_apics[machine->io_apic_count].address = apic->address;
            machine->io_apics[machine->io_apic_count++].first_interrupt = apic->first_interrupt;
        }
    } else if (entry->type == MADT_OVERRIDE && entry->length >= sizeof(struct madt_override)) {
        const struct madt_override* o = (const void*)entry;
        if (o->source >= ISA_LINE_COUNT)
            return;
        machine->isa_lines[o->source].global_interrupt = o->global_interrupt;
        machine->isa_lines[o->source].is_active_low =
            (o->flags & OVERRIDE_POLARITY_MASK) == OVERRIDE_ACTIVE_LOW;
        machine->isa_lines[o->source].is_level_triggered =
            (o->flags >> OVERRIDE_TRIGGER_SHIFT & 3u) == OVERRIDE_LEVEL;
    } else if (entry->type == MADT_LOCAL_APIC_ADDRESS &&
               entry->length >= sizeof(struct madt_local_apic_address)) {
        machine->local_apic_address = ((const struct madt_local_apic_address*)entry)->address;
    }
}

static void read_madt(struct machine_description* machine, const struct madt* madt) {
    machine->local_apic_address = madt->local_apic_address;
    const char* end = (const char*)madt + madt->table.length;
    for (const char* at = (const char*)(madt + 1); at + sizeof(struct madt_entry) <= end;) {
        const struct madt_entry* entry = (const struct madt_entry*)at;
        if (entry->length < sizeof(*entry) || entry->length > end - at)
            break;
        read_madt_entry(machine, entry);
        at += entry->length;
    }
}

void acpi_describe_machine(const struct boot_info* info, struct machine_description* machine) {
    *machine = (struct machine_description){.local_apic_address = LOCAL_APIC_DEFAULT};
    for (uint32_t line = 0; line < ISA_LINE_COUNT; line++)
        machine->isa_lines[line].global_interrupt = line;
    const struct rsdp* rsdp = find_rsdp(info);
    if (!rsdp) {
        log_warning("no ACPI tables: one CPU, no device interrupts");
        return;
    }
    const struct table* madt = find_table(rsdp, "APIC", sizeof(struct madt));
    if (madt)
        read_madt(machine, (const struct madt*)madt);
    const struct table* hpet = find_table(rsdp, "HPET", sizeof(struct hpet_table));
    if (hpet)
        machine->hpet_address = ((const struct hpet_table*)hpet)->address;
}
