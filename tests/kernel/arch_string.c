#include <stdbool.h>
#include <stdint.h>

#include <lib/string.h>

#include "selftest.h"

#define ROOM 512u
#define LONGEST 300u

static uint8_t from[ROOM], to[ROOM], expected[ROOM];

static void fill(void) {
    for (unsigned i = 0; i < ROOM; i++) {
        from[i] = (uint8_t)(i * 7 + 1);
        to[i] = expected[i] = 0xee;
    }
}

static bool is_as_expected(void) {
    for (unsigned i = 0; i < ROOM; i++)
        if (to[i] != expected[i])
            return false;
    return true;
}

SELFTEST(string, memcpy_copies_every_size_and_nothing_beside) {
    for (unsigned size = 0; size <= LONGEST; size++) {
        for (unsigned offset = 0; offset < 9; offset++) {
            fill();
            for (unsigned i = 0; i < size; i++)
                expected[16 + offset + i] = from[offset / 2 + i];
            EXPECT(memcpy(to + 16 + offset, from + offset / 2, size) == to + 16 + offset);
            EXPECT(is_as_expected());
        }
    }
}

SELFTEST(string, memmove_copies_over_itself_both_ways) {
    for (unsigned size = 0; size <= LONGEST; size++) {
        for (unsigned distance = 0; distance < 20; distance++) {
            for (unsigned is_up = 0; is_up < 2; is_up++) {
                fill();
                memcpy(to, from, ROOM);
                uint8_t* source = to + 32 + (is_up ? 0 : distance);
                uint8_t* target = to + 32 + (is_up ? distance : 0);
                for (unsigned i = 0; i < ROOM; i++)
                    expected[i] = to[i];
                for (unsigned i = 0; i < size; i++)
                    expected[target - to + i] = from[source - to + i];
                EXPECT(memmove(target, source, size) == target);
                EXPECT(is_as_expected());
            }
        }
    }
}

SELFTEST(string, memset_fills_every_size_and_nothing_beside) {
    for (unsigned size = 0; size <= LONGEST; size++) {
        for (unsigned offset = 0; offset < 9; offset++) {
            fill();
            for (unsigned i = 0; i < size; i++)
                expected[16 + offset + i] = 0xa5;
            EXPECT(memset(to + 16 + offset, 0xa5, size) == to + 16 + offset);
            EXPECT(is_as_expected());
        }
    }
}
