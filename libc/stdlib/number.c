/* Numbers from text, and small arithmetic. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

static int digit_value(char character) {
    if (isdigit((unsigned char)character))
        return character - '0';
    if (isalpha((unsigned char)character))
        return tolower((unsigned char)character) - 'a' + 10;
    return INT_MAX;
}

/* "0x" counts as a prefix only when a hexadecimal digit follows. */
static const char* skip_prefix(const char* text, int* base) {
    if ((*base == 0 || *base == 16) && text[0] == '0' && (text[1] | 0x20) == 'x' &&
        isxdigit((unsigned char)text[2])) {
        *base = 16;
        return text + 2;
    }
    if (*base == 0)
        *base = text[0] == '0' ? 8 : 10;
    return text;
}

/* Parses the magnitude and sets *negative. A value above `limit` (negative and signed: above limit
 * + 1) becomes the limit, and errno ERANGE. */
static unsigned long long parse(const char* text, char** end, int base, bool* negative,
                                bool is_signed) {
    const char* start = text;
    while (isspace((unsigned char)*text))
        text++;
    *negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    text = skip_prefix(text, &base);

    unsigned long long limit = is_signed ? (unsigned long long)LLONG_MAX + *negative : ULLONG_MAX;
    unsigned long long value = 0;
    bool has_digits = false, overflows = false;
    for (; digit_value(*text) < base; text++) {
        has_digits = true;
        unsigned digit = (unsigned)digit_value(*text);
        if (value > (limit - digit) / (unsigned)base)
            overflows = true;
        else
            value = value * (unsigned)base + digit;
    }
    if (end)
        *end = (char*)(has_digits ? text : start);
    if (!overflows)
        return value;
    errno = ERANGE;
    return limit;
}

long long strtoll(const char* restrict text, char** restrict end, int base) {
    bool negative;
    unsigned long long magnitude = parse(text, end, base, &negative, true);
    return (long long)(negative ? -magnitude : magnitude);
}

unsigned long long strtoull(const char* restrict text, char** restrict end, int base) {
    bool negative;
    int saved = errno;
    errno = 0;
    unsigned long long magnitude = parse(text, end, base, &negative, false);
    if (errno == ERANGE)
        return ULLONG_MAX;
    errno = saved;
    return negative ? -magnitude : magnitude;
}

/* long has the size of long long. */
_Static_assert(sizeof(long) == sizeof(long long), "LP64");

long strtol(const char* restrict text, char** restrict end, int base) {
    return strtoll(text, end, base);
}

unsigned long strtoul(const char* restrict text, char** restrict end, int base) {
    return strtoull(text, end, base);
}

intmax_t strtoimax(const char* restrict text, char** restrict end, int base) {
    return strtoll(text, end, base);
}

uintmax_t strtoumax(const char* restrict text, char** restrict end, int base) {
    return strtoull(text, end, base);
}

int atoi(const char* text) {
    return (int)strtol(text, NULL, 10);
}

long atol(const char* text) {
    return strtol(text, NULL, 10);
}

long long atoll(const char* text) {
    return strtoll(text, NULL, 10);
}

int abs(int value) {
    return value < 0 ? -value : value;
}

long labs(long value) {
    return value < 0 ? -value : value;
}

long long llabs(long long value) {
    return value < 0 ? -value : value;
}

intmax_t imaxabs(intmax_t value) {
    return value < 0 ? -value : value;
}

div_t div(int dividend, int divisor) {
    return (div_t){dividend / divisor, dividend % divisor};
}

ldiv_t ldiv(long dividend, long divisor) {
    return (ldiv_t){dividend / divisor, dividend % divisor};
}

lldiv_t lldiv(long long dividend, long long divisor) {
    return (lldiv_t){dividend / divisor, dividend % divisor};
}
