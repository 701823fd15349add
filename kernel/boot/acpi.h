/* The few ACPI tables the kernel needs: RSDP, RSDT/XSDT, MADT, HPET. Every length is checked. */
#pragma once

#include <boot/boot_info.h>
#include <pc/machine.h>

/* Fills `machine` from the tables. Without ACPI: the boot CPU only, no HPET, no device interrupts.
 */
void acpi_describe_machine(const struct boot_info* info, struct machine_description* machine);
