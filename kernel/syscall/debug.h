/* The system calls that read the console. */
#pragma once

/* Once, before the first program runs: serial input is queued from here on. */
void debug_input_init(void);
