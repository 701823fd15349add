/* Strings and formatted text. Also built as a host test (tests/host/lib.c). */
#include <lib/printf.h>
#include <lib/string.h>

#include "selftest.h"

/* --- strings ---------------------------------------------------------------------------------- */

static int sign(int number) {
    return (number > 0) - (number < 0);
}

SELFTEST(lib_string, lengths_end_at_the_zero_or_the_limit) {
    EXPECT_EQUAL(strlen(""), 0);
    EXPECT_EQUAL(strlen("gem\0stone"), 3);
    EXPECT_EQUAL(strnlen("garnet", 0), 0);
    EXPECT_EQUAL(strnlen("garnet", 3), 3);
    EXPECT_EQUAL(strnlen("garnet", 6), 6);
    EXPECT_EQUAL(strnlen("garnet", SIZE_MAX), 6);
    char unterminated[4] = {'a', 'b', 'c', 'd'};
    EXPECT_EQUAL(strnlen(unterminated, 4), 4);
}

SELFTEST(lib_string, comparisons_are_of_unsigned_characters) {
    EXPECT_EQUAL(strcmp("ruby", "ruby"), 0);
    EXPECT(strcmp("rub", "ruby") < 0);
    EXPECT(strcmp("ruby", "rub") > 0);
    EXPECT(strcmp("\x80", "\x7f") > 0);
    EXPECT(strcmp("", "\xff") < 0);
    EXPECT_EQUAL(strncmp("opal", "opera", 2), 0);
    EXPECT(strncmp("opal", "opera", 3) < 0);
    EXPECT_EQUAL(strncmp("opal", "x", 0), 0);
    EXPECT_EQUAL(strncmp("a\0b", "a\0c", 3), 0);
    EXPECT_EQUAL(sign(memcmp("a\0b", "a\0c", 3)), -1);
    EXPECT_EQUAL(sign(memcmp("\x80", "\x7f", 1)), 1);
    EXPECT_EQUAL(memcmp("ab", "ac", 1), 0);
    EXPECT_EQUAL(memcmp("a", "b", 0), 0);
}

SELFTEST(lib_string, a_character_is_found_first_and_the_zero_too) {
    const char* text = "agate";
    EXPECT(strchr(text, 'a') == text);
    EXPECT(strchr(text, 't') == text + 3);
    EXPECT(strchr(text, 'x') == NULL);
    EXPECT(strchr(text, 0) == text + 5);
    EXPECT(strchr("\xe9", '\xe9') != NULL);
}

SELFTEST(lib_string, bounded_copies_end_with_a_zero_and_return_the_length) {
    char to[8];
    memset(to, '#', sizeof(to));
    EXPECT_EQUAL(strlcpy(to, "beryl", sizeof(to)), 5);
    EXPECT_EQUAL(memcmp(to, "beryl\0##", 8), 0);
    memset(to, '#', sizeof(to));
    EXPECT_EQUAL(strlcpy(to, "amethyst", 5), 8);
    EXPECT_EQUAL(memcmp(to, "amet\0###", 8), 0);
    EXPECT_EQUAL(strlcpy(to, "x", 0), 1);
    EXPECT_EQUAL(to[0], 'a');
    EXPECT_EQUAL(strlcpy(to, "x", 1), 1);
    EXPECT_EQUAL(to[0], 0);
}

/* --- printf ----------------------------------------------------------------------------------- */

#define EXPECT_TEXT(expected, ...)                                                                 \
    do {                                                                                           \
        char got[128];                                                                             \
        size_t length = snprintf(got, sizeof(got), __VA_ARGS__);                                   \
        if (strcmp(got, expected) != 0 || length != strlen(expected)) {                            \
            selftest_fail(__FILE__, __LINE__, "'%s' (%zu), expected '%s'", got, length, expected); \
            return;                                                                                \
        }                                                                                          \
    } while (0)

SELFTEST(lib_printf, numbers_in_every_base_and_size) {
    EXPECT_TEXT("0 -1 2147483647 -2147483648", "%d %d %d %i", 0, -1, INT32_MAX, INT32_MIN);
    EXPECT_TEXT("4294967295 ffffffff FFFFFFFF", "%u %x %X", UINT32_MAX, UINT32_MAX, UINT32_MAX);
    EXPECT_TEXT("-9223372036854775808 18446744073709551615", "%ld %lu", INT64_MIN, UINT64_MAX);
    EXPECT_TEXT("deadbeefcafe f", "%llx %zx", 0xdeadbeefcafeull, (size_t)15);
    /* In variables: clang says of a literal that an int is too wide for it, which is what is tried.
     */
    const char *narrow = "%hhd %hhu %hd %hu", *narrowest = "%hhd %hhu";
    EXPECT_TEXT("-1 255 -1 65535", narrow, -1, 255, -1, 65535);
    EXPECT_TEXT("-128 128", narrowest, 128, 384);
    EXPECT_TEXT("7 -7", "%td %jd", (ptrdiff_t)7, (intmax_t)-7);
    EXPECT_TEXT("0x1000", "%p", (void*)0x1000);
}

SELFTEST(lib_printf, flags_widths_and_precisions) {
    EXPECT_TEXT("[   42][42   ][00042][+42][ 42]", "[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42,
                42);
    EXPECT_TEXT("[-0042][  -42][-42  ]", "[%05d][%5d][%-5d]", -42, -42, -42);
    EXPECT_TEXT("[00042][  042][042  ]", "[%.5d][%5.3d][%-5.3d]", 42, 42, 42);
    EXPECT_TEXT("[][0][  ]", "[%.0d][%d][%2.0d]", 0, 0, 0);
    EXPECT_TEXT("[0xff][0x00ff][0XFF]", "[%#x][%#06x][%#X]", 255, 255, 255);
    EXPECT_TEXT("[   7][7   ][007]", "[%*d][%*d][%.*d]", 4, 7, -4, 7, 3, 7);
}

SELFTEST(lib_printf, texts_and_characters) {
    EXPECT_TEXT("[pearl][ pearl][pearl ][pea][ pe]", "[%s][%6s][%-6s][%.3s][%3.2s]", "pearl",
                "pearl", "pearl", "pearl", "pearl");
    const char unterminated[3] = {'j', 'e', 't'};
    EXPECT_TEXT("jet", "%.3s", unterminated);
    EXPECT_TEXT("[a][  b][c  ]", "[%c][%3c][%-3c]", 'a', 'b', 'c');
    EXPECT_TEXT("100%", "%d%%", 100);
    const char* volatile nothing = NULL;
    EXPECT_TEXT("(null)", "%s", nothing);
}

SELFTEST(lib_printf, what_does_not_fit_is_cut_and_counted) {
    char to[8];
    memset(to, '#', sizeof(to));
    const char* volatile text = "chalcedony";
    EXPECT_EQUAL(snprintf(to, 5, "%s", text), 10);
    EXPECT_EQUAL(memcmp(to, "chal\0###", 8), 0);
    EXPECT_EQUAL(snprintf(to, 1, "%s", text), 10);
    EXPECT_EQUAL(to[0], 0);
    to[0] = '#';
    EXPECT_EQUAL(snprintf(to, 0, "%s", text), 10);
    EXPECT_EQUAL(to[0], '#');
    EXPECT_EQUAL(snprintf(NULL, 0, "%1000d", 1), 1000);
}
