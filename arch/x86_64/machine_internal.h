/* What the files of the machine share; arch only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <arch/machine.h>

/* serial.c */
void serial_init(void);

/* local_apic.c */
void local_apic_init(uint64_t physical_address);
void local_apic_init_cpu(void);
uint32_t local_apic_id(void);
void local_apic_end_of_interrupt(void);
void local_apic_send(uint32_t apic_id,
                     uint32_t command);      /* APIC_* command bits, waits for delivery */
void local_apic_timer_start(uint32_t count); /* 0: stops it */
uint32_t local_apic_timer_remaining(void);

#define APIC_DELIVER_FIXED 0x00000u
#define APIC_DELIVER_NMI 0x00400u
#define APIC_DELIVER_INIT 0x00500u
#define APIC_DELIVER_STARTUP 0x00600u
#define APIC_LEVEL_ASSERT 0x04000u
#define APIC_TO_SELF 0x40000u /* whatever the identifier says */

/* io_apic.c */
void io_apic_init(const struct machine_description* description);
/* Sends an ISA line, as the overrides route it, to `vector` on the boot CPU. */
void io_apic_route(uint32_t isa_line, uint8_t vector);
void legacy_controller_disable(void);

/* clock.c: measures the time stamp counter and the APIC timer; hpet_address 0: by the PIT. */
void clock_calibrate(uint64_t hpet_address);

/* Vectors above the exceptions. */
#define VECTOR_DEVICE_FIRST 0x20 /* one for each ISA line */
#define VECTOR_DEVICE_COUNT 16
#define VECTOR_RESCHEDULE 0xf0
#define VECTOR_CALL 0xf1
#define VECTOR_TIMER 0xf2
#define VECTOR_SOFT 0xf3
#define VECTOR_SPURIOUS 0xff
