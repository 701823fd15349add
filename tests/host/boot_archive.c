/* The boot archive: cpio in newc format, good, cut off and damaged.
 * Sources: kernel/boot/bootfs.c kernel/lib/string.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <boot/bootfs.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"
#include "mutate.h"

#define ROUNDS 60000u
#define ROOM 4096u

static uint8_t archive[ROOM];
static size_t archive_size;

/* As the format says: 13 numbers of 8 hexadecimal digits, the name, the content, each padded. */
static void add_file(const char* name, const void* content, size_t size) {
    char header[200];
    unsigned length = (unsigned)size, name_length = (unsigned)strlen(name) + 1;
    sprintf(header, "070701%08X%08X%08X%08X%08X%08X%08x%08X%08X%08X%08X%08X%08X", 1, 0x81a4, 0, 0,
            1, 0, length, 0, 0, 0, 0, name_length, 0);
    memcpy(archive + archive_size, header, 110);
    archive_size += 110;
    memcpy(archive + archive_size, name, strlen(name) + 1);
    archive_size = (archive_size + strlen(name) + 1 + 3) & ~3ul;
    memcpy(archive + archive_size, content, size);
    archive_size = (archive_size + size + 3) & ~3ul;
}

static void make_archive(void) {
    memset(archive, 0, sizeof(archive));
    archive_size = 0;
    add_file("bin/init", "first", 5);
    add_file("./bin/hello", "second file", 11);
    add_file("empty", "", 0);
    add_file("TRAILER!!!", "", 0);
}

SELFTEST(bootfs, files_are_found_by_name) {
    struct bootfs_file found;
    make_archive();
    EXPECT(!bootfs_check(archive, archive_size));
    EXPECT(bootfs_find(archive, archive_size, "bin/init", &found));
    EXPECT_EQUAL(found.size, 5);
    EXPECT(memcmp(found.data, "first", 5) == 0);
    EXPECT(bootfs_find(archive, archive_size, "bin/hello", &found));
    EXPECT_EQUAL(found.size, 11);
    EXPECT(memcmp(found.data, "second file", 11) == 0);
    EXPECT(strcmp(found.name, "bin/hello") == 0);
    EXPECT(bootfs_find(archive, archive_size, "empty", &found));
    EXPECT_EQUAL(found.size, 0);
    EXPECT(!bootfs_find(archive, archive_size, "bin/ini", &found));
    EXPECT(!bootfs_find(archive, archive_size, "bin/init2", &found));
    EXPECT(!bootfs_find(archive, archive_size, "", &found));
    EXPECT(!bootfs_find(archive, archive_size, "TRAILER!!!", &found));
}

SELFTEST(bootfs, an_archive_cut_off_anywhere_is_refused) {
    struct bootfs_file found;
    make_archive();
    size_t end = archive_size; /* the trailer's padding may be missing */
    while (archive[end - 1] == 0)
        end--;
    for (size_t size = 0; size < end; size++) {
        uint8_t* data = truncate_to(archive, size);
        bool is_refused = bootfs_check(data, size) != NULL;
        bool is_missing = !bootfs_find(data, size, "nothing", &found);
        bool is_found = bootfs_find(data, size, "empty", &found);
        free(data);
        EXPECT(is_refused && is_missing);
        EXPECT(!is_found || size > 300);
    }
}

SELFTEST(bootfs, a_damaged_archive_is_never_read_beyond) {
    static const char* const names[] = {"bin/init", "bin/hello", "empty", "TRAILER!!!", "x"};
    uint32_t random = 3;
    unsigned refused = 0, found_files = 0;
    make_archive();
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t size;
        uint8_t* data = mutate(archive, archive_size, &random, &size);
        refused += bootfs_check(data, size) != NULL;
        struct bootfs_file found;
        for (unsigned j = 0; j < ARRAY_LENGTH(names); j++) {
            if (!bootfs_find(data, size, names[j], &found))
                continue;
            found_files++;
            bool is_inside = found.data >= data && found.data + found.size <= data + size &&
                             strlen(found.name) < size;
            if (!is_inside)
                selftest_fail(__FILE__, __LINE__, "%s lies outside", names[j]);
        }
        free(data);
        EXPECT(!selftest_has_failed());
    }
    EXPECT(refused > ROUNDS / 10 && found_files > ROUNDS / 10);
}

SELFTEST(bootfs, numbers_that_are_none_and_sizes_beyond_the_end_are_refused) {
    for (size_t digit = 6; digit < 110; digit++) {
        make_archive();
        archive[digit] = 'g';
        bool is_used = (digit >= 54 && digit < 62) || (digit >= 94 && digit < 102);
        EXPECT_EQUAL(bootfs_check(archive, archive_size) != NULL, is_used);
    }
    make_archive();
    memcpy(archive + 54, "FFFFFFFF", 8); /* the content's size */
    EXPECT(bootfs_check(archive, archive_size));
    make_archive();
    memcpy(archive + 94, "FFFFFFFF", 8); /* the name's */
    EXPECT(bootfs_check(archive, archive_size));
    make_archive();
    memcpy(archive + 94, "00000000", 8);
    EXPECT(bootfs_check(archive, archive_size));
}
