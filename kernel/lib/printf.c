#include <lib/printf.h>

#include <stdbool.h>
#include <stdint.h>

#include <lib/string.h>

/* The flags, each the number of its bit. */
#define FLAGS "-0+ #"
enum {
    FLAG_LEFT = 1 << 0,
    FLAG_ZERO_PADDED = 1 << 1,
    FLAG_SIGN = 1 << 2,
    FLAG_SPACE = 1 << 3,
    FLAG_ALTERNATE = 1 << 4,
};

/* One conversion: everything between % and its letter. */
struct conversion {
    unsigned flags;
    bool has_precision;
    int width, precision;
    unsigned bits; /* the size of a number */
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

/* Writes prefix, zeros and text, padded to the width. */
static void emit_padded(struct output* output, const struct conversion* c, const char* prefix,
                        int zeros, const char* text, int length) {
    int prefix_length = (int)strlen(prefix);
    int padding = c->width - prefix_length - zeros - length;
    if (!(c->flags & FLAG_LEFT))
        pad(output, ' ', padding);
    emit(output, prefix, (size_t)prefix_length);
    pad(output, '0', zeros);
    emit(output, text, (size_t)length);
    if (c->flags & FLAG_LEFT)
        pad(output, ' ', padding);
}

static void print_number(struct output* output, const struct conversion* c, char letter,
                         const char* prefix, uint64_t value) {
    const char* alphabet = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = strchr("xXp", letter) ? 16 : 10;
    char digits[24];
    int at = sizeof(digits);
    if (value != 0 || !c->has_precision || c->precision != 0) {
        do {
            digits[--at] = alphabet[value % base];
            value /= base;
        } while (value);
    }
    int count = (int)sizeof(digits) - at, zeros = 0;
    if (c->has_precision)
        zeros = c->precision - count;
    else if ((c->flags & (FLAG_ZERO_PADDED | FLAG_LEFT)) == FLAG_ZERO_PADDED)
        zeros = c->width - (int)strlen(prefix) - count;
    emit_padded(output, c, prefix, MAX(zeros, 0), digits + at, count);
}

static void print_signed(struct output* output, const struct conversion* c, int64_t value) {
    const char* prefix = value < 0               ? "-"
                         : c->flags & FLAG_SIGN  ? "+"
                         : c->flags & FLAG_SPACE ? " "
                                                 : "";
    print_number(output, c, 'd', prefix, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void print_string(struct output* output, const struct conversion* c, const char* text) {
    if (!text)
        text = "(null)";
    size_t length = c->has_precision ? strnlen(text, (size_t)c->precision) : strlen(text);
    emit_padded(output, c, "", 0, text, (int)length);
}

/* Digits, or * for an argument. */
static int parse_number(const char** format, va_list* arguments) {
    int value = 0;
    if (**format == '*') {
        (*format)++;
        return va_arg(*arguments, int);
    }
    for (; **format >= '0' && **format <= '9'; (*format)++)
        value = value * 10 + (**format - '0');
    return value;
}

static void parse_width_and_precision(const char** format, struct conversion* c,
                                      va_list* arguments) {
    c->width = parse_number(format, arguments);
    if (c->width < 0) {
        c->flags |= FLAG_LEFT;
        c->width = -c->width;
    }
    if (**format != '.')
        return;
    (*format)++;
    c->precision = parse_number(format, arguments);
    c->has_precision = c->precision >= 0;
}

static void parse_size(const char** format, struct conversion* c) {
    c->bits = 32;
    for (; **format && strchr("hlztj", **format); (*format)++)
        c->bits = **format != 'h' ? 64 : c->bits == 16 ? 8 : 16;
}

/* Returns the argument, shifted to the upper end. A shift back then extends it to 64 bits. */
static uint64_t number_argument(const struct conversion* c, va_list* arguments) {
    uint64_t value = c->bits == 64 ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
    return value << (64 - c->bits);
}

static void convert(struct output* output, char letter, const struct conversion* c,
                    va_list* arguments) {
    char character;
    const char* prefix = "";
    switch (letter) {
    case 'd':
    case 'i':
        print_signed(output, c, (int64_t)number_argument(c, arguments) >> (64 - c->bits));
        break;
    case 'u':
    case 'x':
    case 'X':
        if (letter != 'u' && c->flags & FLAG_ALTERNATE)
            prefix = letter == 'x' ? "0x" : "0X";
        print_number(output, c, letter, prefix, number_argument(c, arguments) >> (64 - c->bits));
        break;
    case 'p':
        print_number(output, c, 'p', "0x", (uint64_t)va_arg(*arguments, void*));
        break;
    case 's':
        print_string(output, c, va_arg(*arguments, const char*));
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        emit_padded(output, c, "", 0, &character, 1);
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
        for (const char* flag; *format && (flag = strchr(FLAGS, *format)); format++)
            c.flags |= 1u << (flag - FLAGS);
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
