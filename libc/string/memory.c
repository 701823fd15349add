/* Memory blocks: 16 bytes at a time, then the rest. */
#include <stdint.h>
#include <string.h>

/* Without this the compiler would replace these loops by calls of the very functions they are in.
 */
#ifndef __clang__ /* -ffreestanding is enough for clang */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef char chunk_t __attribute__((__vector_size__(16), __aligned__(1), __may_alias__));
#define CHUNK sizeof(chunk_t)

static void copy_forward(char* to, const char* from, size_t size) {
    for (; size >= 4 * CHUNK; to += 4 * CHUNK, from += 4 * CHUNK, size -= 4 * CHUNK) {
        chunk_t first = ((const chunk_t*)from)[0], second = ((const chunk_t*)from)[1];
        chunk_t third = ((const chunk_t*)from)[2], fourth = ((const chunk_t*)from)[3];
        ((chunk_t*)to)[0] = first;
        ((chunk_t*)to)[1] = second;
        ((chunk_t*)to)[2] = third;
        ((chunk_t*)to)[3] = fourth;
    }
    for (; size >= CHUNK; to += CHUNK, from += CHUNK, size -= CHUNK)
        *(chunk_t*)to = *(const chunk_t*)from;
    for (; size > 0; size--)
        *to++ = *from++;
}

static void copy_backward(char* to, const char* from, size_t size) {
    for (; size >= CHUNK; size -= CHUNK)
        *(chunk_t*)(to + size - CHUNK) = *(const chunk_t*)(from + size - CHUNK);
    for (; size > 0; size--)
        to[size - 1] = from[size - 1];
}

void* memcpy(void* restrict to, const void* restrict from, size_t size) {
    copy_forward(to, from, size);
    return to;
}

/* Copying forward is right unless the target begins inside the source. Each block of four chunks is
 * read before it is written, so overlaps that are closer than a block are right too. */
void* memmove(void* to, const void* from, size_t size) {
    if ((uintptr_t)to - (uintptr_t)from >= size)
        copy_forward(to, from, size);
    else
        copy_backward(to, from, size);
    return to;
}

void* memset(void* to, int value, size_t size) {
    char* at = to;
    chunk_t pattern = (chunk_t){0} + (char)value;
    for (; size >= 4 * CHUNK; at += 4 * CHUNK, size -= 4 * CHUNK)
        ((chunk_t*)at)[0] = ((chunk_t*)at)[1] = ((chunk_t*)at)[2] = ((chunk_t*)at)[3] = pattern;
    for (; size >= CHUNK; at += CHUNK, size -= CHUNK)
        *(chunk_t*)at = pattern;
    for (; size > 0; size--)
        *at++ = (char)value;
    return to;
}

int memcmp(const void* left, const void* right, size_t size) {
    const unsigned char *a = left, *b = right;
    for (; size >= sizeof(uint64_t); a += sizeof(uint64_t), b += sizeof(uint64_t)) {
        uint64_t first, second;
        __builtin_memcpy(&first, a, sizeof(first));
        __builtin_memcpy(&second, b, sizeof(second));
        if (first != second)
            break;
        size -= sizeof(uint64_t);
    }
    for (; size > 0; a++, b++, size--)
        if (*a != *b)
            return *a - *b;
    return 0;
}

void* memchr(const void* memory, int value, size_t size) {
    for (const unsigned char* at = memory; size > 0; at++, size--)
        if (*at == (unsigned char)value)
            return (void*)at;
    return NULL;
}
