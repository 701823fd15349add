/* Choosing between the loaders: Multiboot2 or PVH. */
#include <boot/boot_info.h>

#include <arch/layout.h>
#include <debug/panic.h>

static const void* at_physical(uint64_t address) {
    return physical_to_virtual(physical_address(address));
}

void loader_read(uint32_t magic, uint64_t address, struct boot_info* info) {
    const char* fault;
    if (magic == MULTIBOOT2_LOADER_MAGIC)
        fault = multiboot2_read(at_physical(address), info);
    else if (magic == PVH_LOADER_MAGIC)
        fault = pvh_read(at_physical(address), at_physical, info);
    else
        boot_fail("started by a loader that speaks neither Multiboot2 nor PVH (0x%x)", magic);
    if (fault)
        boot_fail("%s", fault);
    if (info->ram_count == 0)
        boot_fail("the loader gave no memory map");
}
