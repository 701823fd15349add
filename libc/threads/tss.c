/* Thread-specific values: a few keys, an array in each thread. */
#include <internal/thread_control.h>

enum { KEY_FREE, KEY_USED };

static struct {
    atomic_int state;
    _Atomic(tss_dtor_t) destructor;
} keys[TSS_KEY_COUNT];
static atomic_uint keys_ever; /* keys from here on were never used */

int tss_create(tss_t* key, tss_dtor_t destructor) {
    for (unsigned i = 0; i < TSS_KEY_COUNT; i++) {
        int expected = KEY_FREE;
        if (atomic_compare_exchange_strong(&keys[i].state, &expected, KEY_USED)) {
            atomic_store(&keys[i].destructor, destructor);
            unsigned before = atomic_load(&keys_ever);
            while (before <= i && !atomic_compare_exchange_weak(&keys_ever, &before, i + 1))
                ;
            *key = i;
            return thrd_success;
        }
    }
    return thrd_error;
}

void tss_delete(tss_t key) {
    atomic_store(&keys[key].destructor, NULL);
    atomic_store(&keys[key].state, KEY_FREE);
}

void* tss_get(tss_t key) {
    return thread_control_self()->tss_values[key];
}

int tss_set(tss_t key, void* value) {
    thread_control_self()->tss_values[key] = value;
    return thrd_success;
}

/* Destructors may set values again, so this is repeated a few times. */
void tss_run_destructors(struct thread_control* thread) {
    for (int round = 0; round < TSS_DTOR_ITERATIONS; round++) {
        const unsigned count = atomic_load(&keys_ever);
        bool found = false;
        for (unsigned i = 0; i < count; i++) {
            void* value = thread->tss_values[i];
            tss_dtor_t destructor = atomic_load(&keys[i].destructor);
            if (!value || !destructor)
                continue;
            found = true;
            thread->tss_values[i] = NULL;
            destructor(value);
        }
        if (!found)
            return;
    }
}
