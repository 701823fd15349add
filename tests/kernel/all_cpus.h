/* For tests that need every CPU. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs function((void*)number) in one thread for each CPU, bound to it, all at once, and waits for
 * the last. The first statement of `function` runs when every thread is there. False: no memory. */
bool run_on_all_cpus(void (*function)(void* cpu));

/* Runs function(NULL) in a thread of its own, for a test that a wrong kernel would keep in a call
 * for ever. False: it did not end after a long time, and was killed. */
bool runs_to_its_end(void (*function)(void* unused));

/* The calling thread stays on one CPU, or may go anywhere again. */
void stay_on_cpu(uint32_t cpu);
void stay_anywhere(void);

/* How many pages are free when nothing is kept for later, neither in magazines nor as mapped
 * stacks. */
size_t pages_free_when_trimmed(void);
/* Whether that number is reached again, but for a page for each CPU: the threads that trim leave
 * their memory there, in whichever slab it came from. So what leaks must leak more than once. */
bool pages_come_back(size_t free_before);
/* Whether threads that were joined are gone for good, which takes a moment. */
bool threads_come_back(size_t count_before);

/* Whether the counter comes to `value`, if need be after a long time: where CPUs run at once on a
 * loaded machine, one may stand still for seconds. Sleeps meanwhile. */
bool counter_comes_to(_Atomic uint32_t* counter, uint32_t value);
