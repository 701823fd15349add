#include <lib/string.h>

int memcmp(const void* a, const void* b, size_t size) {
    const unsigned char* left = a;
    const unsigned char* right = b;
    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i])
            return left[i] - right[i];
    return 0;
}

size_t strlen(const char* text) {
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

size_t strnlen(const char* text, size_t limit) {
    size_t length = 0;
    while (length < limit && text[length])
        length++;
    return length;
}

int strncmp(const char* a, const char* b, size_t limit) {
    for (size_t i = 0; i < limit; i++)
        if (a[i] != b[i] || !a[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
    return 0;
}

int strcmp(const char* a, const char* b) {
    return strncmp(a, b, (size_t)-1);
}

char* strchr(const char* text, int character) {
    for (;; text++) {
        if (*text == (char)character)
            return (char*)text;
        if (!*text)
            return NULL;
    }
}

size_t strlcpy(char* to, const char* from, size_t room) {
    size_t length = strlen(from);
    if (room > 0) {
        size_t copied = length < room ? length : room - 1;
        memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}
