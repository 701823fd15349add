/* Writing while the other end of the serial line reads nothing. Only scripts/unread_line.py runs
 * this, on a machine with one CPU whose time counts instructions: so what takes long here takes
 * long on every host. */
#include <stdatomic.h>
#include <test.h>
#include <threads.h>
#include <zircon/syscalls.h>

#include "../framework/objects.h"

#define MILLISECOND ZX_MSEC(1)
#define WRITES 1000u /* together many times what the kernel's queue holds */
#define LATENESS_MAX                                                                  \
    (2 * MILLISECOND)      /* the screen, which is drawn meanwhile, takes half of one \
                            */
#define PATIENCE ZX_SEC(1) /* of the kernel, before it drops text */
#define GIVE_UP_AFTER ZX_SEC(60)

static atomic_uint writes;

static int write_text(void* unused) {
    static const char text[] = "there is nobody who reads this line, and still it must go away\n";
    (void)unused;
    for (unsigned i = 0; i < WRITES; i++) {
        if (zx_debug_write(text, sizeof(text) - 1) != ZX_OK)
            return 1;
        atomic_fetch_add(&writes, 1);
    }
    return 0;
}

TEST_ON_DEMAND(unread_line, holds_up_no_writer_for_long_and_no_other_thread_at_all) {
    thrd_t writer;
    zx_duration_t latest = 0;
    int result;
    EXPECT_EQUAL(thrd_create(&writer, write_text, NULL), thrd_success);
    zx_time_t start = zx_clock_get_monotonic(), give_up = start + GIVE_UP_AFTER;
    while (atomic_load(&writes) < WRITES && zx_clock_get_monotonic() < give_up) {
        zx_time_t deadline = zx_clock_get_monotonic() + MILLISECOND;
        zx_nanosleep(deadline);
        zx_duration_t late = zx_clock_get_monotonic() - deadline;
        latest = late > latest ? late : latest;
    }
    EXPECT_EQUAL(atomic_load(&writes), WRITES);
    EXPECT_EQUAL(thrd_join(writer, &result), thrd_success);
    EXPECT_EQUAL(result, 0);
    EXPECT(zx_clock_get_monotonic() - start >= PATIENCE); /* else somebody did read the line */
    EXPECT_AT_MOST(latest, LATENESS_MAX);
}
