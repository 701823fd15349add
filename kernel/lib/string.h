/* Memory and string functions of the kernel. memcpy, memmove and memset are arch's (string.S). */
#pragma once

#include <stddef.h>

void* memcpy(void* restrict to, const void* restrict from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* a, const void* b, size_t size);

size_t strlen(const char* text);
size_t strnlen(const char* text, size_t limit);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t limit);
char* strchr(const char* text, int character);
/* Copies at most room - 1 characters, and always ends with a zero (unless room is 0). Returns the
 * length of `from`. */
size_t strlcpy(char* to, const char* from, size_t room);
