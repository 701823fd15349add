/* printf's engine, for any target. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Where the characters go; `write` may be called many times. */
struct format_sink {
    void (*write)(struct format_sink* sink, const char* text, size_t size);
    size_t written; /* counted by the engine */
};

/* Everything of C17 but %n, %a and wide characters; unknown ones are printed as they stand. */
void format_print(struct format_sink* sink, const char* format, va_list arguments);

/* The exact decimal digits of a finite value, rounded (to even) as %e, %f or %g want it. */
#define DIGITS_MAX 800 /* more significant digits than any double has */
struct decimal {
    char digits[DIGITS_MAX]; /* '0'..'9', no leading zeros; not terminated */
    int count;
    int point; /* the value is 0.DIGITS times ten to the power of `point` */
};
/* `value` is finite and not negative. */
void decimal_from_double(struct decimal* decimal, double value);
/* Keeps the first `count` digits (0 and less: may leave one digit, or none). */
void decimal_round(struct decimal* decimal, int count);
