/* The system calls that read the console. */
#pragma once

/* Wakes the threads that wait for input. Called when the console has queued a character. */
void debug_input_arrived(void);
