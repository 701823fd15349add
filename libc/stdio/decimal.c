/* Exact decimal digits of doubles. A double is mantissa * 2^exponent. If the exponent is negative,
 * that is mantissa * 5^-exponent with the decimal point moved. So one big integer, multiplied by
 * small powers of 2 or 5, has all digits. */
#include <internal/format.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LIMB_BASE 1000000000u
#define LIMB_DIGITS 9
#define LIMB_COUNT 90 /* 5^1074 times 2^53 has 767 digits */

struct big_number {
    uint32_t limbs[LIMB_COUNT]; /* least significant first */
    int count;
};

static void multiply(struct big_number* number, uint32_t factor) {
    uint64_t carry = 0;
    for (int i = 0; i < number->count; i++) {
        carry += (uint64_t)number->limbs[i] * factor;
        number->limbs[i] = (uint32_t)(carry % LIMB_BASE);
        carry /= LIMB_BASE;
    }
    for (; carry > 0; carry /= LIMB_BASE)
        number->limbs[number->count++] = (uint32_t)(carry % LIMB_BASE);
}

static void multiply_by_power(struct big_number* number, uint32_t base, int exponent) {
    uint32_t step = base == 2 ? 1u << 28 : 1220703125u; /* 5^13 */
    int step_exponent = base == 2 ? 28 : 13;
    for (; exponent >= step_exponent; exponent -= step_exponent)
        multiply(number, step);
    for (; exponent > 0; exponent--)
        multiply(number, base);
}

/* Writes the most significant digit first, without leading zeros. Returns their number. */
static int write_digits(const struct big_number* number, char* digits) {
    int count = 0;
    for (int i = number->count - 1; i >= 0; i--) {
        uint32_t divisor = LIMB_BASE / 10;
        for (; divisor > 0; divisor /= 10) {
            char digit = (char)('0' + number->limbs[i] / divisor % 10);
            if (count > 0 || digit != '0')
                digits[count++] = digit;
        }
    }
    return count;
}

void decimal_from_double(struct decimal* decimal, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint64_t mantissa = bits & ((1ull << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent == 0)
        exponent = 1; /* subnormal, or zero */
    else
        mantissa |= 1ull << 52;
    exponent -= 1075;
    for (; exponent < 0 && mantissa != 0 && mantissa % 2 == 0; exponent++)
        mantissa /= 2;

    struct big_number number = {.count = 0};
    for (; mantissa > 0; mantissa /= LIMB_BASE)
        number.limbs[number.count++] = (uint32_t)(mantissa % LIMB_BASE);
    multiply_by_power(&number, exponent < 0 ? 5 : 2, exponent < 0 ? -exponent : exponent);
    decimal->count = write_digits(&number, decimal->digits);
    decimal->point = decimal->count == 0 ? 1 : decimal->count + (exponent < 0 ? exponent : 0);
}

static bool rounds_up(const struct decimal* decimal, int count) {
    char next = decimal->digits[count];
    if (next != '5')
        return next > '5';
    for (int i = count + 1; i < decimal->count; i++)
        if (decimal->digits[i] != '0')
            return true;
    return count > 0 && (decimal->digits[count - 1] - '0') % 2 == 1;
}

void decimal_round(struct decimal* decimal, int count) {
    if (count >= decimal->count)
        return;
    if (count < 0) {
        decimal->count = 0;
        return;
    }
    bool up = rounds_up(decimal, count);
    decimal->count = count;
    if (!up)
        return;
    while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '9')
        decimal->count--;
    if (decimal->count > 0) {
        decimal->digits[decimal->count - 1]++;
    } else {
        decimal->digits[decimal->count++] = '1';
        decimal->point++;
    }
}
