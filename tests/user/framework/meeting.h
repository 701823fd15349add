/* Where two threads wait for each other. Begins as {0}. */
#pragma once

#include <stdatomic.h>

struct meeting {
    atomic_int arrived;
};
/* Returns when both have come. */
void meet(struct meeting* meeting);
