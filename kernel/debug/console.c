#include <debug/console.h>

#include <arch/machine.h>
#include <debug/emergency_console.h>
#include <lib/printf.h>
#include <lock/spinlock.h>

#define INPUT_ROOM 1024u /* a power of two */

static struct spinlock output_lock = SPINLOCK_INITIALIZER(LOCK_LOG);
static bool is_lock_broken;

static struct spinlock input_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static char input[INPUT_ROOM]; /* under input_lock; what does not fit is lost */
static uint32_t input_head, input_tail;
static void (*input_notify)(void);

static void write_unlocked(const char* text, size_t size) {
    serial_write(text, size);
    screen_write(text, size);
}

void console_write(const char* text, size_t size) {
    if (is_lock_broken) {
        write_unlocked(text, size);
        return;
    }
    interrupt_state_t state = spin_lock_irqsave(&output_lock);
    write_unlocked(text, size);
    spin_unlock_irqrestore(&output_lock, state);
}

void console_break_lock(void) {
    is_lock_broken = true;
    serial_use_polling();
}

static void console_sink(void* unused, const char* text, size_t size) {
    (void)unused;
    write_unlocked(text, size);
}

void console_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    interrupt_state_t state = 0;
    bool is_locked = !is_lock_broken;
    if (is_locked)
        state = spin_lock_irqsave(&output_lock);
    format_vprint(console_sink, NULL, format, arguments);
    if (is_locked)
        spin_unlock_irqrestore(&output_lock, state);
    va_end(arguments);
}

static void receive(uint8_t byte) {
    if (byte == EMERGENCY_CONSOLE_KEY) {
        emergency_console_run();
        return;
    }
    interrupt_state_t state = spin_lock_irqsave(&input_lock);
    if (input_head - input_tail < INPUT_ROOM)
        input[input_head++ % INPUT_ROOM] = (char)byte;
    spin_unlock_irqrestore(&input_lock, state);
    if (input_notify)
        input_notify();
}

void console_enable_interrupts(void) {
    serial_enable_interrupts(receive);
}

void console_set_input_listener(void (*on_input)(void)) {
    input_notify = on_input;
}

size_t console_read(char* to, size_t room) {
    size_t count = 0;
    interrupt_state_t state = spin_lock_irqsave(&input_lock);
    while (count < room && input_tail != input_head)
        to[count++] = input[input_tail++ % INPUT_ROOM];
    spin_unlock_irqrestore(&input_lock, state);
    return count;
}
