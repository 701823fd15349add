/* The boot archive, in the format cpio newc. Each file has a header of ASCII hexadecimal numbers,
 * its name and its bytes, each padded to 4 bytes. At the end stands a file named TRAILER!!!. */
#include <jacinth/bootfs.h>

#include <internal/lock.h>
#include <jacinth/bootstrap.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define CPIO_MAGIC "070701"
#define CPIO_TRAILER "TRAILER!!!"
#define CPIO_FORMAT_MASK 0170000u
#define CPIO_DIRECTORY 0040000u

struct cpio_header {
    char magic[6];
    char inode[8], mode[8], user[8], group[8], links[8], time[8], file_size[8];
    char device_major[8], device_minor[8], special_major[8], special_minor[8];
    char name_size[8], check[8];
};

/* The value of a hexadecimal digit, plus one; 0: not a digit. */
static const unsigned char digit_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool parse_hexadecimal(const char field[8], size_t* number) {
    *number = 0;
    for (int i = 0; i < 8; i++) {
        unsigned value = digit_values[(unsigned char)field[i]];
        if (value == 0)
            return false;
        *number = *number * 16 + value - 1;
    }
    return true;
}

static size_t align_to_word(size_t offset) {
    return (offset + 3) & ~(size_t)3;
}

zx_status_t bootfs_open(zx_handle_t vmo, struct bootfs* bootfs) {
    uint64_t size;
    zx_status_t status = zx_vmo_get_size(vmo, &size);
    if (status != ZX_OK)
        return status;
    zx_vaddr_t address;
    status = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, size, &address);
    if (status != ZX_OK)
        return status;
    *bootfs = (struct bootfs){(const char*)address, size};
    return ZX_OK;
}

void bootfs_close(struct bootfs* bootfs) {
    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)bootfs->start, bootfs->size);
    *bootfs = (struct bootfs){NULL, 0};
}

/* The archive stays mapped: a program that starts one program usually starts more, and mapping it
 * each time is the largest cost. */
zx_status_t bootfs_open_own(struct bootfs* bootfs) {
    static atomic_int lock; /* guards `own` */
    static struct bootfs own;
    zx_status_t status = ZX_OK;
    lock_acquire(&lock);
    if (!own.start)
        status = bootfs_open(bootstrap_borrow(BOOTSTRAP_BOOTFS), &own);
    *bootfs = own;
    lock_release(&lock);
    return status;
}

bool bootfs_next(const struct bootfs* bootfs, size_t* position, struct bootfs_file* file) {
    size_t left = bootfs->size - *position;
    const char* at = bootfs->start + *position;
    const struct cpio_header* header = (const struct cpio_header*)at;
    size_t name_size, mode;
    if (left < sizeof(*header) || memcmp(header->magic, CPIO_MAGIC, sizeof(header->magic)) != 0 ||
        !parse_hexadecimal(header->name_size, &name_size) ||
        !parse_hexadecimal(header->file_size, &file->size) ||
        !parse_hexadecimal(header->mode, &mode))
        return false;
    size_t data = align_to_word(sizeof(*header) + name_size);
    size_t end = align_to_word(data + file->size);
    if (name_size == 0 || end > left || at[sizeof(*header) + name_size - 1] != '\0')
        return false;
    file->name = at + sizeof(*header);
    if (strncmp(file->name, "./", 2) == 0)
        file->name += 2;
    file->data = at + data;
    file->is_directory = (mode & CPIO_FORMAT_MASK) == CPIO_DIRECTORY;
    *position += end;
    return strcmp(file->name, CPIO_TRAILER) != 0;
}

bool bootfs_find(const struct bootfs* bootfs, const char* name, struct bootfs_file* file) {
    size_t position = 0;
    while (bootfs_next(bootfs, &position, file))
        if (!file->is_directory && strcmp(file->name, name) == 0)
            return true;
    return false;
}
