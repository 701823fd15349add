/* What programs write on the console. That it arrives whole and in order is looked at from outside
 * (scripts/boot_failures.py), which knows this text. */
#include <stdio.h>
#include <string.h>
#include <test.h>
#include <threads.h>
#include <zircon/syscalls.h>

#define WRITERS 4
#define LINES 400 /* of all writers: many times what the kernel's queue holds */

static int write_lines(void* number) {
    for (int i = 0; i < LINES; i++) {
        char line[80];
        int size = snprintf(line, sizeof(line), "writer %d line %03d %s\n", (int)(intptr_t)number,
                            i, "says what there is to say, and no more than that");
        if (zx_debug_write(line, (size_t)size) != ZX_OK)
            return 1;
    }
    return 0;
}

TEST(zx_debug_write, threads_write_more_than_the_queue_holds) {
    thrd_t threads[WRITERS];
    for (intptr_t i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(thrd_create(&threads[i], write_lines, (void*)i), thrd_success);
    for (int i = 0; i < WRITERS; i++) {
        int result;
        EXPECT_EQUAL(thrd_join(threads[i], &result), thrd_success);
        EXPECT_EQUAL(result, 0);
    }
}

/* A write of more than goes out in one piece. */
TEST(zx_debug_write, a_long_text_is_written_whole) {
    static char text[5000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i % 100 == 99 ? '\n' : 'a' + i / 100 % 26);
    EXPECT_OK(zx_debug_write(text, sizeof(text)));
    EXPECT_OK(zx_debug_write(NULL, 0));
    EXPECT_STATUS(zx_debug_write(NULL, 1), ZX_ERR_INVALID_ARGS);
}
