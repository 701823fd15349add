/* Deliberate failures, so that the tests see what a failure looks like. */
#pragma once

#include <stddef.h>

/* `kind`: panic, assert, page-fault, stack-overflow, hang, triple-fault. Unknown: boot_fail. */
void crash_deliberately(const char* kind, size_t length);
