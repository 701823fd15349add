/* For tests that look at what is left to the cleaner before it comes to it. */
#pragma once

#include <stdbool.h>

/* The cleaner does nothing from here on, until it is let go. */
bool cleaner_hold(void);
void cleaner_let_go(void);
