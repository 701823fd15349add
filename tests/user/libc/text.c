/* Strings, numbers and printf. */
#include <test.h>

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static char text[512];

#define EXPECT_PRINTED(expected, ...)                           \
    do {                                                        \
        int length = snprintf(text, sizeof(text), __VA_ARGS__); \
        EXPECT_STRING(text, expected);                          \
        EXPECT_EQUAL(length, (int)strlen(expected));            \
    } while (0)

TEST(printf, integers) {
    EXPECT_PRINTED("0 -1 2147483647", "%d %d %d", 0, -1, INT_MAX);
    EXPECT_PRINTED("-9223372036854775808", "%" PRId64, INT64_MIN);
    EXPECT_PRINTED("18446744073709551615", "%llu", ULLONG_MAX);
    EXPECT_PRINTED("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42, 42, 42, 42);
    EXPECT_PRINTED("ff 0xff FF 0XFF 017 17", "%x %#x %X %#X %#o %o", 255, 255, 255, 255, 15, 15);
    EXPECT_PRINTED("  007|-007 |", "%5.3d|%-5.3d|", 7, -7);
    EXPECT_PRINTED("|", "%.0d|", 0);
    /* In a variable: clang says of a literal that an int is too wide for it, which is what is
     * tried. */
    const char* narrow = "%hhd %hhu %hd %hu";
    EXPECT_PRINTED("-1 255 -1 65535", narrow, 255, 255, 65535, 65535);
    EXPECT_PRINTED("12 -3 4", "%zu %td %jd", (size_t)12, (ptrdiff_t)-3, (intmax_t)4);
    EXPECT_PRINTED("   5|5   |", "%*d|%*d|", 4, 5, -4, 5);
    EXPECT_PRINTED("0x1234", "%p", (void*)0x1234);
}

TEST(printf, texts) {
    EXPECT_PRINTED("ruby", "%s", "ruby");
    EXPECT_PRINTED("  ruby|ruby  |ru", "%6s|%-6s|%.2s", "ruby", "ruby", "ruby");
    EXPECT_PRINTED("a|  b|100%", "%c|%3c|100%%", 'a', 'b');
    char* volatile none = NULL;
    EXPECT_PRINTED("(null)", "%s", none);
}

TEST(printf, floating_point) {
    EXPECT_PRINTED("0.000000 1.500000 -2.250000", "%f %f %f", 0.0, 1.5, -2.25);
    EXPECT_PRINTED("0 2 2 10.0", "%.0f %.0f %.0f %.1f", 0.5, 1.5, 2.5, 9.96);
    EXPECT_PRINTED("1.234560e+05 1E-10", "%e %.0E", 123456.0, 1e-10);
    EXPECT_PRINTED("100000 1e+06 0.0001 1e-05", "%g %g %g %g", 1e5, 1e6, 1e-4, 1e-5);
    EXPECT_PRINTED("0.1000000000000000055511151231257827", "%.34f", 0.1);
    EXPECT_PRINTED("1.797693134862315708e+308", "%.18e", DBL_MAX);
    EXPECT_PRINTED("   3.14|3.14   |0003.14", "%7.2f|%-7.2f|%07.2f", 3.14, 3.14, 3.14);
    EXPECT_PRINTED("inf -inf", "%f %f", __builtin_inf(), -__builtin_inf());
}

TEST(printf, buffers_are_never_overrun) {
    char small[8] = "uuuuuuu";
    EXPECT_EQUAL(snprintf(small, 4, "%s", "abcdefg"), 7);
    EXPECT_STRING(small, "abc");
    EXPECT_EQUAL(small[4], 'u');
    EXPECT_EQUAL(snprintf(small, 1, "xyz"), 3);
    EXPECT_STRING(small, "");
    EXPECT_EQUAL(snprintf(NULL, 0, "%d", 12345), 5);
}

TEST(string, comparison_and_search) {
    EXPECT(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("a", "a") == 0);
    EXPECT(strcmp("a", "ab") < 0 && strcmp("\xff", "a") > 0);
    EXPECT(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
    EXPECT(strcasecmp("Ruby", "rUBY") == 0 && strncasecmp("RUxx", "ruyy", 2) == 0);
    const char* line = "one,two;three";
    EXPECT(strchr(line, ',') == line + 3 && strchr(line, '\0') == line + 13);
    EXPECT(strrchr(line, 'e') == line + 12 && !strchr(line, 'z'));
    EXPECT(strstr(line, "two") == line + 4 && strstr(line, "") == line && !strstr(line, "four"));
    EXPECT_EQUAL(strspn(line, "eno"), 3);
    EXPECT_EQUAL(strcspn(line, ";"), 7);
    EXPECT(strpbrk(line, ";,") == line + 3);
    EXPECT(memchr(line, 't', 5) == line + 4 && !memchr(line, 't', 4));
    EXPECT(memcmp("abcdefghi", "abcdefghj", 9) < 0 && memcmp("abcdefghi", "abcdefghj", 8) == 0);
}

TEST(string, copies) {
    char buffer[16] = "";
    EXPECT_STRING(strcpy(buffer, "abc"), "abc");
    EXPECT_STRING(strcat(buffer, "def"), "abcdef");
    EXPECT_STRING(strncat(buffer, "ghijk", 2), "abcdefgh");
    EXPECT_EQUAL(strlcpy(buffer, "0123456789abcdefgh", sizeof(buffer)), 18);
    EXPECT_STRING(buffer, "0123456789abcde");
    EXPECT_EQUAL(strlcpy(buffer, "ab", sizeof(buffer)), 2);
    EXPECT_EQUAL(strlcat(buffer, "cd", 4), 4);
    EXPECT_STRING(buffer, "abc");
    memset(buffer, 'u', sizeof(buffer));
    strncpy(buffer, "xy", 4);
    EXPECT_BYTES(buffer, "xy\0\0u", 5);
    char list[] = ",a,,bc,", *rest;
    EXPECT_STRING(strtok_r(list, ",", &rest), "a");
    EXPECT_STRING(strtok_r(NULL, ",", &rest), "bc");
    EXPECT(!strtok_r(NULL, ",", &rest));
    char* copy = strdup("ruby");
    EXPECT_STRING(copy, "ruby");
    free(copy);
}

TEST(string, memmove_with_overlap) {
    for (size_t distance = 1; distance < 70; distance++) {
        unsigned char forward[200], backward[200];
        for (size_t i = 0; i < 200; i++)
            forward[i] = backward[i] = (unsigned char)i;
        memmove(forward + distance, forward, 100);
        memmove(backward, backward + distance, 100);
        for (size_t i = 0; i < 100; i++) {
            EXPECT_EQUAL(forward[distance + i], i);
            EXPECT_EQUAL(backward[i], i + distance);
        }
    }
}

TEST(stdlib, numbers_from_text) {
    char* end;
    EXPECT_EQUAL(strtol("  -42x", &end, 10), -42);
    EXPECT_STRING(end, "x");
    EXPECT_EQUAL(strtol("0x1fg", &end, 0), 31);
    EXPECT_STRING(end, "g");
    EXPECT_EQUAL(strtol("077", NULL, 0), 63);
    EXPECT_EQUAL(strtol("zz", NULL, 36), 35 * 36 + 35);
    EXPECT_EQUAL(strtol("none", &end, 10), 0);
    EXPECT_STRING(end, "none");
    errno = 0;
    EXPECT_EQUAL(strtol("9223372036854775808", NULL, 10), LONG_MAX);
    EXPECT_EQUAL(errno, ERANGE);
    EXPECT_EQUAL(strtol("-9223372036854775808", NULL, 10), LONG_MIN);
    EXPECT(strtoull("18446744073709551615", NULL, 10) == ULLONG_MAX);
    EXPECT_EQUAL(atoi("123"), 123);
    EXPECT(abs(-5) == 5 && div(7, 2).quot == 3 && div(7, 2).rem == 1);
}

static int compare_ints(const void* left, const void* right) {
    int a = *(const int*)left, b = *(const int*)right;
    return a < b ? -1 : a > b;
}

TEST(stdlib, qsort_and_bsearch) {
    int values[257];
    for (int count = 0; count <= (int)countof(values); count++) {
        for (int i = 0; i < count; i++)
            values[i] = rand() % 1000;
        qsort(values, (size_t)count, sizeof(int), compare_ints);
        for (int i = 1; i < count; i++)
            EXPECT(values[i - 1] <= values[i]);
    }
    int wanted = values[100], missing = -1;
    int* found = bsearch(&wanted, values, countof(values), sizeof(int), compare_ints);
    EXPECT(found && *found == wanted);
    EXPECT(!bsearch(&missing, values, countof(values), sizeof(int), compare_ints));
}

TEST(ctype, classes) {
    for (int c = 0; c < 128; c++) {
        EXPECT(!!isalnum(c) == (isalpha(c) || isdigit(c)));
        EXPECT(!!isprint(c) == (isgraph(c) || c == ' '));
        EXPECT(!isupper(c) || tolower(c) == c + 32);
    }
    EXPECT(isspace('\t') && isspace('\n') && !isspace('x') && isxdigit('F') && !isxdigit('g'));
}
