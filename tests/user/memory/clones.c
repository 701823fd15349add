/* What a VMO and its clones know of each other, and options of VMOs. */
#include <helper.h>
#include <objects.h>
#include <test.h>

#include <zircon/process.h>
#include <zircon/syscalls/object.h>

#define PAGE PAGE_SIZE_BYTES
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

static zx_status_t clone(zx_handle_t vmo, zx_handle_t* out) {
    return zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, out);
}

static bool has_no_children(zx_handle_t vmo) {
    return object_signals(vmo) & ZX_VMO_ZERO_CHILDREN;
}

/* --- ZX_VMO_ZERO_CHILDREN --------------------------------------------------------------------- */

TEST(zx_vmo_clone, zero_children_is_shown_while_no_clone_lives) {
    zx_handle_t parent, clones[2];
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT(has_no_children(parent));
    EXPECT_OK(clone(parent, &clones[0]));
    EXPECT(!has_no_children(parent));
    EXPECT(has_no_children(clones[0]));
    EXPECT_OK(clone(parent, &clones[1]));
    EXPECT_OK(zx_handle_close(clones[0]));
    EXPECT(!has_no_children(parent));
    EXPECT_OK(zx_handle_close(clones[1]));
    EXPECT(has_no_children(parent));
    EXPECT_OK(clone(parent, &clones[0])); /* and again */
    EXPECT(!has_no_children(parent));
    EXPECT_OK(zx_handle_close(clones[0]));
    EXPECT(has_no_children(parent));
    EXPECT_OK(zx_handle_close(parent));
}

TEST(zx_vmo_clone, a_mapping_keeps_a_clone_alive) {
    zx_handle_t parent, child;
    zx_vaddr_t address;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT_OK(clone(parent, &child));
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ_WRITE, 0, child, 0, PAGE, &address));
    EXPECT_OK(zx_handle_close(child));
    EXPECT(!has_no_children(parent));
    *(volatile char*)address = 1;
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
    EXPECT(has_no_children(parent));
    EXPECT_OK(zx_handle_close(parent));
}

TEST(zx_vmo_clone, each_knows_its_own_clones_only) {
    zx_handle_t parent, child, grandchild;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT_OK(clone(parent, &child));
    EXPECT_OK(clone(child, &grandchild));
    EXPECT(!has_no_children(child));
    EXPECT_OK(zx_handle_close(child));
    EXPECT(has_no_children(parent));
    EXPECT_OK(zx_handle_close(parent)); /* the parent may go first, too */
    EXPECT(has_no_children(grandchild));
    EXPECT_OK(zx_handle_close(grandchild));
}

TEST(zx_vmo_clone, a_clone_that_could_not_be_given_is_no_child) {
    zx_handle_t parent;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT_STATUS(clone(parent, (zx_handle_t*)8), ZX_ERR_INVALID_ARGS);
    EXPECT(has_no_children(parent));
    EXPECT_STATUS(zx_vmo_clone(parent, ZX_VMO_CLONE_COPY_ON_WRITE, 1, PAGE, &parent),
                  ZX_ERR_INVALID_ARGS);
    EXPECT(has_no_children(parent));
    EXPECT_OK(zx_handle_close(parent));
}

HELPER(holds_a_clone) {
    zx_handle_t vmo;
    if (channel_receive(channel, NULL, 0, NULL, &vmo, 1, NULL) != ZX_OK)
        return 1;
    return zx_nanosleep(ZX_TIME_INFINITE);
}

/* The wait ends when another process dies with the last clone. */
TEST(zx_vmo_clone, zero_children_ends_a_wait) {
    struct helper helper;
    zx_handle_t parent, child;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT_OK(clone(parent, &child));
    CHECK(helper_start(&helper, "holds_a_clone"));
    EXPECT_OK(zx_channel_write(helper.channel, 0, NULL, 0, &child, 1));
    EXPECT(!has_no_children(parent));
    EXPECT_OK(zx_task_kill(helper.process));
    EXPECT(wait_for(parent, ZX_VMO_ZERO_CHILDREN, ZX_SEC(60)));
    helper_close(&helper);
    EXPECT_OK(zx_handle_close(parent));
}

/* Each VMO is a clone of the one before; they are closed in steps of `step`. */
static void raise_family(int step) {
    enum { GENERATIONS = 200 };
    zx_handle_t family[GENERATIONS];
    EXPECT_OK(zx_vmo_create(PAGE, 0, &family[0]));
    EXPECT_OK(zx_vmo_write(family[0], "x", 0, 1));
    for (int i = 1; i < GENERATIONS; i++)
        EXPECT_OK(clone(family[i - 1], &family[i]));
    for (int i = 0; i < GENERATIONS; i++)
        EXPECT_OK(zx_handle_close(family[(i + 1) * step % GENERATIONS]));
}

TEST(zx_vmo_clone, long_families_leave_nothing_behind) {
    static const int steps[] = {1, 199, 77};
    CHECK(raise_family(1)); /* the handle table grows */
    zx_info_kernel_memory_t before = kernel_memory();
    for (size_t i = 0; i < countof(steps); i++)
        CHECK(raise_family(steps[i]));
    CHECK(expect_no_leak(&before, 16));
}

/* --- names ------------------------------------------------------------------------------------ */

TEST(zx_vmo_clone, takes_over_its_parents_name) {
    zx_handle_t parent, child;
    char name[ZX_MAX_NAME_LEN];
    EXPECT_OK(zx_vmo_create(PAGE, 0, &parent));
    EXPECT_OK(zx_object_set_property(parent, ZX_PROP_NAME, "ruby", 4));
    EXPECT_OK(clone(parent, &child));
    EXPECT_OK(zx_object_get_property(child, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_STRING(name, "ruby");
    EXPECT_OK(zx_object_set_property(child, ZX_PROP_NAME, "opal", 4));
    EXPECT_OK(zx_object_get_property(parent, ZX_PROP_NAME, name, sizeof(name)));
    EXPECT_STRING(name, "ruby");
    EXPECT_OK(zx_handle_close(parent));
    EXPECT_OK(zx_handle_close(child));
}

/* --- options ---------------------------------------------------------------------------------- */

TEST(zx_vmo_create, knows_non_resizable_only) {
    zx_handle_t vmo = 5;
    for (uint32_t bit = 1; bit < 32; bit++)
        EXPECT_STATUS(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE | 1u << bit, &vmo),
                      ZX_ERR_INVALID_ARGS);
    EXPECT_EQUAL(vmo, 5);
    EXPECT_OK(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &vmo));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmo_clone, can_make_a_clone_that_cannot_be_resized) {
    zx_handle_t vmo, child;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE | ZX_VMO_CLONE_NON_RESIZEABLE, 0, PAGE,
                           &child));
    EXPECT_OK(zx_handle_close(child));
    EXPECT_OK(zx_handle_close(vmo));
}

TEST(zx_vmar_map, can_ask_for_a_vmo_that_cannot_be_resized) {
    zx_handle_t vmos[4];
    zx_vaddr_t address = 5;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmos[0]));
    EXPECT_OK(zx_vmo_create(PAGE, ZX_VMO_NON_RESIZABLE, &vmos[1]));
    EXPECT_OK(clone(vmos[1], &vmos[2])); /* a clone does not inherit it */
    EXPECT_OK(zx_vmo_clone(vmos[0], ZX_VMO_CLONE_COPY_ON_WRITE | ZX_VMO_CLONE_NON_RESIZEABLE, 0,
                           PAGE, &vmos[3]));
    for (size_t i = 0; i < countof(vmos); i++) {
        zx_status_t status =
            zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_REQUIRE_NON_RESIZABLE, 0,
                        vmos[i], 0, PAGE, &address);
        EXPECT_STATUS(status, i % 2 ? ZX_OK : ZX_ERR_NOT_SUPPORTED);
        if (status == ZX_OK)
            EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), address, PAGE));
    }
    EXPECT_OK(zx_handle_close_many(vmos, countof(vmos)));
}
