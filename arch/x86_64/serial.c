/* The 16550 on COM1.
 *
 * Until serial_enable_interrupts, and after serial_use_polling, a write waits for the line. In
 * between it leaves its text in a ring, which the line empties by interrupt, and waits only when
 * the ring is full. Each wait has a bound, so that a line nobody listens to never hangs the kernel:
 * what does not get out is lost. */
#include <arch/machine.h>

#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <lock/spinlock.h>

#include "machine_internal.h"
#include "port.h"

#define COM1 0x3f8
#define COM1_INTERRUPT_LINE 4

#define REGISTER_DATA 0
#define REGISTER_INTERRUPT_ENABLE 1
#define REGISTER_DIVISOR_LOW 0 /* while the latch bit is set */
#define REGISTER_DIVISOR_HIGH 1
#define REGISTER_INTERRUPT_CAUSE 2 /* read */
#define REGISTER_FIFO_CONTROL 2    /* write */
#define REGISTER_LINE_CONTROL 3
#define REGISTER_MODEM_CONTROL 4
#define REGISTER_LINE_STATUS 5
#define REGISTER_SCRATCH 7

#define LINE_8N1 0x03
#define LINE_DIVISOR_LATCH 0x80
#define FIFO_ENABLE_AND_CLEAR 0xc7
#define MODEM_DTR_RTS_OUT2 0x0b
#define INTERRUPT_ON_RECEIVE 0x01
#define INTERRUPT_ON_TRANSMIT 0x02
#define CAUSE_NONE 0x01
#define STATUS_DATA_READY 0x01
#define STATUS_TRANSMIT_EMPTY 0x20

#define FIFO_ROOM 16u      /* characters the line takes once it says that it is empty */
#define WAIT_LIMIT 100000u /* polls for room before a character is given up */
#define OUTPUT_ROOM 4096u  /* a power of two */

static bool is_present;
static void (*receiver)(uint8_t byte);

static struct spinlock output_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
static char output[OUTPUT_ROOM]; /* under output_lock, as all below */
static uint32_t output_head, output_tail;
static bool is_interrupt_driven;

void serial_init(void) {
    port_write8(COM1 + REGISTER_SCRATCH, 0x5a);
    is_present = port_read8(COM1 + REGISTER_SCRATCH) == 0x5a;
    if (!is_present)
        return;
    port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, 0);
    port_write8(COM1 + REGISTER_LINE_CONTROL, LINE_DIVISOR_LATCH);
    port_write8(COM1 + REGISTER_DIVISOR_LOW, 1); /* 115200 baud */
    port_write8(COM1 + REGISTER_DIVISOR_HIGH, 0);
    port_write8(COM1 + REGISTER_LINE_CONTROL, LINE_8N1);
    port_write8(COM1 + REGISTER_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    port_write8(COM1 + REGISTER_MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
}

/* --- output ----------------------------------------------------------------------------------- */

static bool can_transmit(void) {
    return port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_TRANSMIT_EMPTY;
}

static void transmit_polled(char character) {
    for (unsigned i = 0; i < WAIT_LIMIT; i++) {
        if (can_transmit()) {
            port_write8(COM1 + REGISTER_DATA, (uint8_t)character);
            return;
        }
        cpu_relax();
    }
}

/* In a panic without the lock: somebody else may have taken the last character meanwhile. */
static void drain_polled(void) {
    while ((int32_t)(output_head - output_tail) > 0)
        transmit_polled(output[output_tail++ % OUTPUT_ROOM]);
}

static void put(char character) {
    if (output_head - output_tail == OUTPUT_ROOM)
        transmit_polled(output[output_tail++ % OUTPUT_ROOM]);
    output[output_head++ % OUTPUT_ROOM] = character;
}

/* The interrupt is on exactly while something is left to send. */
static void feed_line_locked(void) {
    if (can_transmit())
        for (unsigned i = 0; i < FIFO_ROOM && output_tail != output_head; i++)
            port_write8(COM1 + REGISTER_DATA, (uint8_t)output[output_tail++ % OUTPUT_ROOM]);
    uint8_t on_transmit = output_tail != output_head ? INTERRUPT_ON_TRANSMIT : 0;
    port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, INTERRUPT_ON_RECEIVE | on_transmit);
}

static void put_text(const char* text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            put('\r');
        put(text[i]);
    }
}

void serial_write(const char* text, size_t size) {
    if (!is_present)
        return;
    if (!is_interrupt_driven) {
        put_text(text, size);
        drain_polled();
        return;
    }
    interrupt_state_t state = spin_lock_irqsave(&output_lock);
    put_text(text, size);
    feed_line_locked();
    spin_unlock_irqrestore(&output_lock, state);
}

void serial_flush(void) {
    if (!is_interrupt_driven)
        return;
    interrupt_state_t state = spin_lock_irqsave(&output_lock);
    drain_polled();
    spin_unlock_irqrestore(&output_lock, state);
}

void serial_use_polling(void) {
    if (!is_interrupt_driven)
        return;
    is_interrupt_driven = false;
    port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, 0);
    drain_polled();
}

/* --- interrupts and input --------------------------------------------------------------------- */

/* The line raises its interrupt anew only after it had no cause left. */
static void on_interrupt(void* unused) {
    (void)unused;
    while (!(port_read8(COM1 + REGISTER_INTERRUPT_CAUSE) & CAUSE_NONE)) {
        while (port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_DATA_READY)
            receiver(port_read8(COM1 + REGISTER_DATA));
        spin_lock(&output_lock);
        feed_line_locked();
        spin_unlock(&output_lock);
    }
}

void serial_enable_interrupts(void (*receive)(uint8_t byte)) {
    if (!is_present)
        return;
    receiver = receive;
    interrupt_register(COM1_INTERRUPT_LINE, on_interrupt, NULL);
    port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, INTERRUPT_ON_RECEIVE);
    is_interrupt_driven = true;
}

uint8_t serial_read_polled(void) {
    serial_flush();
    while (!(port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_DATA_READY))
        cpu_relax();
    return port_read8(COM1 + REGISTER_DATA);
}
