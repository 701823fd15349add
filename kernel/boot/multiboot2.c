#include <boot/boot_info.h>

#include <lib/compiler.h>
#include <lib/string.h>

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
};

#define FRAMEBUFFER_RGB 1
#define FRAMEBUFFER_TEXT 2
#define RSDP_SIZE_MIN 20u

struct tag {
    uint32_t type, size;
};

struct module_tag {
    struct tag tag;
    uint32_t start, end;
};

struct memory_map_tag {
    struct tag tag;
    uint32_t entry_size, entry_version;
};

struct framebuffer_tag {
    struct tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits_per_pixel, type;
    uint16_t reserved;
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
};

/* The text ends at a NUL, or, without one, at the end of the tag. */
static void read_command_line(const struct tag* tag, struct boot_info* info) {
    size_t room = MIN(tag->size - sizeof(*tag), sizeof(info->command_line) - 1);
    size_t length = strnlen((const char*)(tag + 1), room);
    memcpy(info->command_line, tag + 1, length);
    info->command_line[length] = 0;
}

static void read_memory_map(const struct memory_map_tag* map, struct boot_info* info) {
    struct memory_map_entry entry;
    if (map->tag.size < sizeof(*map) || map->entry_size < sizeof(entry))
        return;
    for (size_t at = sizeof(*map); at + sizeof(entry) <= map->tag.size; at += map->entry_size) {
        memcpy(&entry, (const char*)map + at, sizeof(entry));
        if (entry.type == MEMORY_MAP_RAM)
            boot_info_add_ram(info, entry.address, entry.size);
    }
}

static void read_framebuffer(const struct framebuffer_tag* tag, struct boot_info* info) {
    if (tag->tag.size < offsetof(struct framebuffer_tag, red_position) ||
        (tag->type != FRAMEBUFFER_RGB && tag->type != FRAMEBUFFER_TEXT))
        return;
    bool has_colours = tag->tag.size > offsetof(struct framebuffer_tag, blue_size);
    if (tag->type == FRAMEBUFFER_RGB && !has_colours)
        return;
    info->screen = (struct screen_description){
        .address = tag->address,
        .pitch = tag->pitch,
        .width = tag->width,
        .height = tag->height,
        .bits_per_pixel = tag->bits_per_pixel,
        .is_text = tag->type == FRAMEBUFFER_TEXT,
    };
    if (tag->type == FRAMEBUFFER_RGB) {
        info->screen.red_shift = tag->red_position;
        info->screen.green_shift = tag->green_position;
        info->screen.blue_shift = tag->blue_position;
    }
}

static void read_tag(const struct tag* tag, struct boot_info* info) {
    const struct module_tag* module;
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        read_command_line(tag, info);
        break;
    case TAG_MODULE:
        module = (const struct module_tag*)tag;
        if (info->bootfs.end == 0 && tag->size >= sizeof(*module))
            info->bootfs = (struct physical_range){module->start, module->end};
        break;
    case TAG_MEMORY_MAP:
        read_memory_map((const struct memory_map_tag*)tag, info);
        break;
    case TAG_FRAMEBUFFER:
        read_framebuffer((const struct framebuffer_tag*)tag, info);
        break;
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW: /* a copy of the RSDP itself */
        if (tag->size >= sizeof(*tag) + RSDP_SIZE_MIN)
            info->rsdp = tag + 1;
        break;
    }
}

const char* multiboot2_read(const void* information, struct boot_info* info) {
    uint32_t total = *(const uint32_t*)information;
    info->loader = "multiboot2";
    for (uint32_t at = 8; at + sizeof(struct tag) <= total;) {
        const struct tag* tag = (const struct tag*)((const char*)information + at);
        if (tag->type == TAG_END)
            break;
        if (tag->size < sizeof(*tag) || tag->size > total - at)
            return "the loader's information is damaged";
        read_tag(tag, info);
        at += ALIGN_UP(tag->size, 8u);
    }
    return NULL;
}
