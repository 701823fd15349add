/* kernel/lib: its in-kernel tests under the sanitizers, and printf against the C library's.
 * Sources: kernel/lib/priority_queue.c kernel/lib/tree.c kernel/lib/string.c kernel/lib/printf.c
 *     tests/kernel/lib_structures.c tests/kernel/lib_text.c */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before the kernel's names stand for its own functions. */
static int oracle_vsnprintf(char* to, size_t room, const char* format, va_list arguments) {
    return vsnprintf(to, room, format, arguments);
}
static int oracle_strcmp(const char* a, const char* b) {
    return strcmp(a, b);
}

#include <lib/printf.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"

#define ROUNDS 60000u
#define ROOM 160u

static uint32_t random_state = 2024;

static unsigned below(unsigned limit) {
    return random_next(&random_state) % limit;
}

static char pick(const char* letters) {
    return letters[below((unsigned)strlen(letters))];
}

/* Both print the same arguments; cut to `room`. */
static bool is_same(size_t room, const char* format, ...) {
    char ours[ROOM], theirs[ROOM];
    va_list arguments, again;
    memset(ours, '#', sizeof(ours));
    memset(theirs, '#', sizeof(theirs));
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t length = vsnprintf(ours, room, format, arguments);
    size_t expected = (size_t)oracle_vsnprintf(theirs, room, format, again);
    va_end(again);
    va_end(arguments);
    if (length == expected && (room == 0 || oracle_strcmp(ours, theirs) == 0) && ours[room] == '#')
        return true;
    selftest_fail(__FILE__, __LINE__, "format '%s': '%.*s' (%zu), expected '%.*s' (%zu)", format,
                  (int)room, ours, length, (int)room, theirs, expected);
    return false;
}

/* "%" FLAGS WIDTH .PRECISION SIZE LETTER; what C leaves undefined is left out. */
static void make_format(char* format, const char* flags, const char* sizes, const char* letters) {
    *format++ = '%';
    for (unsigned i = below(3); i > 0; i--)
        *format++ = pick(flags);
    if (below(2))
        format += sprintf(format, "%u", below(30));
    if (below(3) == 0)
        format += sprintf(format, ".%u", below(20));
    char size = pick(sizes);
    for (unsigned i = size == 'H' || size == 'L' ? 2 : size == ' ' ? 0 : 1; i > 0; i--)
        *format++ = (char)(size == 'H' ? 'h' : size == 'L' ? 'l' : size);
    *format++ = pick(letters);
    *format = 0;
}

static uint64_t any_number(void) {
    static const uint64_t edges[] = {0,         1,         9,         10,         INT32_MAX,
                                     INT64_MAX, 1ul << 31, 1ul << 63, UINT64_MAX, 0x8080};
    if (below(3) == 0)
        return edges[below(ARRAY_LENGTH(edges))];
    uint64_t wide = (uint64_t)random_next(&random_state) << 40 ^ (uint64_t)below(1 << 24) << 20 ^
                    below(1 << 24);
    return wide >> below(64);
}

SELFTEST(printf, numbers_are_those_of_the_c_library) {
    char format[40];
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool is_signed = below(2);
        make_format(format, is_signed ? "-0+ " : "-0", "Hh lLzjt", is_signed ? "di" : "uxX");
        if (!is_same(1 + below(ROOM - 1), format, any_number()))
            return;
    }
}

SELFTEST(printf, texts_are_those_of_the_c_library) {
    static const char* const texts[] = {"", "x", "lapis", "a much longer text that does not fit"};
    char format[40];
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_format(format, "-", " ", "s");
        if (!is_same(below(ROOM), format, texts[below(ARRAY_LENGTH(texts))]))
            return;
    }
    for (unsigned i = 0; i < 256; i++)
        if (!is_same(20, i % 2 ? "[%c]" : "[%-5c]", i ? (int)i : 'z'))
            return;
}

SELFTEST(printf, several_conversions_take_their_arguments_in_order) {
    for (unsigned i = 0; i < 1000; i++) {
        int width = (int)below(40) - 20, precision = (int)below(20) - 5;
        if (!is_same(ROOM - 1, "a%*d|%.*s|%lx%%%c%-*.*u|%s", width, -5, precision, "topaz",
                     any_number(), 'c', width, precision, 77u, "end"))
            return;
    }
}
