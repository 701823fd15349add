/* Formatted output. stdout and stderr go to the kernel's console. stdout is written line by line,
 * stderr at the end of each call. There are no files. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <zircon/compiler.h>

#define EOF (-1)
#define BUFSIZ 256

typedef struct stdio_stream FILE;

extern FILE* const stdout;
extern FILE* const stderr;
#define stdout stdout
#define stderr stderr

int printf(const char* restrict format, ...) __PRINTFLIKE(1, 2);
int fprintf(FILE* restrict stream, const char* restrict format, ...) __PRINTFLIKE(2, 3);
int snprintf(char* restrict buffer, size_t size, const char* restrict format, ...)
    __PRINTFLIKE(3, 4);
int sprintf(char* restrict buffer, const char* restrict format, ...) __PRINTFLIKE(2, 3);
int vprintf(const char* restrict format, va_list arguments) __PRINTFLIKE(1, 0);
int vfprintf(FILE* restrict stream, const char* restrict format, va_list arguments)
    __PRINTFLIKE(2, 0);
int vsnprintf(char* restrict buffer, size_t size, const char* restrict format, va_list arguments)
    __PRINTFLIKE(3, 0);
int vsprintf(char* restrict buffer, const char* restrict format, va_list arguments)
    __PRINTFLIKE(2, 0);

int puts(const char* text);
int putchar(int character);
int fputs(const char* restrict text, FILE* restrict stream);
int fputc(int character, FILE* stream);
int putc(int character, FILE* stream);
size_t fwrite(const void* restrict data, size_t size, size_t count, FILE* restrict stream);
int fflush(FILE* stream); /* NULL: all streams */
void perror(const char* text);
