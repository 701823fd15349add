/* Memory, ending the program, numbers, sorting. */
#pragma once

#include <stddef.h>
#include <zircon/compiler.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 0x7fffffff

typedef struct {
    int quot, rem;
} div_t;
typedef struct {
    long quot, rem;
} ldiv_t;
typedef struct {
    long long quot, rem;
} lldiv_t;

void* malloc(size_t size) __attribute__((__malloc__, __alloc_size__(1)));
void* calloc(size_t count, size_t size) __attribute__((__malloc__, __alloc_size__(1, 2)));
void* realloc(void* memory, size_t size) __attribute__((__alloc_size__(2)));
void* aligned_alloc(size_t alignment, size_t size) __attribute__((__malloc__, __alloc_size__(2)));
int posix_memalign(void** memory, size_t alignment, size_t size);
void free(void* memory);

/* exit runs what atexit registered (32 functions at least), flushes stdout and ends the process. */
__NO_RETURN void exit(int status);
__NO_RETURN void _Exit(int status);
__NO_RETURN void abort(void);
int atexit(void (*function)(void));
char* getenv(const char* name); /* always NULL: there is no environment */

int atoi(const char* text);
long atol(const char* text);
long long atoll(const char* text);
long strtol(const char* restrict text, char** restrict end, int base);
unsigned long strtoul(const char* restrict text, char** restrict end, int base);
long long strtoll(const char* restrict text, char** restrict end, int base);
unsigned long long strtoull(const char* restrict text, char** restrict end, int base);

int abs(int value);
long labs(long value);
long long llabs(long long value);
div_t div(int dividend, int divisor);
ldiv_t ldiv(long dividend, long divisor);
lldiv_t lldiv(long long dividend, long long divisor);

int rand(void);
void srand(unsigned int seed);

void qsort(void* elements, size_t count, size_t size, int (*compare)(const void*, const void*));
void* bsearch(const void* key, const void* elements, size_t count, size_t size,
              int (*compare)(const void*, const void*));
