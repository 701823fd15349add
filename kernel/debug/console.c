/* Output waits in a ring, in the order written. console_drain_step sends a few characters of it to
 * the serial line and the screen. So the lock is held briefly, and a slow device never keeps
 * interrupts off.
 *
 * Output is direct early in boot, in a panic and on the emergency console: then the writer waits
 * for the line with the lock held.
 *
 * If the line has taken nothing for LINE_PATIENCE, text for it is dropped until it takes characters
 * again. The screen still shows that text. */
#include <debug/console.h>

#include <arch/clock.h>
#include <debug/board.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <lock/spinlock.h>

#define INPUT_ROOM 1024u          /* a power of two */
#define OUTPUT_ROOM 16384u        /* likewise */
#define KERNEL_ROOM 4096u         /* the part of OUTPUT_ROOM that is kept for the kernel */
#define LOST_AT_ONCE 64u          /* characters that are dropped at once when the line takes none */
#define LINE_PATIENCE 1000000000l /* nanoseconds */

/* LOG: guards all below up to on_output, the line and the screen. */
static struct spinlock output_lock = SPINLOCK_INITIALIZER(LOCK_LOG);
static bool is_lock_broken;
static char output[OUTPUT_ROOM];
static uint32_t output_head, output_tail;
static uint32_t direct_reasons = 1; /* not 0: output is direct */
static size_t lost_count;           /* characters that were lost, and are not yet reported */
static bool is_line_given_up;
static zx_time_t line_waits_since; /* 0: the console does not wait for the line */
static void (*on_output)(void);

static struct spinlock input_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static char input[INPUT_ROOM]; /* under input_lock; characters that do not fit are lost */
static uint32_t input_head, input_tail;
static void (*input_notify)(void);
static uint8_t emergency_key;
static void (*run_emergency)(void);

static interrupt_state_t lock_output(void) {
    return is_lock_broken ? 0 : spin_lock_irqsave(&output_lock);
}

static void unlock_output(interrupt_state_t state) {
    if (!is_lock_broken)
        spin_unlock_irqrestore(&output_lock, state);
}

/* --- the ring -----------------------------------------------------------------------------------
 */

size_t console_queued_count(void) {
    return __atomic_load_n(&output_head, __ATOMIC_RELAXED) -
           __atomic_load_n(&output_tail, __ATOMIC_RELAXED);
}

size_t console_lost_count(void) {
    return lost_count;
}

/* Queues all of the text or nothing: a count of lost characters is more useful than a part of a
 * line. */
static void queue_locked(const char* text, size_t size) {
    if (size > OUTPUT_ROOM - console_queued_count()) {
        lost_count += size;
        return;
    }
    size_t at = output_head % OUTPUT_ROOM;
    size_t before_end = MIN(size, OUTPUT_ROOM - at);
    memcpy(&output[at], text, before_end);
    memcpy(output, text + before_end, size - before_end);
    __atomic_store_n(&output_head, output_head + (uint32_t)size, __ATOMIC_RELAXED);
}

static void tell_lost_locked(void) {
    char text[64];
    size_t size = snprintf(text, sizeof(text), "\n[%zu characters were lost]\n", lost_count);
    if (size > OUTPUT_ROOM - console_queued_count())
        return;
    lost_count = 0;
    queue_locked(text, size);
}

/* Whether the line has taken nothing for too long. */
static bool must_give_up_line(void) {
    zx_time_t now = clock_now();
    if (line_waits_since == 0)
        line_waits_since = now;
    if (now - line_waits_since >= LINE_PATIENCE)
        is_line_given_up = true;
    return is_line_given_up;
}

/* Sends some queued characters. False: the line has no room. */
static bool send_locked(void) {
    const char* text = &output[output_tail % OUTPUT_ROOM];
    size_t size = MIN(console_queued_count(), OUTPUT_ROOM - output_tail % OUTPUT_ROOM);
    size_t sent = serial_send_some(text, size);
    if (sent > 0) {
        line_waits_since = 0;
        is_line_given_up = false;
    } else if (must_give_up_line()) {
        sent = MIN(size, LOST_AT_ONCE);
        lost_count += sent;
    }
    screen_put(text, sent);
    __atomic_store_n(&output_tail, output_tail + (uint32_t)sent, __ATOMIC_RELAXED);
    if (lost_count > 0 && !is_line_given_up && sent > 0)
        tell_lost_locked();
    return sent > 0;
}

static enum console_progress drain_locked(void) {
    if (direct_reasons > 0)
        return CONSOLE_IDLE;
    bool is_waiting = console_queued_count() > 0 && !send_locked();
    if (console_queued_count() > 0 && !is_waiting)
        return CONSOLE_SENT;
    if (screen_refresh())
        return CONSOLE_DREW;
    if (is_waiting)
        serial_ask_for_room();
    return is_waiting ? CONSOLE_WAITS : console_queued_count() > 0 ? CONSOLE_SENT : CONSOLE_IDLE;
}

enum console_progress console_drain_step(void) {
    interrupt_state_t state = lock_output();
    enum console_progress progress = drain_locked();
    unlock_output(state);
    return progress;
}

bool console_refresh_screen(void) {
    interrupt_state_t state = lock_output();
    bool has_more = direct_reasons == 0 && screen_refresh();
    unlock_output(state);
    return has_more;
}

/* --- directly -----------------------------------------------------------------------------------
 */

static void drain_directly_locked(void) {
    while (console_queued_count() > 0) {
        if (!is_line_given_up && !serial_wait_for_room())
            is_line_given_up = true;
        (void)send_locked();
    }
    while (screen_refresh())
        ;
}

void console_take_over(void) {
    interrupt_state_t state = lock_output();
    direct_reasons++;
    drain_directly_locked();
    unlock_output(state);
}

void console_give_back(void) {
    interrupt_state_t state = lock_output();
    direct_reasons--;
    unlock_output(state);
}

void console_begin_queueing(void (*listener)(void)) {
    on_output = listener;
    console_give_back();
}

void console_break_lock(void) {
    if (is_lock_broken)
        return;
    is_lock_broken = true;
    serial_use_polling();
    console_take_over();
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void put_text_locked(const char* text, size_t size) {
    if (direct_reasons == 0) {
        queue_locked(text, size);
        return;
    }
    for (size_t done = 0, part; done < size; done += part) {
        part = MIN(size - done, OUTPUT_ROOM);
        queue_locked(text + done, part);
        drain_directly_locked();
    }
}

static void unlock_written(interrupt_state_t state) {
    bool must_tell = direct_reasons == 0;
    unlock_output(state);
    if (must_tell)
        on_output();
}

void console_write(const char* text, size_t size) {
    interrupt_state_t state = lock_output();
    put_text_locked(text, size);
    unlock_written(state);
}

bool console_has_room(size_t size) {
    return console_queued_count() + size <= OUTPUT_ROOM - KERNEL_ROOM;
}

bool console_try_write(const char* text, size_t size) {
    interrupt_state_t state = lock_output();
    bool is_written = direct_reasons > 0 || console_has_room(size);
    if (is_written)
        put_text_locked(text, size);
    unlock_written(state);
    return is_written;
}

static void console_sink(void* unused, const char* text, size_t size) {
    (void)unused;
    put_text_locked(text, size);
}

void console_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    interrupt_state_t state = lock_output();
    format_vprint(console_sink, NULL, format, arguments);
    unlock_written(state);
    va_end(arguments);
}

/* --- input --------------------------------------------------------------------------------------
 */

static void receive(uint8_t byte) {
    if (byte == emergency_key) {
        run_emergency();
        return;
    }
    interrupt_state_t state = spin_lock_irqsave(&input_lock);
    if (input_head - input_tail < INPUT_ROOM)
        input[input_head++ % INPUT_ROOM] = (char)byte;
    spin_unlock_irqrestore(&input_lock, state);
    input_notify();
}

static void line_has_room(void) {
    if (on_output)
        on_output();
}

void console_enable_interrupts(void (*on_input)(void), uint8_t key, void (*on_key)(void)) {
    input_notify = on_input;
    emergency_key = key;
    run_emergency = on_key;
    serial_enable_interrupts(receive, line_has_room);
}

size_t console_read(char* to, size_t room) {
    size_t count = 0;
    interrupt_state_t state = spin_lock_irqsave(&input_lock);
    while (count < room && input_tail != input_head)
        to[count++] = input[input_tail++ % INPUT_ROOM];
    spin_unlock_irqrestore(&input_lock, state);
    return count;
}
