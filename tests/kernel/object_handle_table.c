/* The handle table in the kernel: growth to its bound, reuse, and many CPUs at one table. */
#include <mm/slab.h>
#include <object/handle_transfer.h>
#include <sched/thread.h>

#include "object_helpers.h"
#include "selftest.h"

#define MANY_HANDLES 200000u

SELFTEST(object, handle_table_holds_200000_handles_and_gives_them_back) {
    struct handle_table table;
    struct event* event;
    size_t before = object_count();
    zx_handle_t* values = heap_alloc(MANY_HANDLES * sizeof(*values));
    EXPECT(values != NULL);
    EXPECT_OK(handle_table_init(&table));
    values[0] = add_event(&table, &event);
    EXPECT(values[0] > 0);
    for (uint32_t i = 1; i < MANY_HANDLES; i++)
        EXPECT_OK(add_copy(&table, values[0], &values[i]));
    EXPECT_EQUAL(handle_table_count(&table), MANY_HANDLES);
    EXPECT_EQUAL(event->object.handle_count, MANY_HANDLES);
    for (uint32_t i = 0; i < MANY_HANDLES; i += 2)
        EXPECT_OK(handle_table_close(&table, values[i]));
    for (uint32_t i = 0; i < MANY_HANDLES; i++) {
        struct object* object;
        zx_status_t status =
            handle_table_get(&table, values[i], ZX_OBJ_TYPE_EVENT, ZX_RIGHT_SIGNAL, &object);
        EXPECT_EQUAL(status, (i & 1) ? ZX_OK : ZX_ERR_BAD_HANDLE);
        if (status == ZX_OK)
            object_release(object);
    }
    handle_table_close_all(&table);
    EXPECT_EQUAL(handle_table_count(&table), 0);
    EXPECT_EQUAL(object_count(), before);
    handle_table_destroy(&table);
    heap_free(values);
}

SELFTEST(object, closed_handle_table_takes_nothing) {
    struct handle_table table;
    struct event* event;
    zx_handle_t value;
    EXPECT_OK(handle_table_init(&table));
    EXPECT(add_event(&table, &event) > 0);
    handle_table_close_all(&table);
    event = event_create();
    EXPECT(event != NULL);
    struct handle handle = handle_to(&event->object, EVENT_DEFAULT_RIGHTS);
    EXPECT_EQUAL(handle_table_add(&table, handle, &value), ZX_ERR_BAD_STATE);
    handle_release(handle);
    handle_table_destroy(&table);
}

SELFTEST(object, handle_value_is_not_reused_soon) {
    struct handle_table table;
    struct event* event;
    zx_handle_t copy;
    EXPECT_OK(handle_table_init(&table));
    zx_handle_t first = add_event(&table, &event);
    zx_handle_t keeper;
    EXPECT_OK(add_copy(&table, first, &keeper));
    EXPECT_OK(handle_table_close(&table, first));
    for (int i = 0; i < 400000; i++) {
        EXPECT_OK(add_copy(&table, keeper, &copy));
        EXPECT(copy > 0 && copy != first);
        EXPECT_OK(handle_table_close(&table, copy));
    }
    handle_table_close_all(&table);
    handle_table_destroy(&table);
}

/* --- several CPUs ----------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 20000

struct shared {
    struct handle_table table;
    zx_handle_t root;
};

/* Values of its own must behave as if nobody else used the table. */
static void duplicate_and_close(void* argument) {
    struct shared* shared = argument;
    zx_handle_t values[16];
    for (int round = 0; round < ROUNDS / 16; round++) {
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
            EXPECT_OK(add_copy(&shared->table, shared->root, &values[i]));
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
            EXPECT_OK(handle_table_close(&shared->table, values[i]));
        EXPECT_EQUAL(handle_table_close(&shared->table, values[round & 15]), ZX_ERR_BAD_HANDLE);
    }
}

SELFTEST(object, handle_table_is_sound_under_four_threads) {
    static struct shared shared;
    struct thread* threads[THREADS];
    struct event* event;
    EXPECT_OK(handle_table_init(&shared.table));
    shared.root = add_event(&shared.table, &event);
    for (int i = 0; i < THREADS; i++) {
        threads[i] =
            thread_create("handles", duplicate_and_close, &shared, THREAD_PRIORITY_DEFAULT);
        EXPECT(threads[i] != NULL);
        thread_start(threads[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
        thread_release(threads[i]);
    }
    EXPECT_EQUAL(handle_table_count(&shared.table), 1);
    EXPECT_EQUAL(event->object.handle_count, 1);
    EXPECT_EQUAL(event->object.references, 1);
    handle_table_close_all(&shared.table);
    handle_table_destroy(&shared.table);
}

static zx_status_t take(struct handle_transfer* transfer, const struct object* carrier) {
    spin_lock(&transfer->table->lock);
    zx_status_t status = handle_transfer_take_locked(transfer, carrier);
    if (status == ZX_OK)
        handle_transfer_end_locked(transfer, ZX_ERR_BAD_STATE);
    spin_unlock(&transfer->table->lock);
    return status;
}

SELFTEST(object, transfer_that_fails_changes_nothing) {
    static const struct handle_transfer_errors errors = {.repeated = -1000, .invalid = -1001};
    struct handle_table table;
    struct event* events[3];
    zx_handle_t values[4];
    struct handle entries[4];
    EXPECT_OK(handle_table_init(&table));
    for (int i = 0; i < 3; i++)
        values[i] = add_event(&table, &events[i]);
    struct handle_transfer transfer = {
        .table = &table,
        .values = values,
        .entries = entries,
        .count = 4,
        .carrier_index = HANDLE_TRANSFER_NOWHERE,
        .errors = &errors,
    };
    values[3] = values[1];
    EXPECT_EQUAL(take(&transfer, NULL), -1000);
    values[3] = 12345;
    EXPECT_EQUAL(take(&transfer, NULL), -1001);
    EXPECT_EQUAL(take(&transfer, &events[2]->object), ZX_ERR_NOT_SUPPORTED);
    transfer.count = 3;
    EXPECT_OK(take(&transfer, NULL));
    EXPECT_EQUAL(handle_table_count(&table), 3);
    for (int i = 0; i < 3; i++)
        EXPECT_OK(handle_table_close(&table, values[i]));
    handle_table_destroy(&table);
}
