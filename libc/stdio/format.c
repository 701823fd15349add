/* The engine of printf: parses a conversion, formats its argument, pads it. */
#include <internal/conversion.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void format_emit(struct format_sink* sink, const char* text, size_t size) {
    if (size == 0)
        return;
    sink->write(sink, text, size);
    sink->written += size;
}

void format_emit_repeated(struct format_sink* sink, char character, int count) {
    char block[16];
    memset(block, character, sizeof(block));
    for (; count > 0; count -= (int)sizeof(block))
        format_emit(sink, block, count < (int)sizeof(block) ? (size_t)count : sizeof(block));
}

int format_begin_field(struct format_sink* sink, const struct conversion* conversion,
                       const char* prefix, int body_size, bool zero_fill) {
    int prefix_size = (int)strlen(prefix);
    int fill = conversion->width - prefix_size - body_size;
    if (!conversion->left && !zero_fill)
        format_emit_repeated(sink, ' ', fill);
    format_emit(sink, prefix, (size_t)prefix_size);
    if (!conversion->left && zero_fill)
        format_emit_repeated(sink, '0', fill);
    return conversion->left ? fill : 0;
}

const char* format_sign_prefix(const struct conversion* conversion, bool negative) {
    return negative ? "-" : conversion->plus ? "+" : conversion->space ? " " : "";
}

char* format_write_number(char* end, uint64_t value, unsigned base, bool upper) {
    const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; value > 0; value /= base)
        *--end = digits[value % base];
    return end;
}

static void print_integer(struct format_sink* sink, const struct conversion* conversion,
                          uint64_t value, unsigned base, const char* prefix) {
    char text[NUMBER_TEXT_SIZE];
    char* end = text + sizeof(text);
    char* start = format_write_number(end, value, base, conversion->kind == 'X');
    int size = (int)(end - start);
    int wanted = conversion->precision < 0 ? 1 : conversion->precision;
    if (base == 8 && conversion->alternate && wanted <= size)
        wanted = size + 1;
    int zeros = wanted > size ? wanted - size : 0;
    int blanks = format_begin_field(sink, conversion, prefix, zeros + size,
                                    conversion->zero && conversion->precision < 0);
    format_emit_repeated(sink, '0', zeros);
    format_emit(sink, start, (size_t)size);
    format_emit_repeated(sink, ' ', blanks);
}

static void print_text(struct format_sink* sink, const struct conversion* conversion,
                       const char* text, size_t size) {
    int blanks = format_begin_field(sink, conversion, "", (int)size, false);
    format_emit(sink, text, size);
    format_emit_repeated(sink, ' ', blanks);
}

/* Integers of all lengths are passed as 64 bits. These cut them to their own length. */
static int64_t signed_of_length(int64_t value, enum length length) {
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)value;
    case LENGTH_SHORT:
        return (short)value;
    case LENGTH_INT:
        return (int)value;
    default:
        return value;
    }
}

static uint64_t unsigned_of_length(uint64_t value, enum length length) {
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)value;
    case LENGTH_SHORT:
        return (unsigned short)value;
    case LENGTH_INT:
        return (unsigned)value;
    default:
        return value;
    }
}

static const char* parse_flags(const char* format, struct conversion* conversion) {
    for (;; format++) {
        switch (*format) {
        case '-':
            conversion->left = true;
            break;
        case '+':
            conversion->plus = true;
            break;
        case ' ':
            conversion->space = true;
            break;
        case '#':
            conversion->alternate = true;
            break;
        case '0':
            conversion->zero = true;
            break;
        default:
            return format;
        }
    }
}

static const char* parse_number(const char* format, int* number) {
    *number = 0;
    for (; *format >= '0' && *format <= '9'; format++)
        if (*number < 100000000)
            *number = *number * 10 + (*format - '0');
    return format;
}

static const char* parse_length(const char* format, enum length* length) {
    *length = LENGTH_INT;
    switch (*format) {
    case 'h':
        *length = format[1] == 'h' ? LENGTH_CHAR : LENGTH_SHORT;
        return format + (format[1] == 'h' ? 2 : 1);
    case 'l':
        *length = LENGTH_LONG;
        return format + (format[1] == 'l' ? 2 : 1);
    case 'j':
    case 'z':
    case 't':
        *length = LENGTH_LONG;
        return format + 1;
    case 'L':
        *length = LENGTH_LONG_DOUBLE;
        return format + 1;
    default:
        return format;
    }
}

static void print_string(struct format_sink* sink, const struct conversion* conversion,
                         const char* text) {
    if (!text)
        text = "(null)";
    size_t limit = conversion->precision < 0 ? SIZE_MAX : (size_t)conversion->precision;
    print_text(sink, conversion, text, strnlen(text, limit));
}

/* va_list is an array type, so it is passed inside a structure. */
struct argument_list {
    va_list list;
};

static void print_signed(struct format_sink* sink, const struct conversion* conversion,
                         int64_t value) {
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    print_integer(sink, conversion, magnitude, 10, format_sign_prefix(conversion, value < 0));
}

static void print_unsigned(struct format_sink* sink, const struct conversion* conversion,
                           uint64_t value) {
    unsigned base = conversion->kind == 'u' ? 10 : conversion->kind == 'o' ? 8 : 16;
    const char* prefix = "";
    if (base == 16 && conversion->alternate && value != 0)
        prefix = conversion->kind == 'X' ? "0X" : "0x";
    print_integer(sink, conversion, value, base, prefix);
}

/* False: an unknown conversion. */
static bool print_conversion(struct format_sink* sink, struct conversion* conversion,
                             struct argument_list* arguments) {
    bool is_long = conversion->length >= LENGTH_LONG;
    switch (conversion->kind) {
    case 'd':
    case 'i': {
        int64_t value = is_long ? va_arg(arguments->list, int64_t) : va_arg(arguments->list, int);
        print_signed(sink, conversion, signed_of_length(value, conversion->length));
        return true;
    }
    case 'u':
    case 'o':
    case 'x':
    case 'X': {
        uint64_t value =
            is_long ? va_arg(arguments->list, uint64_t) : va_arg(arguments->list, unsigned);
        print_unsigned(sink, conversion, unsigned_of_length(value, conversion->length));
        return true;
    }
    case 'p':
        conversion->alternate = true;
        print_integer(sink, conversion, (uintptr_t)va_arg(arguments->list, void*), 16, "0x");
        return true;
    case 'c': {
        char character = (char)va_arg(arguments->list, int);
        print_text(sink, conversion, &character, 1);
        return true;
    }
    case 's':
        print_string(sink, conversion, va_arg(arguments->list, const char*));
        return true;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        format_print_double(sink, conversion,
                            conversion->length == LENGTH_LONG_DOUBLE
                                ? (double)va_arg(arguments->list, long double)
                                : va_arg(arguments->list, double));
        return true;
    case '%':
        format_emit(sink, "%", 1);
        return true;
    default:
        return false;
    }
}

/* Parses width, precision and length. `format` points behind the percent sign. Returns a pointer to
 * the conversion's letter. */
static const char* parse_conversion(const char* format, struct conversion* conversion,
                                    struct argument_list* arguments) {
    *conversion = (struct conversion){.precision = -1};
    format = parse_flags(format, conversion);
    if (*format == '*') {
        conversion->width = va_arg(arguments->list, int);
        format++;
    } else {
        format = parse_number(format, &conversion->width);
    }
    if (conversion->width < 0) {
        conversion->left = true;
        conversion->width = -conversion->width;
    }
    if (*format == '.') {
        format++;
        if (*format == '*') {
            conversion->precision = va_arg(arguments->list, int);
            format++;
        } else {
            format = parse_number(format, &conversion->precision);
        }
    }
    format = parse_length(format, &conversion->length);
    conversion->kind = *format;
    return format;
}

void format_print(struct format_sink* sink, const char* format, va_list arguments) {
    struct argument_list copy;
    va_copy(copy.list, arguments);
    sink->written = 0;
    while (*format) {
        size_t plain = strcspn(format, "%");
        format_emit(sink, format, plain);
        format += plain;
        if (!*format)
            break;
        struct conversion conversion;
        const char* letter = parse_conversion(format + 1, &conversion, &copy);
        if (!print_conversion(sink, &conversion, &copy)) {
            format_emit(sink, format, (size_t)(letter - format));
            format = letter; /* unknown: the letter and what follows is plain text */
            if (!*format)
                break;
            format_emit(sink, format++, 1);
            continue;
        }
        format = letter + 1;
    }
    va_end(copy.list);
}
