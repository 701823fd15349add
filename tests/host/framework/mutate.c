#include "mutate.h"

#include <stdlib.h>
#include <string.h>

#include "../../kernel/random.h"

#define CHANGES_MAX 6u

uint8_t* truncate_to(const void* data, size_t size) {
    uint8_t* copy = malloc(size + !size);
    if (!copy)
        abort();
    return memcpy(copy, data, size);
}

/* Edges of numbers are more telling than any value. */
static uint8_t new_value(uint8_t old, uint32_t* random) {
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
    switch (random_next(random) % 3) {
    case 0:
        return edges[random_next(random) % sizeof(edges)];
    case 1:
        return (uint8_t)(old ^ 1u << random_next(random) % 8);
    default:
        return (uint8_t)random_next(random);
    }
}

uint8_t* mutate(const void* data, size_t size, uint32_t* random, size_t* new_size) {
    *new_size = random_next(random) % 4 == 0 ? random_next(random) % (size + 1) : size;
    uint8_t* copy = truncate_to(data, *new_size);
    if (*new_size == 0)
        return copy;
    for (unsigned i = random_next(random) % CHANGES_MAX; i > 0; i--) {
        size_t at = random_next(random) % *new_size;
        /* Now and then a whole field. */
        for (size_t end = at + (random_next(random) % 8 ? 1 : 4); at < end && at < *new_size; at++)
            copy[at] = new_value(copy[at], random);
    }
    return copy;
}
