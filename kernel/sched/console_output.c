#include <sched/console_output.h>

#include <abi/errors.h>
#include <arch/clock.h>
#include <debug/console.h>
#include <debug/panic.h>
#include <sched/cleaning.h>
#include <sched/thread.h>
#include <sched/timer.h>
#include <sched/wait_queue.h>

/* The cost of one piece, in steps. Sending counts as one step; drawing on the screen costs as much
 * as several. */
#define PIECE_STEPS 64u
#define STEPS_OF_DRAWING 4u
/* Waiting writers are woken only when there is room for many of them. */
#define ROOM_TO_GO_ON (16 * CONSOLE_OUTPUT_MAX)
/* If the serial line's interrupt does not come, the line is checked again after this time. */
#define POLL_NANOSECONDS 10000000l

static struct wait_queue writers = WAIT_QUEUE_INITIALIZER(writers);

static bool drain_queue(struct cleaning* cleaning);
static struct cleaning cleaning = CLEANING_INITIALIZER(drain_queue);

static void request_drain(void) {
    cleaner_request(&cleaning);
}

/* --- draining -----------------------------------------------------------------------------------
 */

static struct timer poll_timer;
static _Atomic bool is_polling; /* the timer is armed */

static void poll(struct timer* timer) {
    (void)timer;
    atomic_store(&is_polling, false);
    request_drain();
}

/* Waiting writers are woken one by one: each wakes the next after it has written. */
static void wake_a_writer(size_t room) {
    if (console_has_room(room))
        wait_queue_wake(&writers, 1);
}

/* Sends queued text until there is none, the device is full, or the piece is used up. The screen is
 * refreshed once in each piece, so it is drawn even if text comes without end. */
static bool drain_queue(struct cleaning* unused) {
    enum console_progress progress = CONSOLE_SENT;
    (void)unused;
    (void)console_refresh_screen();
    for (unsigned steps = STEPS_OF_DRAWING; steps < PIECE_STEPS && progress >= CONSOLE_SENT;
         steps += progress == CONSOLE_DREW ? STEPS_OF_DRAWING : 1)
        progress = console_drain_step();
    wake_a_writer(ROOM_TO_GO_ON);
    if (progress == CONSOLE_WAITS && !atomic_exchange(&is_polling, true))
        timer_arm(&poll_timer, clock_now() + POLL_NANOSECONDS);
    return progress >= CONSOLE_SENT;
}

void console_output_start(void) {
    timer_init(&poll_timer, poll);
    console_begin_queueing(request_drain);
}

/* --- writing ------------------------------------------------------------------------------------
 */

struct request {
    const char* text;
    size_t size;
};

static bool is_written(void* argument) {
    const struct request* request = argument;
    return console_try_write(request->text, request->size);
}

/* A writer must not sleep through the moment when room appears. The condition (is_written) runs
 * under the wait queue's lock, and takes the console's lock inside it. So a writer that finds no
 * room is in the queue before more text is drained. The wake that follows the drain finds the
 * writer there. */
bool console_output_write(const char* text, size_t size) {
    struct request request = {text, size};
    ASSERT(size <= CONSOLE_OUTPUT_MAX);
    if (console_try_write(text, size))
        return true;
    zx_status_t status = wait_queue_wait(&writers, is_written, &request, ZX_TIME_INFINITE);
    wake_a_writer(CONSOLE_OUTPUT_MAX);
    return status == ZX_OK;
}
