/* One conversion of a printf format. stdio/format.c and stdio/format_double.c share it. */
#pragma once

#include <internal/format.h>

#include <stdbool.h>
#include <stdint.h>

enum length { LENGTH_CHAR, LENGTH_SHORT, LENGTH_INT, LENGTH_LONG, LENGTH_LONG_DOUBLE };

struct conversion {
    bool left, plus, space, alternate, zero;
    int width;
    int precision; /* -1: not given */
    enum length length;
    char kind;
};

#define NUMBER_TEXT_SIZE 24

void format_emit(struct format_sink* sink, const char* text, size_t size);
void format_emit_repeated(struct format_sink* sink, char character, int count);
/* Writes the padding before a body of `body_size` characters, and `prefix`. Returns how many blanks
 * the caller must write after the body. */
int format_begin_field(struct format_sink* sink, const struct conversion* conversion,
                       const char* prefix, int body_size, bool zero_fill);
const char* format_sign_prefix(const struct conversion* conversion, bool negative);
/* Writes the digits of `value` so that they end at `end`. Returns where they start. */
char* format_write_number(char* end, uint64_t value, unsigned base, bool upper);

void format_print_double(struct format_sink* sink, const struct conversion* conversion,
                         double value);
