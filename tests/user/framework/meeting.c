#include "meeting.h"

#include <threads.h>

void meet(struct meeting* meeting) {
    atomic_fetch_add(&meeting->arrived, 1);
    while (atomic_load(&meeting->arrived) < 2)
        thrd_yield();
}
