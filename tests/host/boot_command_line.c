/* The command line's words, against a slow and simple reading of them.
 * Sources: kernel/boot/command_line.c kernel/lib/string.c */
#include <stdio.h>
#include <string.h>

#include <boot/boot_info.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"

static struct boot_info info;

static void set(const char* text) {
    memset(&info, 0x55, sizeof(info));
    snprintf(info.command_line, sizeof(info.command_line), "%s", text);
}

static bool is_value(const char* name, const char* expected) {
    size_t length = 99;
    const char* value = boot_option(&info, name, &length);
    if (!expected || !value)
        return !expected && !value;
    return length == strlen(expected) && memcmp(value, expected, length) == 0;
}

SELFTEST(command_line, words_have_values) {
    set("jacinth.log=debug  jacinth.cpus=12 quiet jacinth.run=bin/x,a=b jacinth.empty= last=1");
    EXPECT(is_value("jacinth.log", "debug"));
    EXPECT(is_value("jacinth.cpus", "12"));
    EXPECT(is_value("jacinth.run", "bin/x,a=b"));
    EXPECT(is_value("jacinth.empty", ""));
    EXPECT(is_value("last", "1"));
    EXPECT(is_value("quiet", NULL));
    EXPECT(is_value("jacinth.lo", NULL));
    EXPECT(is_value("jacinth.logs", NULL));
    EXPECT(is_value("cpus", NULL));
    EXPECT(boot_option_is(&info, "jacinth.log", "debug"));
    EXPECT(!boot_option_is(&info, "jacinth.log", "debu"));
    EXPECT(!boot_option_is(&info, "jacinth.log", "debugs"));
    set("");
    EXPECT(is_value("x", NULL));
    set("   ");
    EXPECT(is_value("x", NULL));
}

SELFTEST(command_line, the_first_of_two_counts) {
    set("a=1 b=2 a=3");
    EXPECT(is_value("a", "1"));
}

SELFTEST(command_line, numbers_are_whole_or_the_fallback) {
    set("n=42 zero=0 none= word=4x hex=0x10 negative=-1 large=18446744073709551615 "
        "more=18446744073709551616");
    EXPECT_EQUAL(boot_option_number(&info, "n", 7), 42);
    EXPECT_EQUAL(boot_option_number(&info, "zero", 7), 0);
    EXPECT_EQUAL(boot_option_number(&info, "none", 7), 7);
    EXPECT_EQUAL(boot_option_number(&info, "word", 7), 7);
    EXPECT_EQUAL(boot_option_number(&info, "hex", 7), 7);
    EXPECT_EQUAL(boot_option_number(&info, "negative", 7), 7);
    EXPECT_EQUAL(boot_option_number(&info, "absent", 7), 7);
    EXPECT_EQUAL(boot_option_number(&info, "large", 7), UINT64_MAX);
    EXPECT_EQUAL(boot_option_number(&info, "more", 7), 7);
}

/* Splits a copy at its blanks. */
static bool oracle(const char* name, char* value) {
    static char copy[BOOT_COMMAND_LINE_SIZE];
    strcpy(copy, info.command_line);
    for (char* word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        char* equals = strchr(word, '=');
        if (!equals || (size_t)(equals - word) != strlen(name) ||
            memcmp(word, name, strlen(name)) != 0)
            continue;
        strcpy(value, equals + 1);
        return true;
    }
    return false;
}

SELFTEST(command_line, any_text_is_read_as_words) {
    static const char* const names[] = {"a", "b", "ab", "ba", "aa"};
    uint32_t random = 21;
    for (unsigned i = 0; i < 100000; i++) {
        char text[41], value[BOOT_COMMAND_LINE_SIZE];
        size_t length = random_next(&random) % 40;
        for (size_t j = 0; j < length; j++)
            text[j] = "ab= "[random_next(&random) % 4];
        text[length] = 0;
        set(text);
        const char* name = names[random_next(&random) % ARRAY_LENGTH(names)];
        bool is_there = oracle(name, value);
        if (!is_value(name, is_there ? value : NULL))
            selftest_fail(__FILE__, __LINE__, "'%s' in '%s'", name, text);
        EXPECT(!selftest_has_failed());
    }
}
