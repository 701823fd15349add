/* The 16550 on COM1. Output is polled with a bound, so that a line nobody listens to never hangs
 * the kernel; input comes by interrupt. */
#include <arch/machine.h>

#include <arch/cpu.h>
#include <arch/interrupt.h>

#include "machine_internal.h"
#include "port.h"

#define COM1 0x3f8
#define COM1_INTERRUPT_LINE 4

#define REGISTER_DATA 0
#define REGISTER_INTERRUPT_ENABLE 1
#define REGISTER_DIVISOR_LOW 0 /* while the latch bit is set */
#define REGISTER_DIVISOR_HIGH 1
#define REGISTER_FIFO_CONTROL 2
#define REGISTER_LINE_CONTROL 3
#define REGISTER_MODEM_CONTROL 4
#define REGISTER_LINE_STATUS 5
#define REGISTER_SCRATCH 7

#define LINE_8N1 0x03
#define LINE_DIVISOR_LATCH 0x80
#define FIFO_ENABLE_AND_CLEAR 0xc7
#define MODEM_DTR_RTS_OUT2 0x0b
#define INTERRUPT_ON_RECEIVE 0x01
#define STATUS_DATA_READY 0x01
#define STATUS_TRANSMIT_EMPTY 0x20

#define WAIT_LIMIT 100000u /* polls for room before a character is given up */

static bool is_present;
static void (*receiver)(uint8_t byte);

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

static void put(char character) {
    for (unsigned i = 0; i < WAIT_LIMIT; i++) {
        if (port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_TRANSMIT_EMPTY) {
            port_write8(COM1 + REGISTER_DATA, (uint8_t)character);
            return;
        }
        cpu_relax();
    }
}

void serial_write(const char* text, size_t size) {
    if (!is_present)
        return;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            put('\r');
        put(text[i]);
    }
}

static void on_interrupt(void* unused) {
    (void)unused;
    while (port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_DATA_READY)
        receiver(port_read8(COM1 + REGISTER_DATA));
}

void serial_enable_input(void (*receive)(uint8_t byte)) {
    if (!is_present)
        return;
    receiver = receive;
    interrupt_register(COM1_INTERRUPT_LINE, on_interrupt, NULL);
    port_write8(COM1 + REGISTER_INTERRUPT_ENABLE, INTERRUPT_ON_RECEIVE);
}

uint8_t serial_read_polled(void) {
    while (!(port_read8(COM1 + REGISTER_LINE_STATUS) & STATUS_DATA_READY))
        cpu_relax();
    return port_read8(COM1 + REGISTER_DATA);
}
