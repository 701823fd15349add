#include <boot/bootfs.h>

#include <lib/compiler.h>
#include <lib/string.h>

#define MAGIC "070701"
#define MAGIC_LENGTH 6
#define FIELD_LENGTH 8
#define FIELD_FILE_SIZE 6
#define FIELD_NAME_SIZE 11
#define FIELD_COUNT 13
#define HEADER_SIZE (MAGIC_LENGTH + FIELD_COUNT * FIELD_LENGTH)
#define TRAILER "TRAILER!!!"

static bool read_field(const uint8_t* header, unsigned field, size_t* value) {
    const uint8_t* digits = header + MAGIC_LENGTH + field * FIELD_LENGTH;
    *value = 0;
    for (unsigned i = 0; i < FIELD_LENGTH; i++) {
        uint8_t digit = digits[i];
        unsigned number;
        if (digit >= '0' && digit <= '9')
            number = digit - '0';
        else if (digit >= 'A' && digit <= 'F')
            number = digit - 'A' + 10u;
        else if (digit >= 'a' && digit <= 'f')
            number = digit - 'a' + 10u;
        else
            return false;
        *value = *value << 4 | number;
    }
    return true;
}

/* Reads the entry at *position and moves *position behind it. Returns NULL, or a text that says
 * what is wrong. */
static const char* read_entry(const uint8_t* archive, size_t size, size_t* position,
                              struct bootfs_file* file) {
    size_t at = *position;
    if (size - at < HEADER_SIZE)
        return "it ends in the middle of a header";
    const uint8_t* header = archive + at;
    if (memcmp(header, MAGIC, MAGIC_LENGTH) != 0)
        return "an entry does not begin with 070701";
    size_t name_size;
    if (!read_field(header, FIELD_FILE_SIZE, &file->size) ||
        !read_field(header, FIELD_NAME_SIZE, &name_size))
        return "a header has a number that is none";
    at += HEADER_SIZE;
    if (name_size == 0 || name_size > size - at || archive[at + name_size - 1] != 0)
        return "a file name is cut off";
    file->name = (const char*)archive + at;
    at = ALIGN_UP(at + name_size, 4ul);
    if (at > size || file->size > size - at)
        return "a file is cut off";
    file->data = archive + at;
    at = ALIGN_UP(at + file->size, 4ul);
    *position = MIN(at, size);
    return NULL;
}

const char* bootfs_check(const void* archive, size_t size) {
    for (size_t position = 0;;) {
        struct bootfs_file file;
        if (position == size)
            return "it has no end mark";
        const char* fault = read_entry(archive, size, &position, &file);
        if (fault)
            return fault;
        if (strcmp(file.name, TRAILER) == 0)
            return NULL;
    }
}

bool bootfs_find(const void* archive, size_t size, const char* name, struct bootfs_file* file) {
    for (size_t position = 0; position < size;) {
        if (read_entry(archive, size, &position, file) || strcmp(file->name, TRAILER) == 0)
            return false;
        if (strncmp(file->name, "./", 2) == 0)
            file->name += 2;
        if (strcmp(file->name, name) == 0)
            return true;
    }
    return false;
}
