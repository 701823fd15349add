/* Memory and strings. */
#pragma once

#include <stddef.h>

void* memcpy(void* restrict to, const void* restrict from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* left, const void* right, size_t size);
void* memchr(const void* memory, int value, size_t size);

size_t strlen(const char* text);
size_t strnlen(const char* text, size_t limit);
char* strcpy(char* restrict to, const char* restrict from);
char* strncpy(char* restrict to, const char* restrict from, size_t size);
char* strcat(char* restrict to, const char* restrict from);
char* strncat(char* restrict to, const char* restrict from, size_t limit);
/* Copy or append into a buffer of `size` bytes, which is always terminated. Return the length that
 * would have been needed. */
size_t strlcpy(char* restrict to, const char* restrict from, size_t size);
size_t strlcat(char* restrict to, const char* restrict from, size_t size);

int strcmp(const char* left, const char* right);
int strncmp(const char* left, const char* right, size_t limit);
char* strchr(const char* text, int character);
char* strrchr(const char* text, int character);
char* strstr(const char* text, const char* wanted);
size_t strspn(const char* text, const char* accepted);
size_t strcspn(const char* text, const char* rejected);
char* strpbrk(const char* text, const char* accepted);
char* strtok(char* restrict text, const char* restrict separators);
char* strtok_r(char* restrict text, const char* restrict separators, char** restrict rest);

char* strdup(const char* text);
char* strndup(const char* text, size_t limit);
char* strerror(int number);
