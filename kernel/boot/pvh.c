#include <boot/boot_info.h>

#include <lib/string.h>

#define VERSION_WITH_MEMORY_MAP 1u

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp;
    uint64_t memory_map; /* from version 1 on */
    uint32_t memory_map_entries, reserved;
};

struct module_entry {
    uint64_t address, size, command_line, reserved;
};

const char* pvh_read(const void* information, const void* (*at)(uint64_t physical),
                     struct boot_info* info) {
    const struct start_info* start = information;
    if (start->magic != PVH_LOADER_MAGIC)
        return "the loader's information is damaged";
    info->loader = "pvh";
    if (start->command_line)
        strlcpy(info->command_line, at(start->command_line), sizeof(info->command_line));
    if (start->module_count > 0) {
        const struct module_entry* module = at(start->modules);
        info->bootfs = (struct physical_range){module->address, module->address + module->size};
    }
    if (start->rsdp)
        info->rsdp = at(start->rsdp);
    if (start->version >= VERSION_WITH_MEMORY_MAP && start->memory_map) {
        const struct memory_map_entry* map = at(start->memory_map);
        for (uint32_t i = 0; i < start->memory_map_entries; i++)
            if (map[i].type == MEMORY_MAP_RAM)
                boot_info_add_ram(info, map[i].address, map[i].size);
    }
    return NULL;
}
