/* Formatted text: %d %i %u %x %X %p %s %c %%. Known are the lengths h, l, ll, z, t and j, the flags
 * - 0 + # and space, and width and precision (also *). No floating point. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <lib/compiler.h>

/* Receives the text in pieces, in order. */
typedef void (*format_sink_t)(void* context, const char* text, size_t size);

/* Returns the number of characters of the whole text. */
size_t format_vprint(format_sink_t sink, void* context, const char* format, va_list arguments);

/* Writes at most room - 1 characters and a zero, or nothing if room is 0. Returns the length of the
 * whole text. */
size_t vsnprintf(char* to, size_t room, const char* format, va_list arguments);
size_t snprintf(char* to, size_t room, const char* format, ...) PRINTF_LIKE(3, 4);
