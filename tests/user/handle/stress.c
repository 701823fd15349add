/* Threads that use handles while others change the table they are in. */
#include <test.h>

#include <magenta/syscalls.h>
#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define ROUNDS 3000u
#define MANY_HANDLES 40000u

/* One thread uses a handle, without a break, while another one does something else. */
struct scene {
    zx_handle_t event, near, far;
    atomic_bool is_over;
    atomic_uint uses, faults;
};

static int use_the_event(void* argument) {
    struct scene* scene = argument;
    while (!atomic_load(&scene->is_over)) {
        zx_signals_t shown = 0;
        if (zx_object_signal(scene->event, 0, ZX_USER_SIGNAL_0) != ZX_OK ||
            zx_object_wait_one(scene->event, ZX_USER_SIGNAL_0, 0, &shown) != ZX_OK ||
            !(shown & ZX_USER_SIGNAL_0))
            atomic_fetch_add(&scene->faults, 1);
        atomic_fetch_add(&scene->uses, 1);
    }
    return 0;
}

/* Runs `act` so many times meanwhile, and for as long as the event was not used. */
static void play(struct scene* scene, void (*act)(struct scene*), unsigned rounds) {
    thrd_t user;
    scene->is_over = false;
    scene->uses = scene->faults = 0;
    EXPECT_OK(zx_event_create(0, &scene->event));
    EXPECT_OK(zx_channel_create(0, &scene->near, &scene->far));
    EXPECT_EQUAL(thrd_create(&user, use_the_event, scene), thrd_success);
    for (unsigned i = 0; i < rounds || atomic_load(&scene->uses) < 10; i++)
        act(scene);
    atomic_store(&scene->is_over, true);
    EXPECT_EQUAL(thrd_join(user, NULL), thrd_success);
    EXPECT_EQUAL(scene->faults, 0);
    EXPECT_OK(zx_handle_close(scene->event));
    EXPECT_OK(zx_handle_close(scene->near));
    EXPECT_OK(zx_handle_close(scene->far));
}

/* The last handle is none, so that the others are taken out and put back. */
static void send_in_vain(struct scene* scene) {
    zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES] = {scene->event};
    unsigned last = ZX_CHANNEL_MAX_MSG_HANDLES - 1;
    for (unsigned i = 1; i < last; i++)
        EXPECT_OK(zx_handle_duplicate(scene->event, ZX_RIGHT_SAME_RIGHTS, &handles[i]));
    for (unsigned i = 0; i < 50; i++)
        EXPECT_EQUAL(mx_channel_write(scene->near, 0, NULL, 0, handles, last + 1),
                     ZX_ERR_BAD_HANDLE);
    EXPECT_OK(zx_handle_close_many(&handles[1], last - 1));
}

TEST(handle_stress, one_that_could_not_be_sent_was_there_all_the_time) {
    struct scene scene;
    play(&scene, send_in_vain, 100);
}

/* The process runs already. */
static void start_in_vain(struct scene* scene) {
    EXPECT_EQUAL(mx_process_start(zx_process_self(), zx_thread_self(), (zx_vaddr_t)start_in_vain, 0,
                                  scene->event, 0),
                 MX_ERR_BAD_STATE);
}

TEST(handle_stress, one_that_could_not_be_given_was_there_all_the_time) {
    struct scene scene;
    play(&scene, start_in_vain, ROUNDS);
}

static zx_handle_t copies[MANY_HANDLES];

static void fill_the_table(struct scene* scene) {
    for (unsigned i = 0; i < MANY_HANDLES; i++)
        EXPECT_OK(zx_handle_duplicate(scene->near, ZX_RIGHT_SAME_RIGHTS, &copies[i]));
    EXPECT_OK(zx_handle_close_many(copies, MANY_HANDLES));
}

TEST(handle_stress, one_is_found_while_the_table_grows) {
    struct scene scene;
    play(&scene, fill_the_table, 1);
}

/* Closing waits until nobody is in the middle of using the handle; from then on there is none. */
struct closing {
    _Atomic zx_handle_t handle;
    atomic_bool is_over;
    atomic_uint faults;
};

static int signal_until_gone(void* argument) {
    struct closing* closing = argument;
    while (!atomic_load(&closing->is_over)) {
        zx_status_t status = zx_object_signal(atomic_load(&closing->handle), 0, ZX_USER_SIGNAL_0);
        if (status != ZX_OK && status != ZX_ERR_BAD_HANDLE)
            atomic_fetch_add(&closing->faults, 1);
    }
    return 0;
}

TEST(handle_stress, one_that_is_being_used_can_be_closed) {
    struct closing closing = {.handle = ZX_HANDLE_INVALID};
    thrd_t users[2];
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQUAL(thrd_create(&users[i], signal_until_gone, &closing), thrd_success);
    for (unsigned i = 0; i < ROUNDS; i++) {
        zx_handle_t event;
        EXPECT_OK(zx_event_create(0, &event));
        atomic_store(&closing.handle, event);
        EXPECT_OK(zx_object_signal(event, 0, ZX_USER_SIGNAL_1));
        EXPECT_OK(zx_handle_close(event));
        EXPECT_EQUAL(zx_object_signal(event, 0, ZX_USER_SIGNAL_1), ZX_ERR_BAD_HANDLE);
    }
    atomic_store(&closing.is_over, true);
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQUAL(thrd_join(users[i], NULL), thrd_success);
    EXPECT_EQUAL(closing.faults, 0);
}
