/* printf into buffers. */
#include <internal/format.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct buffer_sink {
    struct format_sink sink;
    char* buffer;
    size_t size; /* room that is left, with the terminating zero */
};

static void buffer_write(struct format_sink* sink, const char* text, size_t size) {
    struct buffer_sink* target = (struct buffer_sink*)sink;
    size_t kept = target->size > size ? size : target->size > 0 ? target->size - 1 : 0;
    memcpy(target->buffer, text, kept);
    target->buffer += kept;
    target->size -= kept;
}

int vsnprintf(char* restrict buffer, size_t size, const char* restrict format, va_list arguments) {
    struct buffer_sink target = {{buffer_write, 0}, buffer, size};
    format_print(&target.sink, format, arguments);
    if (size > 0)
        *target.buffer = '\0';
    return target.sink.written > INT_MAX ? -1 : (int)target.sink.written;
}

int snprintf(char* restrict buffer, size_t size, const char* restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

int vsprintf(char* restrict buffer, const char* restrict format, va_list arguments) {
    return vsnprintf(buffer, PTRDIFF_MAX, format, arguments);
}

int sprintf(char* restrict buffer, const char* restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsprintf(buffer, format, arguments);
    va_end(arguments);
    return length;
}
