#include <lib/printf.h>

#include <stdbool.h>
#include <stdint.h>

#include <lib/string.h>

/* One conversion: everything between % and its letter. */
struct conversion {
    bool is_left, is_zero_padded, is_signed_always, is_alternate, has_space;
    bool has_precision;
    int width, precision;
    enum { SIZE_CHAR, SIZE_SHORT, SIZE_INT, SIZE_LONG } size;
};

struct output {
    format_sink_t sink;
    void* context;
    size_t length;
};

static void emit(struct output* output, const char* text, size_t size) {
    if (size > 0)
        output->sink(output->context, text, size);
    output->length += size;
}

static void pad(struct output* output, char with, int count) {
    for (; count > 0; count--)
        emit(output, &with, 1);
}

/* Writes prefix, zeros and digits, padded to the width. */
static void emit_number(struct output* output, const struct conversion* c, const char* prefix,
                        const char* digits, int digit_count) {
    int prefix_length = (int)strlen(prefix);
    int zeros = c->has_precision ? c->precision - digit_count : 0;
    if (!c->has_precision && c->is_zero_padded && !c->is_left)
        zeros = c->width - prefix_length - digit_count;
    zeros = MAX(zeros, 0);
    int padding = c->width - prefix_length - zeros - digit_count;
    if (!c->is_left)
        pad(output, ' ', padding);
    emit(output, prefix, (size_t)prefix_length);
    pad(output, '0', zeros);
    emit(output, digits, (size_t)digit_count);
    if (c->is_left)
        pad(output, ' ', padding);
}

static void print_unsigned(struct output* output, const struct conversion* c, uint64_t value,
                           unsigned base, bool is_upper, const char* prefix) {
    const char* alphabet = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[24];
    int at = sizeof(digits);
    bool is_empty = c->has_precision && c->precision == 0 && value == 0;
    if (!is_empty) {
        do {
            digits[--at] = alphabet[value % base];
            value /= base;
        } while (value);
    }
    emit_number(output, c, prefix, digits + at, (int)sizeof(digits) - at);
}

static void print_signed(struct output* output, const struct conversion* c, int64_t value) {
    const char* prefix = c->is_signed_always ? "+" : c->has_space ? " " : "";
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        prefix = "-";
        magnitude = -magnitude;
    }
    print_unsigned(output, c, magnitude, 10, false, prefix);
}

static void print_string(struct output* output, const struct conversion* c, const char* text) {
    if (!text)
        text = "(null)";
    size_t length = c->has_precision ? strnlen(text, (size_t)c->precision) : strlen(text);
    int padding = c->width - (int)length;
    if (!c->is_left)
        pad(output, ' ', padding);
    emit(output, text, length);
    if (c->is_left)
        pad(output, ' ', padding);
}

static int parse_number(const char** format) {
    int value = 0;
    for (; **format >= '0' && **format <= '9'; (*format)++)
        value = value * 10 + (**format - '0');
    return value;
}

static bool parse_flag(char letter, struct conversion* c) {
    switch (letter) {
    case '-':
        return c->is_left = true;
    case '0':
        return c->is_zero_padded = true;
    case '+':
        return c->is_signed_always = true;
    case ' ':
        return c->has_space = true;
    case '#':
        return c->is_alternate = true;
    default:
        return false;
    }
}

static void parse_size(const char** format, struct conversion* c) {
    c->size = SIZE_INT;
    for (;; (*format)++) {
        switch (**format) {
        case 'h':
            c->size = c->size == SIZE_SHORT ? SIZE_CHAR : SIZE_SHORT;
            break;
        case 'l':
        case 'z':
        case 't':
        case 'j':
            c->size = SIZE_LONG;
            break;
        default:
            return;
        }
    }
}

static int64_t signed_argument(const struct conversion* c, va_list* arguments) {
    if (c->size == SIZE_LONG)
        return va_arg(*arguments, int64_t);
    int value = va_arg(*arguments, int);
    return c->size == SIZE_CHAR ? (signed char)value : c->size == SIZE_SHORT ? (short)value : value;
}

static uint64_t unsigned_argument(const struct conversion* c, va_list* arguments) {
    if (c->size == SIZE_LONG)
        return va_arg(*arguments, uint64_t);
    unsigned value = va_arg(*arguments, unsigned);
    return c->size == SIZE_CHAR    ? (unsigned char)value
           : c->size == SIZE_SHORT ? (unsigned short)value
                                   : value;
}

static void parse_width_and_precision(const char** format, struct conversion* c,
                                      va_list* arguments) {
    if (**format == '*') {
        (*format)++;
        c->width = va_arg(*arguments, int);
        if (c->width < 0) {
            c->is_left = true;
            c->width = -c->width;
        }
    } else {
        c->width = parse_number(format);
    }
    if (**format != '.')
        return;
    (*format)++;
    c->has_precision = true;
    if (**format == '*') {
        (*format)++;
        c->precision = va_arg(*arguments, int);
        c->has_precision = c->precision >= 0;
    } else {
        c->precision = parse_number(format);
    }
}

static void convert(struct output* output, char letter, const struct conversion* c,
                    va_list* arguments) {
    char character;
    switch (letter) {
    case 'd':
    case 'i':
        print_signed(output, c, signed_argument(c, arguments));
        break;
    case 'u':
        print_unsigned(output, c, unsigned_argument(c, arguments), 10, false, "");
        break;
    case 'x':
        print_unsigned(output, c, unsigned_argument(c, arguments), 16, false,
                       c->is_alternate ? "0x" : "");
        break;
    case 'X':
        print_unsigned(output, c, unsigned_argument(c, arguments), 16, true,
                       c->is_alternate ? "0X" : "");
        break;
    case 'p':
        print_unsigned(output, c, (uint64_t)va_arg(*arguments, void*), 16, false, "0x");
        break;
    case 's':
        print_string(output, c, va_arg(*arguments, const char*));
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        pad(output, ' ', c->is_left ? 0 : c->width - 1);
        emit(output, &character, 1);
        pad(output, ' ', c->is_left ? c->width - 1 : 0);
        break;
    default: /* %%, and unknown letters: printed as they stand */
        emit(output, &letter, 1);
    }
}

size_t format_vprint(format_sink_t sink, void* context, const char* format, va_list arguments) {
    struct output output = {sink, context, 0};
    va_list rest;
    va_copy(rest, arguments);
    while (*format) {
        const char* text = format;
        while (*format && *format != '%')
            format++;
        emit(&output, text, (size_t)(format - text));
        if (!*format)
            break;
        format++;
        struct conversion c = {0};
        while (parse_flag(*format, &c))
            format++;
        parse_width_and_precision(&format, &c, &rest);
        parse_size(&format, &c);
        if (!*format)
            break;
        convert(&output, *format++, &c, &rest);
    }
    va_end(rest);
    return output.length;
}

struct buffer {
    char* next;
    size_t room; /* without the final zero */
};

static void buffer_sink(void* context, const char* text, size_t size) {
    struct buffer* buffer = context;
    if (buffer->room == 0)
        return; /* there may be no buffer at all */
    size_t copied = MIN(size, buffer->room);
    memcpy(buffer->next, text, copied);
    buffer->next += copied;
    buffer->room -= copied;
}

size_t vsnprintf(char* to, size_t room, const char* format, va_list arguments) {
    struct buffer buffer = {to, room > 0 ? room - 1 : 0};
    size_t length = format_vprint(buffer_sink, &buffer, format, arguments);
    if (room > 0)
        *buffer.next = 0;
    return length;
}

size_t snprintf(char* to, size_t room, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = vsnprintf(to, room, format, arguments);
    va_end(arguments);
    return length;
}
