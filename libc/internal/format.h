/* The engine of printf, for any target. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Where the characters go; `write` may be called many times. */
struct format_sink {
    void (*write)(struct format_sink* sink, const char* text, size_t size);
    size_t written; /* the characters so far */
};

/* Prints all of C17's formats except %n, %a and wide characters. Unknown conversions are printed as
 * they stand. */
void format_print(struct format_sink* sink, const char* format, va_list arguments);

/* The exact decimal digits of a finite value, rounded to even as %e, %f or %g need it. */
#define DIGITS_MAX 800 /* more significant digits than any double has */
struct decimal {
    char digits[DIGITS_MAX]; /* '0' to '9', without leading zeros; not terminated */
    int count;
    int point; /* the value is 0.DIGITS times ten to the power of `point` */
};
/* `value` is finite and not negative. */
void decimal_from_double(struct decimal* decimal, double value);
/* Rounds to the first `count` digits. A count of 0 or less may leave one digit, or none. */
void decimal_round(struct decimal* decimal, int count);
