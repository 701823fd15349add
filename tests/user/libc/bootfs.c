/* The boot archive as programs see it. */
#include <test.h>

#include <jacinth/bootfs.h>
#include <jacinth/bootstrap.h>
#include <stdint.h>

#define PAGE_SIZE 4096

/* So a program can be mapped where it lies. */
TEST(bootfs, every_file_begins_with_a_page) {
    struct bootfs bootfs;
    struct bootfs_file file;
    size_t position = 0, count = 0;
    CHECK(EXPECT_OK(bootfs_open(bootstrap_borrow(BOOTSTRAP_BOOTFS), &bootfs)));
    for (; bootfs_next(&bootfs, &position, &file); count++)
        EXPECT_EQUAL((uintptr_t)file.data % PAGE_SIZE, 0);
    bootfs_close(&bootfs);
    EXPECT(count > 1);
}

TEST(bootfs, what_is_not_there_is_not_found) {
    struct bootfs bootfs;
    struct bootfs_file file;
    CHECK(EXPECT_OK(bootfs_open(bootstrap_borrow(BOOTSTRAP_BOOTFS), &bootfs)));
    EXPECT(bootfs_find(&bootfs, "test/libc", &file));
    EXPECT(!bootfs_find(&bootfs, "test/lib", &file));
    EXPECT(!bootfs_find(&bootfs, "TRAILER!!!", &file));
    bootfs_close(&bootfs);
}
