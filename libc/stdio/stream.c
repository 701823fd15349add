/* stdout and stderr: small buffers in front of the kernel's console. A stream's lock guards its
 * buffer. It is held for a whole call, so the text of one call stays together. */
#include <internal/format.h>
#include <internal/lock.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zircon/syscalls.h>

struct stdio_stream {
    atomic_int lock;
    bool is_line_buffered; /* false: it is flushed at the end of each call */
    size_t used;
    char buffer[BUFSIZ];
};

static FILE output = {.is_line_buffered = true};
static FILE error_output = {.is_line_buffered = false};
FILE* const stdout = &output;
FILE* const stderr = &error_output;

static void flush_locked(FILE* stream) {
    if (stream->used > 0)
        zx_debug_write(stream->buffer, stream->used);
    stream->used = 0;
}

static void write_locked(FILE* stream, const char* text, size_t size) {
    while (size > 0) {
        size_t part = sizeof(stream->buffer) - stream->used;
        if (part > size)
            part = size;
        memcpy(stream->buffer + stream->used, text, part);
        stream->used += part;
        text += part;
        size -= part;
        if (stream->used == sizeof(stream->buffer))
            flush_locked(stream);
    }
}

static void begin_output(FILE* stream) {
    lock_acquire(&stream->lock);
}

/* Writes whole lines, or everything if the stream is not line buffered. */
static void end_output(FILE* stream) {
    if (!stream->is_line_buffered) {
        flush_locked(stream);
    } else {
        size_t lines = stream->used;
        while (lines > 0 && stream->buffer[lines - 1] != '\n')
            lines--;
        if (lines > 0) {
            zx_debug_write(stream->buffer, lines);
            memmove(stream->buffer, stream->buffer + lines, stream->used - lines);
            stream->used -= lines;
        }
    }
    lock_release(&stream->lock);
}

static void write_whole(FILE* stream, const char* text, size_t size) {
    begin_output(stream);
    write_locked(stream, text, size);
    end_output(stream);
}

struct stream_sink {
    struct format_sink sink;
    FILE* stream;
};

static void stream_write(struct format_sink* sink, const char* text, size_t size) {
    write_locked(((struct stream_sink*)sink)->stream, text, size);
}

int vfprintf(FILE* restrict stream, const char* restrict format, va_list arguments) {
    struct stream_sink target = {{stream_write, 0}, stream};
    begin_output(stream);
    format_print(&target.sink, format, arguments);
    end_output(stream);
    return target.sink.written > INT_MAX ? -1 : (int)target.sink.written;
}

int fprintf(FILE* restrict stream, const char* restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vfprintf(stream, format, arguments);
    va_end(arguments);
    return length;
}

int vprintf(const char* restrict format, va_list arguments) {
    return vfprintf(stdout, format, arguments);
}

int printf(const char* restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vprintf(format, arguments);
    va_end(arguments);
    return length;
}

size_t fwrite(const void* restrict data, size_t size, size_t count, FILE* restrict stream) {
    write_whole(stream, data, size * count);
    return size == 0 ? 0 : count;
}

int fputs(const char* restrict text, FILE* restrict stream) {
    write_whole(stream, text, strlen(text));
    return 0;
}

int puts(const char* text) {
    begin_output(stdout);
    write_locked(stdout, text, strlen(text));
    write_locked(stdout, "\n", 1);
    end_output(stdout);
    return 0;
}

int fputc(int character, FILE* stream) {
    char byte = (char)character;
    write_whole(stream, &byte, 1);
    return (unsigned char)character;
}

int putc(int character, FILE* stream) {
    return fputc(character, stream);
}

int putchar(int character) {
    return fputc(character, stdout);
}

int fflush(FILE* stream) {
    if (!stream) {
        fflush(stderr);
        stream = stdout;
    }
    begin_output(stream);
    flush_locked(stream);
    lock_release(&stream->lock);
    return 0;
}

ssize_t write(int descriptor, const void* data, size_t size) {
    if (descriptor != STDOUT_FILENO && descriptor != STDERR_FILENO) {
        errno = EBADF;
        return -1;
    }
    fflush(stdout);
    if (zx_debug_write(data, size) != ZX_OK) {
        errno = EFAULT;
        return -1;
    }
    return (ssize_t)size;
}
