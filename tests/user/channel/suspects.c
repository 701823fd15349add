/* Threads that keep the kernel's collector of cycles busy, while another closes handles. */
#include <objects.h>
#include <stdatomic.h>
#include <test.h>
#include <threads.h>
#include <zircon/syscalls.h>

#define ATTACKERS 2
#define LADEN_MESSAGES 200u /* more than the collector looks at within a call */
#define CLOSES 500u

static _Atomic bool is_over;

/* Many handles wait at the far end. */
static bool create_laden_channel(zx_handle_t* near, zx_handle_t* far) {
    if (zx_channel_create(0, near, far) != ZX_OK)
        return false;
    for (uint32_t i = 0; i < LADEN_MESSAGES; i++) {
        zx_handle_t event;
        if (zx_event_create(0, &event) != ZX_OK ||
            zx_channel_write(*near, 0, NULL, 0, &event, 1) != ZX_OK)
            return false;
    }
    return true;
}

/* Each close of a copy makes a suspect. */
static int make_suspects(void* unused) {
    zx_handle_t near, far, copy;
    (void)unused;
    if (!create_laden_channel(&near, &far))
        return 1;
    while (!atomic_load(&is_over))
        if (zx_handle_duplicate(far, ZX_RIGHT_SAME_RIGHTS, &copy) != ZX_OK ||
            zx_handle_close(copy) != ZX_OK)
            return 2;
    zx_handle_close(near);
    zx_handle_close(far);
    return 0;
}

/* An end that is sent into itself, with a witness of its end. */
static void close_a_cycle(void) {
    zx_handle_t near, far, witness, cargo;
    EXPECT_OK(zx_channel_create(0, &near, &far));
    EXPECT_OK(zx_channel_create(0, &witness, &cargo));
    const zx_handle_t sent[] = {far, cargo};
    EXPECT_OK(zx_channel_write(near, 0, NULL, 0, sent, 2));
    EXPECT_OK(zx_handle_close(near));
    EXPECT(wait_for(witness, ZX_CHANNEL_PEER_CLOSED, ZX_SEC(60)));
    EXPECT_OK(zx_handle_close(witness));
}

static void attack(void) {
    thrd_t threads[ATTACKERS];
    int result;
    atomic_store(&is_over, false);
    for (int i = 0; i < ATTACKERS; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], make_suspects, NULL), thrd_success);
    for (uint32_t i = 0; i < CLOSES && !test_has_failed(); i++)
        close_a_cycle();
    atomic_store(&is_over, true);
    for (int i = 0; i < ATTACKERS; i++) {
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
}

TEST(channel, handles_close_while_others_make_suspects) {
    CHECK(attack()); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    CHECK(attack());
    CHECK(expect_no_leak(&before, 64));
}
