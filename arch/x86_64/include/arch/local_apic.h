/* The local APIC, for the board: it routes device interrupts to CPUs, starts CPUs, and measures the
 * timer. The rest of the kernel uses arch/interrupt.h and arch/clock.h. */
#pragma once

#include <stdint.h>

/* Vectors above the exceptions. */
#define VECTOR_DEVICE_FIRST 0x20 /* one for each ISA line */
#define VECTOR_DEVICE_COUNT 16
#define VECTOR_RESCHEDULE 0xf0
#define VECTOR_CALL 0xf1
#define VECTOR_TIMER 0xf2
#define VECTOR_SOFT 0xf3
#define VECTOR_SPURIOUS 0xff

#define LOCAL_APIC_WINDOW_SIZE 4096

/* Called on the boot CPU. `window` is the APIC's memory, mapped uncached. Every CPU finds its own
 * APIC at this address. */
void local_apic_init(volatile void* window);
/* Called on each CPU but the boot CPU. */
void local_apic_init_cpu(void);

#define APIC_DELIVER_FIXED 0x00000u
#define APIC_DELIVER_NMI 0x00400u
#define APIC_DELIVER_INIT 0x00500u
#define APIC_DELIVER_STARTUP 0x00600u
#define APIC_LEVEL_ASSERT 0x04000u
#define APIC_TO_SELF 0x40000u /* the identifier is ignored */

/* Sends a message to a CPU; `command` is the APIC_* bits and a vector. First waits until the last
 * message was sent. */
void local_apic_send(uint32_t apic_id, uint32_t command);

void local_apic_timer_start(uint32_t count); /* 0: stops it */
uint32_t local_apic_timer_remaining(void);
