/* The only place that touches user memory. SMAP is opened here and nowhere else.
 *
 * Any bad address (NULL, kernel half, non-canonical, wrapping, unmapped, wrong protection, unmapped
 * half-way by another thread) gives false; what was copied before the fault is unspecified. A page
 * that is mapped by the program but not yet present is faulted in, unless preemption is off (a spinlock
 * is held): then the copy fails, and after user_fault_in, without the lock, it can be tried again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/layout.h>
#include <lib/compiler.h>

/* True when [address, address + size) lies in the user half without wrapping; says nothing about
 * what is mapped. An empty range always does; the first page is never mapped. */
static inline bool user_range_is_valid(uintptr_t address, size_t size) {
    uintptr_t end;
    return likely(!__builtin_add_overflow(address, size, &end) && end <= USER_ADDRESS_END) ||
           size == 0;
}

/* Brings the pages of a range in, for reading or for writing, without changing them; false: the
 * program may not do that. They can be gone again at once: the next copy tells. With a spinlock held,
 * false when a page is not present. */
bool user_fault_in(uintptr_t address, size_t size, bool is_write);
/* Reads an aligned 32-bit word (futex). */
bool user_read_word(uint32_t* value, uintptr_t from_user);

#if __STDC_HOSTED__ /* the build machine's tests bring their own */
bool user_copy_in(void* to, uintptr_t from_user, size_t size);
bool user_copy_out(uintptr_t to_user, const void* from, size_t size);
bool user_write_word(uintptr_t to_user, uint32_t value);
#else

size_t user_copy_raw(void* to, const void* from, size_t size); /* user_copy.S */

static inline bool user_copy_in(void* to, uintptr_t from_user, size_t size) {
    return user_range_is_valid(from_user, size) &&
           likely(user_copy_raw(to, (const void*)from_user, size) == 0);
}

static inline bool user_copy_out(uintptr_t to_user, const void* from, size_t size) {
    return user_range_is_valid(to_user, size) &&
           likely(user_copy_raw((void*)to_user, from, size) == 0);
}

extern bool smap_is_on;

/* A 32-bit result of a call, without the way through user_copy_raw. */
static inline bool user_write_word(uintptr_t to_user, uint32_t value) {
    if (unlikely(to_user > USER_ADDRESS_END - sizeof(value)))
        return false;
    if (likely(smap_is_on))
        __asm__ volatile("stac" ::: "memory");
    __asm__ goto("1: movl %1, (%0)\n"
                 ".pushsection .fault_table, \"a\"\n"
                 ".quad 1b, %l[fault]\n"
                 ".popsection"
                 :
                 : "r"(to_user), "r"(value)
                 : "memory"
                 : fault);
    if (likely(smap_is_on))
        __asm__ volatile("clac" ::: "memory");
    return true;
fault:
    if (smap_is_on)
        __asm__ volatile("clac" ::: "memory");
    return false;
}
#endif
