/* Page faults of programs, and of the kernel in user memory. arch/upcalls.h has what the
 * processor's code calls. */
#pragma once

#include <stdbool.h>

struct aspace;
struct page_fault;

/* Resolves a page fault. False: the access is not legal, or there is no memory. */
bool aspace_fault(struct aspace* aspace, const struct page_fault* fault);
