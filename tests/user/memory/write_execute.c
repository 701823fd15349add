/* W^X for a VMO as a whole, as programs meet it. */
#include <helper.h>
#include <objects.h>
#include <reach.h>
#include <test.h>

#include <zircon/process.h>

#define PAGE PAGE_SIZE_BYTES
#define READ ZX_VM_PERM_READ
#define READ_WRITE (READ | ZX_VM_PERM_WRITE)
#define READ_EXECUTE (READ | ZX_VM_PERM_EXECUTE)

static const unsigned char code[] = {0x8d, 0x47, 0x01, 0xc3}; /* lea eax, [rdi + 1]; ret */

static zx_status_t map(zx_handle_t vmo, uint32_t permissions, zx_vaddr_t* address) {
    return zx_vmar_map(zx_vmar_root_self(), permissions, 0, vmo, 0, PAGE, address);
}

static void unmap(zx_vaddr_t address) {
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
}

TEST(zx_vmar_map, what_is_mapped_writable_is_not_mapped_executable) {
    zx_handle_t vmo;
    zx_vaddr_t writable, executable = 5;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    zx_handle_t other_handle = duplicate(vmo);
    EXPECT_OK(map(vmo, READ_WRITE, &writable));
    EXPECT_STATUS(map(other_handle, READ_EXECUTE, &executable), ZX_ERR_ACCESS_DENIED);
    EXPECT_EQUAL(executable, 5);
    CHECK(unmap(writable));
    EXPECT_OK(map(other_handle, READ_EXECUTE, &executable));
    EXPECT_STATUS(map(vmo, READ_WRITE, &writable), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(map(vmo, READ, &writable));
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), READ_WRITE, writable, PAGE),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT(!is_writable(writable));
    CHECK(unmap(executable));
    EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), READ_WRITE, writable, PAGE));
    EXPECT(is_writable(writable));
    CHECK(unmap(writable));
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_handle_close(other_handle));
}

/* What a compiler at run time does with one mapping. */
TEST(zx_vmar_protect, code_is_written_then_run_then_written_again) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(map(vmo, READ_WRITE, &address));
    for (int i = 0; i < 3; i++) {
        memcpy((void*)address, code, sizeof(code));
        ((unsigned char*)address)[2] = (unsigned char)i;
        EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), READ_EXECUTE, address, PAGE));
        EXPECT_EQUAL(((int (*)(int))address)(40), 40 + i);
        EXPECT(!is_writable(address));
        EXPECT_OK(zx_vmar_protect(zx_vmar_root_self(), READ_WRITE, address, PAGE));
    }
    CHECK(unmap(address));
    EXPECT_OK(zx_handle_close(vmo));
}

/* Gets a VMO and reports what the two kinds of mapping return. */
HELPER(maps_both_ways) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    zx_status_t results[2];
    for (;;) {
        if (channel_receive(channel, NULL, 0, NULL, &vmo, 1, NULL) != ZX_OK)
            return 0;
        results[0] = map(vmo, READ_WRITE, &address);
        if (results[0] == ZX_OK && zx_vmar_unmap(zx_vmar_root_self(), address, PAGE) != ZX_OK)
            return 1;
        results[1] = map(vmo, READ_EXECUTE, &address); /* keeps this one */
        zx_handle_close(vmo);
        if (zx_channel_write(channel, 0, results, sizeof(results), NULL, 0) != ZX_OK)
            return 2;
    }
}

static void expect_of_helper(const struct helper* helper, zx_handle_t vmo, zx_status_t to_write,
                             zx_status_t to_execute) {
    zx_handle_t sent = duplicate(vmo);
    zx_status_t results[2];
    EXPECT_OK(zx_channel_write(helper->channel, 0, NULL, 0, &sent, 1));
    EXPECT_OK(channel_receive(helper->channel, results, sizeof(results), NULL, NULL, 0, NULL));
    EXPECT_STATUS(results[0], to_write);
    EXPECT_STATUS(results[1], to_execute);
}

TEST(zx_vmar_map, processes_that_share_a_vmo_share_the_rule) {
    struct helper helper;
    zx_handle_t vmo;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    CHECK(helper_start(&helper, "maps_both_ways"));
    EXPECT_OK(map(vmo, READ_WRITE, &address));
    CHECK(expect_of_helper(&helper, vmo, ZX_OK, ZX_ERR_ACCESS_DENIED));
    CHECK(unmap(address));
    CHECK(expect_of_helper(&helper, vmo, ZX_OK, ZX_OK));
    EXPECT_STATUS(map(vmo, READ_WRITE, &address), ZX_ERR_ACCESS_DENIED);
    /* Its mapping goes with the process. */
    EXPECT_OK(zx_task_kill(helper.process));
    EXPECT(wait_for(helper.process, ZX_PROCESS_TERMINATED, ZX_SEC(60)));
    EXPECT_OK(map(vmo, READ_WRITE, &address));
    CHECK(unmap(address));
    helper_close(&helper);
    EXPECT_OK(zx_handle_close(vmo));
}

/* Nobody can write to what the programs of the boot archive run from. */
TEST(zx_vmar_map, code_of_running_programs_is_not_writable) {
    zx_handle_t vmo;
    zx_vaddr_t address = (zx_vaddr_t)&map & -(zx_vaddr_t)PAGE;
    EXPECT(!is_writable(address));
    EXPECT_STATUS(zx_vmar_protect(zx_vmar_root_self(), READ_WRITE, address, PAGE),
                  ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_STATUS(map(vmo, READ_WRITE | READ_EXECUTE, &address), ZX_ERR_ACCESS_DENIED);
    EXPECT_OK(zx_handle_close(vmo));
}
