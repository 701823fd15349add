/* The only place that touches user memory. SMAP is opened here and nowhere else.
 *
 * Any bad address (NULL, kernel half, non-canonical, wrapping, unmapped, wrong protection, unmapped
 * half-way by another thread) gives false; what was copied before the fault is unspecified. A page
 * that is mapped by the program but not yet present is faulted in, unless preemption is off (a
 * spinlock is held): then the copy fails, and after user_fault_in, without the lock, it can be
 * tried again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/bulk.h>
#include <arch/layout.h>
#include <arch/turns.h>
#include <lib/compiler.h>

/* True when [address, address + size) lies in the user half without wrapping; says nothing about
 * what is mapped. An empty range always does; the first page is never mapped. */
static inline bool user_range_is_valid(uintptr_t address, size_t size) {
    uintptr_t end;
    return likely(!__builtin_add_overflow(address, size, &end) && end <= USER_ADDRESS_END) ||
           size == 0;
}

/* A range of at most so many bytes that begins in user space faults where it leaves it: the page
 * behind user space is never mapped. So only its beginning needs a look. */
#define USER_SMALL_MAX 4096ul

/* Brings the pages of a range in, for reading or for writing, without changing them; false: the
 * program may not do that. They can be gone again at once: the next copy tells. With a spinlock
 * held, false when a page is not present. False also when the thread is killed before all of them
 * are in: then no program sees the error that the caller makes of that. */
bool user_fault_in(uintptr_t address, size_t size, bool is_write);

#if __STDC_HOSTED__ /* the build machine's tests bring their own */
bool user_copy_in(void* to, uintptr_t from_user, size_t size);
bool user_copy_out(uintptr_t to_user, const void* from, size_t size);
bool user_copy_in_small(void* to, uintptr_t from_user, size_t size);
bool user_touch_small(uintptr_t address, size_t size);
bool user_load_words(uintptr_t from0, uint32_t* value0, uintptr_t from1, uint32_t* value1);
bool user_touch_with_words(uintptr_t address, size_t size, uintptr_t word0, uintptr_t word1);
bool user_read_word(uint32_t* value, uintptr_t from_user);
bool user_write_word(uintptr_t to_user, uint32_t value);
bool user_copy_out_with_words(uintptr_t to_user, const void* from, size_t size, uintptr_t word0,
                              uint32_t value0, uintptr_t word1, uint32_t value1);
bool user_write_size(uintptr_t to_user, size_t value);
bool user_copy_in_with_size(void* to, uintptr_t from_user, size_t size, uintptr_t actual_user,
                            size_t actual);
bool user_copy_out_with_size(uintptr_t to_user, const void* from, size_t size,
                             uintptr_t actual_user, size_t actual);
#else
size_t user_copy_raw(void* to, const void* from, size_t size); /* user_copy.S */

static inline bool user_copy_in(void* to, uintptr_t from_user, size_t size) {
    turn_point();
    return user_range_is_valid(from_user, size) &&
           likely(user_copy_raw(to, (const void*)from_user, size) == 0);
}

static inline bool user_copy_out(uintptr_t to_user, const void* from, size_t size) {
    turn_point();
    return user_range_is_valid(to_user, size) &&
           likely(user_copy_raw((void*)to_user, from, size) == 0);
}

/* --- inline, for the few calls where every instruction counts ----------------------------------
 */

/* A no-operation of three bytes, which becomes another instruction at boot where the CPU has SMAP:
 * see arch/x86_64/user_access.inc. */
#define USER_ACCESS_PATCH(instruction)    \
    "1: .byte 0x0f, 0x1f, 0x00\n"         \
    ".pushsection .smap_patches, \"a\"\n" \
    ".quad 1b, " #instruction "\n"        \
    ".popsection\n"

static inline void user_access_open(void) {
    turn_point();
    __asm__ volatile(USER_ACCESS_PATCH(0xcb010f)::: "memory"); /* STAC */
}

static inline void user_access_close(void) {
    __asm__ volatile(USER_ACCESS_PATCH(0xca010f)::: "memory"); /* CLAC */
}

/* The instruction at `label` may fault, and then goes on at the C label `fault`. */
#define USER_ACCESS_MAY_FAULT(label)     \
    ".pushsection .fault_table, \"a\"\n" \
    ".quad " #label ", %l[fault]\n"      \
    ".popsection\n"

/* Whether all addresses (`bits`: each bit that is set in one of them) are in the lower half. What
 * is no user memory there is not mapped, and what begins there and leads beyond is not canonical;
 * so few bytes can be tried. */
static inline bool user_addresses_are_low(uintptr_t bits) {
    return bits >> USER_ADDRESS_BITS == 0;
}

/* With access open. Whole words, then the rest as the last part of a word that begins in what was
 * copied. What is done for much (user_copy.S) leaves the other registers alone, so that the rest
 * of the function need not keep its own out of the way. */
static inline bool user_access_copy(void* to, const void* from, size_t size) {
    size_t words = size / 8, rest = size % 8;
    if (unlikely(words - 1 >= BULK_COPY_MIN / 8 - 1))
        goto few_or_much;
    __asm__ volatile goto("1: rep movsq\n" USER_ACCESS_MAY_FAULT(1b)
                          : "+D"(to), "+S"(from), "+c"(words)
                          :
                          : "memory"
                          : fault);
    if (rest)
        __asm__ volatile goto("1: movq -8(%1, %2), %%rax\n"
                              "2: movq %%rax, -8(%0, %2)\n" USER_ACCESS_MAY_FAULT(1b)
                                  USER_ACCESS_MAY_FAULT(2b)
                              :
                              : "D"(to), "S"(from), "r"(rest)
                              : "memory", "rax"
                              : fault);
    return true;
few_or_much:
    if (size >= BULK_COPY_MIN) {
        size_t fault = 0;
        __asm__ volatile("call user_copy_much"
                         : "=c"(fault), "+D"(to), "+S"(from)
                         : "c"(size)
                         : "memory", "cc");
        return likely(fault == 0);
    }
    __asm__ volatile goto("1: rep movsb\n" USER_ACCESS_MAY_FAULT(1b)
                          : "+D"(to), "+S"(from), "+c"(rest)
                          :
                          : "memory"
                          : fault);
    return true;
fault:
    return false;
}

/* With access open: whether a byte, or a word, can be written, which is left as it is. */
static inline bool user_access_touch(uintptr_t address) {
    __asm__ volatile goto("1: lock orb $0, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                          :
                          : "r"(address)
                          : "memory", "cc"
                          : fault);
    return true;
fault:
    return false;
}

static inline bool user_access_touch_word(uintptr_t address) {
    __asm__ volatile goto("1: lock orl $0, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                          :
                          : "r"(address)
                          : "memory", "cc"
                          : fault);
    return true;
fault:
    return false;
}

static inline bool user_access_store(uintptr_t address, uint32_t value) {
    __asm__ volatile goto("1: movl %1, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                          :
                          : "r"(address), "r"(value)
                          : "memory"
                          : fault);
    return true;
fault:
    return false;
}

static inline bool user_access_load(uint32_t* value, uintptr_t address) {
    uint32_t loaded = 0;
    __asm__ volatile goto("1: movl (%1), %0\n" USER_ACCESS_MAY_FAULT(1b)
                          : "=r"(loaded)
                          : "r"(address)
                          : "memory"
                          : fault);
    *value = loaded;
    return true;
fault:
    return false;
}

/* Reads two words that may lie apart; the second only if its address is not 0. */
static inline bool user_load_words(uintptr_t from0, uint32_t* value0, uintptr_t from1,
                                   uint32_t* value1) {
    if (unlikely(!user_addresses_are_low(from0 | from1)))
        return false;
    user_access_open();
    bool is_read = likely(user_access_load(value0, from0)) &&
                   (!from1 || likely(user_access_load(value1, from1)));
    user_access_close();
    return is_read;
}

static inline bool user_access_touch_size(uintptr_t address) {
    __asm__ volatile goto("1: lock orq $0, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                          :
                          : "r"(address)
                          : "memory", "cc"
                          : fault);
    return true;
fault:
    return false;
}

static inline bool user_access_store_size(uintptr_t address, size_t value) {
    __asm__ volatile goto("1: movq %1, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                          :
                          : "r"(address), "r"(value)
                          : "memory"
                          : fault);
    return true;
fault:
    return false;
}

/* Like user_copy_in, for at most USER_SMALL_MAX bytes. */
static inline bool user_copy_in_small(void* to, uintptr_t from_user, size_t size) {
    if (unlikely(!user_addresses_are_low(from_user)))
        return false;
    user_access_open();
    bool is_copied = user_access_copy(to, (const void*)from_user, size);
    user_access_close();
    return is_copied;
}

/* Whether a range of at most USER_SMALL_MAX bytes, and not none, can be written. */
static inline bool user_touch_small(uintptr_t address, size_t size) {
    if (unlikely(!user_addresses_are_low(address)))
        return false;
    user_access_open();
    bool can_write = user_access_touch(address) && user_access_touch(address + size - 1);
    user_access_close();
    return can_write;
}

/* The same for two words besides (address 0: not wanted); the range may be empty. */
static inline bool user_touch_with_words(uintptr_t address, size_t size, uintptr_t word0,
                                         uintptr_t word1) {
    if (unlikely(!user_addresses_are_low(address | word0 | word1)))
        return false;
    user_access_open();
    bool can_write =
        (size == 0 || (user_access_touch(address) && user_access_touch(address + size - 1))) &&
        (!word0 || user_access_touch_word(word0)) && (!word1 || user_access_touch_word(word1));
    user_access_close();
    return can_write;
}

static inline bool user_read_word(uint32_t* value, uintptr_t from_user) {
    if (unlikely(!user_addresses_are_low(from_user)))
        return false;
    user_access_open();
    bool is_read = user_access_load(value, from_user);
    user_access_close();
    return is_read;
}

static inline bool user_write_word(uintptr_t to_user, uint32_t value) {
    if (unlikely(!user_addresses_are_low(to_user)))
        return false;
    user_access_open();
    bool is_written = user_access_store(to_user, value);
    user_access_close();
    return is_written;
}

/* Writes `size` bytes (at most USER_SMALL_MAX) and up to two words (address 0: not wanted): all of
 * them, or, unless the memory changes meanwhile, none. */
static ALWAYS_INLINE bool user_copy_out_with_words(uintptr_t to_user, const void* from, size_t size,
                                                   uintptr_t word0, uint32_t value0,
                                                   uintptr_t word1, uint32_t value1) {
    if (unlikely(!user_addresses_are_low(to_user | word0 | word1)))
        return false;
    user_access_open();
    bool is_written = (!word0 || likely(user_access_touch_word(word0))) &&
                      (!word1 || likely(user_access_touch_word(word1))) &&
                      (size == 0 || likely(user_access_touch(to_user + size - 1) &&
                                           user_access_copy((void*)to_user, from, size))) &&
                      (!word0 || likely(user_access_store(word0, value0))) &&
                      (!word1 || likely(user_access_store(word1, value1)));
    user_access_close();
    return is_written;
}

static inline bool user_write_size(uintptr_t to_user, size_t value) {
    if (unlikely(!user_addresses_are_low(to_user)))
        return false;
    user_access_open();
    bool is_written = user_access_store_size(to_user, value);
    user_access_close();
    return is_written;
}

/* Copies `size` bytes (at most USER_SMALL_MAX, and not none) in, and then tells `actual` (address
 * 0: not wanted). False: nothing was told. */
static inline bool user_copy_in_with_size(void* to, uintptr_t from_user, size_t size,
                                          uintptr_t actual_user, size_t actual) {
    if (unlikely(!user_addresses_are_low(from_user | actual_user)))
        return false;
    user_access_open();
    bool is_done = likely(user_access_copy(to, (const void*)from_user, size)) &&
                   (!actual_user || likely(user_access_store_size(actual_user, actual)));
    user_access_close();
    return is_done;
}

/* Writes `size` bytes (at most USER_SMALL_MAX, and not none) and `actual` (address 0: not wanted):
 * both of them, or, unless the memory changes meanwhile, none. */
static inline bool user_copy_out_with_size(uintptr_t to_user, const void* from, size_t size,
                                           uintptr_t actual_user, size_t actual) {
    if (unlikely(!user_addresses_are_low(to_user | actual_user)))
        return false;
    user_access_open();
    bool is_done = (!actual_user || likely(user_access_touch_size(actual_user))) &&
                   likely(user_access_touch(to_user + size - 1) &&
                          user_access_copy((void*)to_user, from, size)) &&
                   (!actual_user || likely(user_access_store_size(actual_user, actual)));
    user_access_close();
    return is_done;
}
#endif
