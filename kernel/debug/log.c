#include <debug/log.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <debug/console.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <lock/spinlock.h>

#define LINE_SIZE 192u
#define LINE_COUNT 256u /* a power of two */

struct log_line {
    uint16_t length;
    char text[LINE_SIZE];
};

static struct spinlock lock = SPINLOCK_INITIALIZER(LOCK_LOG);
static struct log_line lines[LINE_COUNT]; /* under `lock` */
static uint32_t line_count;               /* written so far; the newest is line_count - 1 */
static enum log_level console_level = LOG_INFO;

void log_set_console_level(enum log_level level) {
    console_level = level;
}

/* "[    1.234567 0] text\n"; what does not fit is cut. */
static uint16_t format_line(struct log_line* line, const char* format, va_list arguments) {
    uint64_t microseconds = (uint64_t)clock_now() / 1000;
    size_t used = snprintf(line->text, LINE_SIZE, "[%5lu.%06lu %u] ", microseconds / 1000000,
                           microseconds % 1000000, cpu_number());
    used += vsnprintf(line->text + used, LINE_SIZE - 1 - used, format, arguments);
    used = MIN(used, LINE_SIZE - 2);
    line->text[used++] = '\n';
    return (uint16_t)used;
}

void log_write(enum log_level level, const char* format, ...) {
    struct log_line line;
    va_list arguments;
    va_start(arguments, format);
    line.length = format_line(&line, format, arguments);
    va_end(arguments);

    interrupt_state_t state = spin_lock_irqsave(&lock);
    struct log_line* slot = &lines[line_count++ % LINE_COUNT];
    slot->length = line.length;
    memcpy(slot->text, line.text, line.length);
    spin_unlock_irqrestore(&lock, state);
    if (level <= console_level)
        console_write(line.text, line.length);
}

/* Reads without the lock, because panic and the emergency console may have interrupted its
 * holder. */
void log_replay(size_t count, void (*print)(const char* text, size_t size)) {
    uint32_t end = line_count;
    uint32_t available = MIN(end, LINE_COUNT);
    for (uint32_t at = end - (uint32_t)MIN(count, available); at != end; at++) {
        const struct log_line* line = &lines[at % LINE_COUNT];
        print(line->text, MIN(line->length, LINE_SIZE));
    }
}
