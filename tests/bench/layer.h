/* What the measuring needs of the system under it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t layer_nanoseconds(void);
/* Nanoseconds from the system's first instruction to the program's main; 0: not known. */
uint64_t layer_boot_nanoseconds(void);
/* A record on the port that the host listens to (docs/testing.md). */
void layer_report(const char* record, size_t size);
/* Until the host types a character. */
void layer_wait_for_host(void);
/* Switches the machine off. */
_Noreturn void layer_exit(unsigned status);
