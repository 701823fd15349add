/* ACPI tables in a physical memory of this machine: good ones, missing ones, damaged ones.
 * Sources: kernel/boot/acpi.c kernel/lib/string.c */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <arch/layout.h>
#include <boot/acpi.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"

#define MEMORY_SIZE (4ul << 30) /* what the kernel maps in any case */
#define RSDP_ADDRESS 0xe0010u
#define ROOT_ADDRESS 0x7ff0000u
#define MADT_ADDRESS 0x7ff1000u
#define HPET_ADDRESS 0x7ff2000u
#define OTHER_ADDRESS 0x7ff3000u
#define ROUNDS 40000u

static uint8_t* memory;
static struct boot_info info;
static struct machine_description machine;

/* Pages that nobody wrote cost nothing. */
static bool map_memory(void) {
    if (!memory) {
        void* wanted = physical_to_virtual(physical_address(0));
        void* got = mmap(wanted, MEMORY_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        memory = got == wanted ? got : NULL;
    }
    return memory;
}

static void put(uint32_t* address, const void* data, size_t size) {
    memcpy(memory + *address, data, size);
    *address += (uint32_t)size;
}

static void put8(uint32_t* address, uint8_t value) {
    put(address, &value, 1);
}

static void put32(uint32_t* address, uint32_t value) {
    put(address, &value, 4);
}

static void put64(uint32_t* address, uint64_t value) {
    put(address, &value, 8);
}

static void seal(uint32_t start, uint32_t size, unsigned checksum_at) {
    uint8_t sum = 0;
    memory[start + checksum_at] = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + memory[start + i]);
    memory[start + checksum_at] = (uint8_t)-sum;
}

/* A table's head; the length and the checksum come when it is complete. */
static void begin_table(uint32_t* address, const char* signature) {
    memset(memory + *address, 0, 36);
    memcpy(memory + *address, signature, 4);
    *address += 36;
}

static void end_table(uint32_t start, uint32_t end) {
    uint32_t size = end - start;
    memcpy(memory + start + 4, &size, 4);
    seal(start, size, 9);
}

static void put_cpu(uint32_t* address, uint8_t apic_id, uint32_t flags) {
    put8(address, 0);
    put8(address, 8);
    put8(address, apic_id);
    put8(address, apic_id);
    put32(address, flags);
}

static void make_madt(void) {
    uint32_t at = MADT_ADDRESS;
    begin_table(&at, "APIC");
    put32(&at, 0xfee01000);
    put32(&at, 0); /* no 8259 */
    put_cpu(&at, 0, 1);
    put_cpu(&at, 4, 1);
    put_cpu(&at, 6, 0);
    put(&at, (const uint8_t[]){1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0}, 12);
    put(&at, (const uint8_t[]){2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0}, 10);
    put(&at, (const uint8_t[]){2, 10, 0, 0, 2, 0, 0, 0, 0, 0}, 10);
    put(&at, (const uint8_t[]){77, 4, 1, 2}, 4); /* of a kind that nobody knows */
    end_table(MADT_ADDRESS, at);
}

static void make_hpet(void) {
    uint32_t at = HPET_ADDRESS;
    begin_table(&at, "HPET");
    put32(&at, 0x8086a201);
    put32(&at, 0);
    put64(&at, 0xfed00000);
    end_table(HPET_ADDRESS, at);
}

static void make_rsdp(bool has_xsdt) {
    uint32_t at = RSDP_ADDRESS;
    memset(memory + at, 0, 36);
    memcpy(memory + at, "RSD PTR ", 8);
    memory[at + 15] = has_xsdt ? 2 : 0;
    at += 16;
    put32(&at, has_xsdt ? 0 : ROOT_ADDRESS);
    put32(&at, 36);
    put64(&at, has_xsdt ? ROOT_ADDRESS : 0);
    seal(RSDP_ADDRESS, 20, 8);
}

static void make_root(bool has_xsdt) {
    static const uint32_t tables[] = {OTHER_ADDRESS, MADT_ADDRESS, HPET_ADDRESS};
    uint32_t at = ROOT_ADDRESS;
    begin_table(&at, has_xsdt ? "XSDT" : "RSDT");
    for (unsigned i = 0; i < 3; i++)
        if (has_xsdt)
            put64(&at, tables[i]);
        else
            put32(&at, tables[i]);
    end_table(ROOT_ADDRESS, at);
}

static void make_tables(bool has_xsdt) {
    uint32_t at = OTHER_ADDRESS;
    begin_table(&at, "FACP");
    end_table(OTHER_ADDRESS, at);
    make_madt();
    make_hpet();
    make_root(has_xsdt);
    make_rsdp(has_xsdt);
    memset(&info, 0, sizeof(info));
}

static const char* look_at_everything(void) {
    if (machine.cpu_count != 2 || machine.apic_ids[1] != 4)
        return "CPUs";
    if (machine.local_apic_address != 0xfee01000)
        return "the APIC's address";
    if (machine.io_apic_count != 1 || machine.io_apics[0].address != 0xfec00000 ||
        machine.io_apics[0].first_interrupt != 24)
        return "I/O APIC";
    if (machine.isa_lines[9].global_interrupt != 20 || !machine.isa_lines[9].is_active_low ||
        !machine.isa_lines[9].is_level_triggered || machine.isa_lines[0].global_interrupt != 2 ||
        machine.isa_lines[0].is_active_low || machine.isa_lines[1].global_interrupt != 1)
        return "overrides";
    return machine.hpet_address == 0xfed00000 ? NULL : "HPET";
}

SELFTEST(acpi, both_kinds_of_root_lead_to_the_tables) {
    EXPECT(map_memory());
    for (unsigned i = 0; i < 4; i++) {
        make_tables(i % 2);
        if (i / 2) { /* the loader has a copy */
            info.rsdp = memory + RSDP_ADDRESS;
            EXPECT(memory[0xe0010] == 'R');
        }
        acpi_describe_machine(&info, &machine);
        const char* fault = look_at_everything();
        if (fault)
            selftest_fail(__FILE__, __LINE__, "%s", fault);
    }
}

static bool is_default(void) {
    return machine.cpu_count == 0 && machine.local_apic_address == 0xfee00000 &&
           machine.io_apic_count == 0 && machine.hpet_address == 0;
}

SELFTEST(acpi, without_sound_tables_the_defaults_stand) {
    EXPECT(map_memory());
    make_tables(false);
    memory[RSDP_ADDRESS + 3] ^= 1;
    acpi_describe_machine(&info, &machine);
    EXPECT(is_default());
    make_tables(false);
    memory[RSDP_ADDRESS + 9] ^= 1; /* its checksum is wrong now */
    acpi_describe_machine(&info, &machine);
    EXPECT(is_default());
    make_tables(true);
    memory[ROOT_ADDRESS + 40] ^= 1;
    acpi_describe_machine(&info, &machine);
    EXPECT(is_default());
    make_tables(false);
    memory[MADT_ADDRESS + 45] ^= 1; /* only this one is ignored */
    acpi_describe_machine(&info, &machine);
    EXPECT_EQUAL(machine.cpu_count, 0);
    EXPECT_EQUAL(machine.hpet_address, 0xfed00000);
}

SELFTEST(acpi, entries_that_make_no_sense_end_the_list) {
    EXPECT(map_memory());
    make_tables(false);
    memory[MADT_ADDRESS + 44 + 8 + 1] = 0; /* the second CPU has no length */
    seal(MADT_ADDRESS, *(uint32_t*)(memory + MADT_ADDRESS + 4), 9);
    acpi_describe_machine(&info, &machine);
    EXPECT_EQUAL(machine.cpu_count, 1);
    make_tables(false);
    memory[MADT_ADDRESS + 44 + 8 + 1] = 250; /* or one beyond the table's end */
    seal(MADT_ADDRESS, *(uint32_t*)(memory + MADT_ADDRESS + 4), 9);
    acpi_describe_machine(&info, &machine);
    EXPECT_EQUAL(machine.cpu_count, 1);
}

SELFTEST(acpi, more_cpus_than_there_is_room_for_are_left_out) {
    EXPECT(map_memory());
    make_tables(false);
    uint32_t at = MADT_ADDRESS;
    begin_table(&at, "APIC");
    put64(&at, 0xfee00000);
    for (unsigned i = 0; i < 300; i++)
        put_cpu(&at, (uint8_t)i, 1);
    end_table(MADT_ADDRESS, at);
    memset(memory + HPET_ADDRESS, 0, 4);
    acpi_describe_machine(&info, &machine);
    EXPECT_EQUAL(machine.cpu_count, ARRAY_LENGTH(machine.apic_ids));
}

/* Damage that the checksums hide: lengths, entries and addresses of any value. */
SELFTEST(acpi, damage_never_leads_astray) {
    static const uint32_t tables[] = {ROOT_ADDRESS, MADT_ADDRESS, HPET_ADDRESS};
    uint32_t random = 31;
    EXPECT(map_memory());
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_tables(i % 2);
        for (unsigned j = random_next(&random) % 4; j > 0; j--) {
            uint32_t table = tables[random_next(&random) % 3];
            uint32_t offset = random_next(&random) % 120;
            memory[table + offset] = (uint8_t)random_next(&random);
        }
        for (unsigned j = 0; j < 3; j++) {
            uint32_t size;
            memcpy(&size, memory + tables[j] + 4, 4);
            if (size >= 36 && size <= 1u << 20)
                seal(tables[j], size, 9);
        }
        acpi_describe_machine(&info, &machine);
        EXPECT(machine.cpu_count <= ARRAY_LENGTH(machine.apic_ids));
        EXPECT(machine.io_apic_count <= ARRAY_LENGTH(machine.io_apics));
    }
}
