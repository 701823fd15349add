/* The 16550 on COM1.
 *
 * Only serial_wait_for_room and serial_read_polled wait for the line. The caller
 * (kernel/debug/console.c) keeps the text until the line takes it, and lets only one CPU send at a
 * time. */
#include <arch/cpu.h>
#include <debug/board.h>
#include <lock/spinlock.h>

#include "pc_internal.h"
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
#define CAUSE_MASK 0x0f
#define CAUSE_TRANSMIT 0x02
#define STATUS_DATA_READY 0x01
#define STATUS_TRANSMIT_EMPTY 0x20

#define FIFO_ROOM 16u      /* room in characters when the line reports that it is empty */
#define SEND_LIMIT 4u      /* characters sent in one call: a port is slow */
#define WAIT_LIMIT 100000u /* polls for room */

static bool is_present;
static void (*receiver)(uint8_t byte);
static void (*room_listener)(void);

/* Used only by the CPU that sends: */
static uint32_t fifo_room;  /* characters that can be sent before the status is read again */
static bool is_return_sent; /* the next character is a line feed, and its carriage return is sent */

/* LEAF: guards the register that enables interrupts. */
static struct spinlock enable_lock = SPINLOCK_INITIALIZER(LOCK_LEAF);
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
    if (fifo_room == 0 && port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_TRANSMIT_EMPTY)
        fifo_room = FIFO_ROOM;
    return fifo_room > 0;
}

static void transmit(char character) {
    port_write8(COM1 + REGISTER_DATA, (uint8_t)character);
    fifo_room--;
}

size_t serial_send_some(const char* text, size_t size) {
    size_t taken = 0;
    if (!is_present)
        return size;
    for (unsigned i = 0; i < SEND_LIMIT && taken < size && can_transmit(); i++) {
        bool needs_return = text[taken] == '\n' && !is_return_sent;
        transmit((char)(needs_return ? '\r' : text[taken]));
        is_return_sent = needs_return;
        taken += !needs_return;
    }
    return taken;
}

bool serial_wait_for_room(void) {
    for (unsigned i = 0; i < WAIT_LIMIT; i++) {
        if (!is_present || can_transmit())
            return true;
        cpu_relax();
    }
    return false;
}

/* --- interrupts and input --------------------------------------------------------------------- */

static void enable_interrupts(uint8_t causes) {
    interrupt_state_t state = spin_lock_irqsave(&enable_lock);
    if (is_interrupt_driven)
        port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, causes);
    spin_unlock_irqrestore(&enable_lock, state);
}

void serial_ask_for_room(void) {
    enable_interrupts(INTERRUPT_ON_RECEIVE | INTERRUPT_ON_TRANSMIT);
}

void serial_use_polling(void) {
    is_interrupt_driven = false;
    if (is_present)
        port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, 0);
}

/* The line raises a new interrupt only after all causes of the last are gone. The listener is
 * called once for each call of serial_ask_for_room. */
static void on_interrupt(void) {
    uint8_t cause;
    while (!((cause = port_read8(COM1 + REGISTER_INTERRUPT_CAUSE)) & CAUSE_NONE)) {
        while (port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_DATA_READY)
            receiver(port_read8(COM1 + REGISTER_DATA));
        if ((cause & CAUSE_MASK) == CAUSE_TRANSMIT) {
            enable_interrupts(INTERRUPT_ON_RECEIVE);
            room_listener();
        }
    }
}

void serial_enable_interrupts(void (*receive)(uint8_t byte), void (*on_room)(void)) {
    if (!is_present)
        return;
    receiver = receive;
    room_listener = on_room;
    interrupt_register(COM1_INTERRUPT_LINE, on_interrupt);
    is_interrupt_driven = true;
    enable_interrupts(INTERRUPT_ON_RECEIVE);
}

uint8_t serial_read_polled(void) {
    while (!(port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_DATA_READY))
        cpu_relax();
    return port_read8(COM1 + REGISTER_DATA);
}
