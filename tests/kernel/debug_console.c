/* The console's queue: writers do not wait for the devices, and nothing holds interrupts off for
 * them. */
#include <abi/errors.h>
#include <arch/clock.h>
#include <debug/console.h>
#include <lib/string.h>
#include <sched/console_output.h>
#include <sched/park.h>
#include <sched/sched.h>
#include <sched/thread.h>

#include "all_cpus.h"
#include "held_cleaner.h"
#include "selftest.h"

#define STEP_CHARACTERS 4u /* go to the line in one step */

static const char line[] = "the quick brown fox jumps over the lazy dog, again and again....\n";
#define LINE_SIZE (sizeof(line) - 1)

static bool is_drained(void) {
    for (int i = 0; i < 1000 && console_queued_count() > 0; i++)
        if (thread_sleep_until(clock_now() + 10000000) != ZX_OK)
            return false;
    return console_queued_count() == 0;
}

SELFTEST(console, text_waits_in_the_queue_and_leaves_it_in_small_steps) {
    EXPECT(is_drained());
    EXPECT(cleaner_hold());
    for (uint32_t i = 0; i < 3; i++)
        console_write(line, LINE_SIZE);
    console_printf("%s", line);
    size_t queued = console_queued_count(), largest = 0, left = queued;
    for (uint32_t i = 0; i < 100000 && left > 0; i++) {
        if (console_drain_step() == CONSOLE_WAITS)
            thread_yield();
        largest = MAX(largest, left - console_queued_count());
        left = console_queued_count();
    }
    cleaner_let_go();
    EXPECT_EQUAL(queued, 4 * LINE_SIZE);
    EXPECT_EQUAL(left, 0);
    EXPECT(largest <= STEP_CHARACTERS);
}

/* --- a full queue ----------------------------------------------------------------------------- */

static bool fill_for_programs(void) {
    if (!is_drained() || !cleaner_hold())
        return false;
    while (console_try_write(line, LINE_SIZE))
        ;
    return true;
}

SELFTEST(console, programs_leave_room_for_the_kernel) {
    EXPECT(fill_for_programs());
    size_t full = console_queued_count();
    bool has_room = console_has_room(LINE_SIZE);
    console_write(line, LINE_SIZE);
    size_t with_kernel = console_queued_count();
    cleaner_let_go();
    EXPECT(!has_room);
    EXPECT_EQUAL(with_kernel, full + LINE_SIZE);
    EXPECT(is_drained());
    EXPECT_EQUAL(console_lost_count(), 0);
}

SELFTEST(console, what_has_no_room_is_counted_and_reported) {
    EXPECT(fill_for_programs());
    size_t written = 0, lost;
    while ((lost = console_lost_count()) < 3 * LINE_SIZE && written++ < 10000)
        console_write(line, LINE_SIZE);
    size_t full = console_queued_count();
    console_write(line, 0);
    size_t still_full = console_queued_count();
    cleaner_let_go();
    EXPECT_EQUAL(lost, 3 * LINE_SIZE);
    EXPECT(still_full <= full);
    EXPECT(is_drained());
    EXPECT_EQUAL(console_lost_count(), 0); /* "[195 characters were lost]" */
}

struct writer {
    struct thread* thread;
    _Atomic uint32_t is_written, has_ended;
};

static void write_a_line(void* argument) {
    struct writer* writer = argument;
    atomic_store(&writer->is_written, console_output_write(line, LINE_SIZE));
    atomic_store(&writer->has_ended, 1);
}

static bool start_writer(struct writer* writer) {
    *writer = (struct writer){
        .thread = thread_create("writer", write_a_line, writer, THREAD_PRIORITY_DEFAULT)};
    if (writer->thread)
        thread_start(writer->thread);
    return writer->thread;
}

static void bury(struct writer* writer) {
    thread_join(writer->thread);
    thread_release(writer->thread);
}

#define WRITERS 20u

SELFTEST(console, writers_wait_for_room_and_a_kill_ends_the_wait) {
    static struct writer writers[WRITERS];
    EXPECT(fill_for_programs());
    size_t full = console_queued_count();
    for (uint32_t i = 0; i < WRITERS; i++)
        EXPECT(start_writer(&writers[i]));
    for (uint32_t i = 0; i < WRITERS; i++)
        while (writers[i].thread->state != THREAD_BLOCKED)
            thread_yield();
    for (uint32_t i = 0; i < WRITERS; i += 2) {
        thread_kill(writers[i].thread);
        EXPECT(counter_comes_to(&writers[i].has_ended, 1));
    }
    size_t still_full = console_queued_count();
    cleaner_let_go();
    for (uint32_t i = 0; i < WRITERS; i++)
        bury(&writers[i]);
    EXPECT_EQUAL(still_full, full);
    for (uint32_t i = 0; i < WRITERS; i++)
        EXPECT_EQUAL(atomic_load(&writers[i].is_written), i % 2);
    EXPECT(is_drained());
}
