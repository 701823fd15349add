/* printf of the C library for programs, against the build machine's: every format at random.
 * Sources: libc/stdio/format.c libc/stdio/format_double.c libc/stdio/decimal.c */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <internal/format.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"

#define ROUNDS 60000u
#define ROOM 2048u

struct text {
    struct format_sink sink;
    char text[ROOM];
    size_t size;
};

static uint32_t random_state = 99;

static unsigned below(unsigned limit) {
    return random_next(&random_state) % limit;
}

static void append(struct format_sink* sink, const char* text, size_t size) {
    struct text* to = (struct text*)sink;
    if (to->size + size > ROOM)
        return;
    memcpy(to->text + to->size, text, size);
    to->size += size;
}

static bool is_same(const char* format, ...) {
    struct text ours = {.sink.write = append};
    char theirs[ROOM];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    format_print(&ours.sink, format, arguments);
    size_t expected = (size_t)vsnprintf(theirs, sizeof(theirs), format, again);
    va_end(again);
    va_end(arguments);
    if (ours.sink.written == expected && ours.size == expected &&
        memcmp(ours.text, theirs, expected) == 0)
        return true;
    selftest_fail(__FILE__, __LINE__, "format '%s': '%.*s', expected '%.100s'", format,
                  (int)(ours.size < 100 ? ours.size : 100), ours.text, theirs);
    return false;
}

/* "%" FLAGS WIDTH .PRECISION SIZE LETTER. */
static void make_format(char* format, const char* flags, const char* size, char letter) {
    *format++ = '%';
    for (unsigned i = below(3); i > 0; i--)
        *format++ = flags[below((unsigned)strlen(flags))];
    if (below(2))
        format += sprintf(format, "%u", below(40));
    if (below(2))
        format += sprintf(format, ".%u", below(25));
    sprintf(format, "%s%c", size, letter);
}

static uint64_t any_bits(void) {
    return (uint64_t)random_next(&random_state) << 40 ^ (uint64_t)random_next(&random_state) << 20 ^
           random_next(&random_state);
}

SELFTEST(libc_printf, numbers_are_those_of_the_machine) {
    static const char* const sizes[] = {"hh", "h", "", "l", "ll", "z", "j", "t"};
    static const char letters[] = "diuoxX";
    for (unsigned i = 0; i < ROUNDS; i++) {
        char format[40];
        unsigned letter = below(6);
        const char* flags = letter < 2 ? "-0+ " : letter == 2 ? "-0" : "-0#";
        make_format(format, flags, sizes[below(8)], letters[letter]);
        if (!is_same(format, below(4) ? any_bits() >> below(64) : (uint64_t)below(2)))
            return;
    }
}

static double any_double(void) {
    static const double edges[] = {0.0,     -0.0,     1.0,      0.5,     9.5,     0.1,    1e15,
                                   1e16,    1e22,     1e23,     DBL_MAX, DBL_MIN, 5e-324, 99999.5,
                                   0.00001, 123456.0, 999999.5, 0.0001,  -2.5,    1e-7};
    union {
        uint64_t bits;
        double value;
    } any = {.bits = any_bits()};
    switch (below(4)) {
    case 0:
        return edges[below(sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return any.value; /* infinities and what is no number, too */
    case 2:
        return (double)(int64_t)any.bits / (double)(1u << below(31));
    default:
        return (double)below(100000) / 1000.0;
    }
}

SELFTEST(libc_printf, floating_numbers_are_those_of_the_machine) {
    static const char letters[] = "eEfFgG";
    for (unsigned i = 0; i < ROUNDS; i++) {
        char format[40];
        double value = any_double();
        if (isnan(value))
            value = NAN; /* the sign of no number is nobody's business */
        char letter = letters[below(6)];
        /* The machine's %#g drops zeros where rounding makes a number longer. */
        const char* flags = letter == 'g' || letter == 'G' ? "-0+ " : "-0+ #";
        make_format(format, flags, below(2) ? "" : "l", letter);
        if (!is_same(format, value))
            return;
    }
}

SELFTEST(libc_printf, texts_and_characters_are_those_of_the_machine) {
    static const char* const texts[] = {"", "x", "zircon", "a much longer text than the others"};
    for (unsigned i = 0; i < ROUNDS; i++) {
        char format[40];
        make_format(format, "-", "", 's');
        if (!is_same(format, texts[below(4)]))
            return;
    }
    for (int i = 0; i < 256; i++)
        if (!is_same("[%c] [%-4c] [%4c] %%", i, i, i))
            return;
    (void)is_same("%*d|%-*d|%.*s|%*.*f|%p", -6, 42, 6, 42, 2, "opal", 9, 3, 3.14159, (void*)0x1234);
}
