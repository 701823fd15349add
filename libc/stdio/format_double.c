/* The conversions of floating-point numbers: %f, %e, %g. */
#include <internal/conversion.h>

/* Writes digits [from, from + count) of the decimal, and zeros where it has none. */
static void emit_digits(struct format_sink* sink, const struct decimal* decimal, int from,
                        int count) {
    int before = from < 0 ? (-from < count ? -from : count) : 0;
    format_emit_repeated(sink, '0', before);
    from += before;
    count -= before;
    int present = decimal->count - from < count ? decimal->count - from : count;
    if (present > 0)
        format_emit(sink, decimal->digits + from, (size_t)present);
    else
        present = 0;
    format_emit_repeated(sink, '0', count - present);
}

static void print_fixed(struct format_sink* sink, const struct conversion* conversion,
                        const struct decimal* decimal, const char* sign, int fraction) {
    int whole = decimal->count > 0 && decimal->point > 0 ? decimal->point : 1;
    int first = decimal->count > 0 ? decimal->point - whole : 0;
    bool has_point = fraction > 0 || conversion->alternate;
    int blanks =
        format_begin_field(sink, conversion, sign, whole + has_point + fraction, conversion->zero);
    emit_digits(sink, decimal, first, whole);
    format_emit(sink, ".", has_point);
    emit_digits(sink, decimal, first + whole, fraction);
    format_emit_repeated(sink, ' ', blanks);
}

static void print_scientific(struct format_sink* sink, const struct conversion* conversion,
                             const struct decimal* decimal, const char* sign, int fraction,
                             bool upper) {
    int exponent = decimal->count > 0 ? decimal->point - 1 : 0;
    char text[NUMBER_TEXT_SIZE];
    char* end = text + sizeof(text);
    char* start =
        format_write_number(end, (uint64_t)(exponent < 0 ? -exponent : exponent), 10, false);
    while (end - start < 2)
        *--start = '0';
    *--start = exponent < 0 ? '-' : '+';
    *--start = upper ? 'E' : 'e';
    bool has_point = fraction > 0 || conversion->alternate;
    int size = 1 + has_point + fraction + (int)(end - start);
    int blanks = format_begin_field(sink, conversion, sign, size, conversion->zero);
    emit_digits(sink, decimal, 0, 1);
    format_emit(sink, ".", has_point);
    emit_digits(sink, decimal, 1, fraction);
    format_emit(sink, start, (size_t)(end - start));
    format_emit_repeated(sink, ' ', blanks);
}

/* %g: the shorter of %e and %f, without trailing zeros. */
static void print_general(struct format_sink* sink, const struct conversion* conversion,
                          struct decimal* decimal, const char* sign, int precision, bool upper) {
    int significant = precision == 0 ? 1 : precision;
    decimal_round(decimal, significant);
    int exponent = decimal->count > 0 ? decimal->point - 1 : 0;
    int shown = significant;
    if (!conversion->alternate) {
        while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '0')
            decimal->count--;
        shown = decimal->count > 0 ? decimal->count : 1;
    }
    if (exponent < -4 || exponent >= significant)
        print_scientific(sink, conversion, decimal, sign, shown - 1, upper);
    else
        print_fixed(sink, conversion, decimal, sign,
                    shown - 1 > exponent ? shown - 1 - exponent : 0);
}

void format_print_double(struct format_sink* sink, const struct conversion* conversion,
                         double value) {
    bool upper = conversion->kind < 'a';
    const char* sign = format_sign_prefix(conversion, __builtin_signbit(value));
    if (value < 0)
        value = -value;
    if (__builtin_isnan(value) || __builtin_isinf(value)) {
        const char* name =
            __builtin_isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
        int blanks = format_begin_field(sink, conversion, sign, 3, false);
        format_emit(sink, name, 3);
        format_emit_repeated(sink, ' ', blanks);
        return;
    }
    struct decimal decimal;
    decimal_from_double(&decimal, value);
    int precision = conversion->precision < 0 ? 6 : conversion->precision;
    switch (conversion->kind | 0x20) {
    case 'f':
        decimal_round(&decimal, decimal.point + precision);
        print_fixed(sink, conversion, &decimal, sign, precision);
        break;
    case 'e':
        decimal_round(&decimal, 1 + precision);
        print_scientific(sink, conversion, &decimal, sign, precision, upper);
        break;
    default:
        print_general(sink, conversion, &decimal, sign, precision, upper);
    }
}
