/* The command line: words "name=value" separated by spaces. Pure. */
#include <boot/boot_info.h>

#include <lib/string.h>

const char* boot_option(const struct boot_info* info, const char* name, size_t* length) {
    size_t name_length = strlen(name);
    for (const char* word = info->command_line; *word;) {
        const char* end = word;
        while (*end && *end != ' ')
            end++;
        if (strncmp(word, name, name_length) == 0 && word[name_length] == '=') {
            *length = (size_t)(end - word) - name_length - 1;
            return word + name_length + 1;
        }
        word = *end ? end + 1 : end;
    }
    return NULL;
}

bool boot_option_is(const struct boot_info* info, const char* name, const char* value) {
    size_t length;
    const char* found = boot_option(info, name, &length);
    return found && length == strlen(value) && strncmp(found, value, length) == 0;
}

uint64_t boot_option_number(const struct boot_info* info, const char* name, uint64_t fallback) {
    size_t length;
    const char* text = boot_option(info, name, &length);
    if (!text || length == 0)
        return fallback;
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
            return fallback;
    }
    return number;
}
