/* Strings. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Without this the compiler would replace some of these loops by calls of the very functions they
 * are in. */
#ifndef __clang__ /* -ffreestanding is enough for clang */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

size_t strlen(const char* text) {
    const char* end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

size_t strnlen(const char* text, size_t limit) {
    size_t length = 0;
    while (length < limit && text[length])
        length++;
    return length;
}

char* strcpy(char* restrict to, const char* restrict from) {
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char* strncpy(char* restrict to, const char* restrict from, size_t size) {
    size_t length = strnlen(from, size);
    memcpy(to, from, length);
    memset(to + length, 0, size - length);
    return to;
}

char* strcat(char* restrict to, const char* restrict from) {
    strcpy(to + strlen(to), from);
    return to;
}

char* strncat(char* restrict to, const char* restrict from, size_t limit) {
    size_t length = strnlen(from, limit);
    char* end = to + strlen(to);
    memcpy(end, from, length);
    end[length] = '\0';
    return to;
}

size_t strlcpy(char* restrict to, const char* restrict from, size_t size) {
    size_t length = strlen(from);
    if (size > 0) {
        size_t kept = length < size ? length : size - 1;
        memcpy(to, from, kept);
        to[kept] = '\0';
    }
    return length;
}

size_t strlcat(char* restrict to, const char* restrict from, size_t size) {
    size_t used = strnlen(to, size);
    return used + strlcpy(to + used, from, size - used);
}

int strcmp(const char* left, const char* right) {
    return strncmp(left, right, SIZE_MAX);
}

int strncmp(const char* left, const char* right, size_t limit) {
    for (; limit > 0; left++, right++, limit--) {
        if (*left != *right)
            return (unsigned char)*left - (unsigned char)*right;
        if (!*left)
            break;
    }
    return 0;
}

char* strchr(const char* text, int character) {
    for (;; text++) {
        if (*text == (char)character)
            return (char*)text;
        if (!*text)
            return NULL;
    }
}

char* strrchr(const char* text, int character) {
    const char* found = NULL;
    for (;; text++) {
        if (*text == (char)character)
            found = text;
        if (!*text)
            return (char*)found;
    }
}

char* strstr(const char* text, const char* wanted) {
    size_t length = strlen(wanted);
    for (;; text++) {
        if (strncmp(text, wanted, length) == 0)
            return (char*)text;
        if (!*text)
            return NULL;
    }
}

size_t strspn(const char* text, const char* accepted) {
    size_t length = 0;
    while (text[length] && strchr(accepted, text[length]))
        length++;
    return length;
}

size_t strcspn(const char* text, const char* rejected) {
    size_t length = 0;
    while (text[length] && !strchr(rejected, text[length]))
        length++;
    return length;
}

char* strpbrk(const char* text, const char* accepted) {
    text += strcspn(text, accepted);
    return *text ? (char*)text : NULL;
}

char* strtok_r(char* restrict text, const char* restrict separators, char** restrict rest) {
    char* start = text ? text : *rest;
    start += strspn(start, separators);
    char* end = start + strcspn(start, separators);
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return end == start ? NULL : start;
}

char* strtok(char* restrict text, const char* restrict separators) {
    static char* rest;
    return strtok_r(text, separators, &rest);
}

char* strdup(const char* text) {
    return strndup(text, SIZE_MAX);
}

char* strndup(const char* text, size_t limit) {
    size_t length = strnlen(text, limit);
    char* copy = malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}
