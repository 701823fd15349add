/* The only code that reads or writes user memory. Only here is SMAP opened.
 *
 * A copy returns false at any bad address: NULL, kernel half, non-canonical, wrapping, unmapped, or
 * with the wrong protection. Another thread may also unmap the memory half-way. What was copied
 * before the fault is unspecified.
 *
 * A page that the program has mapped, but that is not yet present, is brought in. With preemption
 * off (a spinlock is held) that is not possible, and the copy returns false. The caller can then
 * release the lock, call user_fault_in and try again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <arch/bulk.h>
#include <arch/layout.h>
#include <arch/turns.h>
#include <lib/compiler.h>

/* Returns whether [address, address + size) lies in the user half without wrapping. It does not
 * look at what is mapped; the first page never is. An empty range is always valid. */
static inline bool user_range_is_valid(uintptr_t address, size_t size) {
    uintptr_t end;
    return likely(!__builtin_add_overflow(address, size, &end) && end <= USER_ADDRESS_END) ||
           size == 0;
}

/* A small range has at most this many bytes. If it begins in user space and leaves it, the access
 * faults: the page behind user space is never mapped. So only the beginning of a small range is
 * checked. */
#define USER_SMALL_MAX 4096ul

/* Makes the pages of a range present, for reading or for writing, without changing them. They may
 * be gone again at once; then the next copy fails.
 *
 * Returns false if the program may not make that access, or if a spinlock is held and a page is not
 * present. Returns false also when the thread is killed before all pages are present. No program
 * sees the resulting error, because the thread ends first. */
bool user_fault_in(uintptr_t address, size_t size, bool is_write);

bool user_copy_in(void* to, uintptr_t from_user, size_t size);
bool user_copy_out(uintptr_t to_user, const void* from, size_t size);

/* A word that is written together with a copy. Address 0: there is no such word. */
struct user_word {
    uintptr_t address;
    uint64_t value;
};

#if __STDC_HOSTED__ /* the build machine's tests bring their own */
bool user_load_words(uintptr_t from0, uint32_t* value0, uintptr_t from1, uint32_t* value1);
bool user_touch_with_words(uintptr_t address, size_t size, uintptr_t word0, uintptr_t word1);
bool user_write_word(uintptr_t to_user, uint32_t value);
bool user_write_size(uintptr_t to_user, size_t value);
bool user_copy_out_with(uintptr_t to_user, const void* from, size_t size, struct user_word word0,
                        struct user_word word1, size_t word_size);
bool user_copy_in_with_size(void* to, uintptr_t from_user, size_t size, uintptr_t actual_user,
                            size_t actual);
#else
/* --- inline, for the few calls where every instruction counts ----------------------------------
 */

/* A no-operation of three bytes. At boot cpu_start.c replaces it by `instruction` if the CPU has
 * SMAP: the section .smap_patches lists these places. */
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

/* The instruction at `label` may fault; execution then continues at the C label `fault`. */
#define USER_ACCESS_MAY_FAULT(label)     \
    ".pushsection .fault_table, \"a\"\n" \
    ".quad " #label ", %l[fault]\n"      \
    ".popsection\n"

/* Returns whether all addresses are in the lower half; `bits` is the addresses or-ed together. An
 * access to memory there that is not the program's faults: the page is not mapped. A small range
 * that leaves the lower half also faults, because the addresses behind it are not canonical. */
static inline bool user_addresses_are_low(uintptr_t bits) {
    return bits >> USER_ADDRESS_BITS == 0;
}

/* Copies `size` bytes; the caller has opened access. Copies whole words first. The rest is copied
 * as one word that ends with the last byte and overlaps what was copied.
 *
 * user_copy_much (bulk.S) copies BULK_COPY_MIN bytes or more. It changes no register but rdi,
 * rsi and rcx, so the compiler can keep variables in all others. */
static inline bool user_access_copy(void* to, const void* from, size_t size) {
    size_t words = size / 8;
    if (unlikely(words == 0 || words >= BULK_COPY_MIN / 8))
        goto few_or_much;
    __asm__ volatile goto("1: rep movsq\n" USER_ACCESS_MAY_FAULT(1b)
                          : "+D"(to), "+S"(from), "+c"(words)
                          :
                          : "memory"
                          : fault);
    size_t rest = size % 8;
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
                          : "+D"(to), "+S"(from), "+c"(size)
                          :
                          : "memory"
                          : fault);
    return true;
fault:
    return false;
}

/* Returns whether 1, 4 or 8 bytes can be written, and does not change them; `size` is a constant.
 * The caller has opened access. */
static ALWAYS_INLINE bool user_access_touch(uintptr_t address, size_t size) {
    if (size == sizeof(uint64_t))
        __asm__ volatile goto("1: lock orq $0, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                              :
                              : "r"(address)
                              : "memory", "cc"
                              : fault);
    else if (size == sizeof(uint32_t))
        __asm__ volatile goto("1: lock orl $0, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                              :
                              : "r"(address)
                              : "memory", "cc"
                              : fault);
    else
        __asm__ volatile goto("1: lock orb $0, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                              :
                              : "r"(address)
                              : "memory", "cc"
                              : fault);
    return true;
fault:
    return false;
}

/* Writes a word of 4 or 8 bytes. */
static ALWAYS_INLINE bool user_access_store(uintptr_t address, uint64_t value, size_t size) {
    if (size == sizeof(uint64_t))
        __asm__ volatile goto("1: movq %1, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                              :
                              : "r"(address), "r"(value)
                              : "memory"
                              : fault);
    else
        __asm__ volatile goto("1: movl %1, (%0)\n" USER_ACCESS_MAY_FAULT(1b)
                              :
                              : "r"(address), "r"((uint32_t)value)
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

/* Reads two words that may lie apart. Address 0: there is no such word. */
static inline bool user_load_words(uintptr_t from0, uint32_t* value0, uintptr_t from1,
                                   uint32_t* value1) {
    if (unlikely(!user_addresses_are_low(from0 | from1)))
        return false;
    user_access_open();
    bool is_read = (unlikely(!from0) || likely(user_access_load(value0, from0))) &&
                   (!from1 || likely(user_access_load(value1, from1)));
    user_access_close();
    return is_read;
}

/* Returns whether a range of at most USER_SMALL_MAX bytes and two words can be written. Address 0:
 * there is no such word. */
static inline bool user_touch_with_words(uintptr_t address, size_t size, uintptr_t word0,
                                         uintptr_t word1) {
    if (unlikely(!user_addresses_are_low(address | word0 | word1)))
        return false;
    user_access_open();
    bool can_write = (size == 0 || (user_access_touch(address, 1) &&
                                    user_access_touch(address + size - 1, 1))) &&
                     (!word0 || user_access_touch(word0, sizeof(uint32_t))) &&
                     (!word1 || user_access_touch(word1, sizeof(uint32_t)));
    user_access_close();
    return can_write;
}

static inline bool user_write_word(uintptr_t to_user, uint32_t value) {
    if (unlikely(!user_addresses_are_low(to_user)))
        return false;
    user_access_open();
    bool is_written = user_access_store(to_user, value, sizeof(value));
    user_access_close();
    return is_written;
}

static inline bool user_write_size(uintptr_t to_user, size_t value) {
    if (unlikely(!user_addresses_are_low(to_user)))
        return false;
    user_access_open();
    bool is_written = user_access_store(to_user, value, sizeof(value));
    user_access_close();
    return is_written;
}

/* Writes `size` bytes (at most USER_SMALL_MAX) and up to two words of `word_size` bytes. Writes all
 * of them or none, unless another thread changes the mappings meanwhile. */
static ALWAYS_INLINE bool user_copy_out_with(uintptr_t to_user, const void* from, size_t size,
                                             struct user_word word0, struct user_word word1,
                                             size_t word_size) {
    uintptr_t at0 = word0.address, at1 = word1.address;
    if (unlikely(!user_addresses_are_low(to_user | at0 | at1)))
        return false;
    user_access_open();
    bool is_written = (unlikely(!at0) || likely(user_access_touch(at0, word_size))) &&
                      (unlikely(!at1) || likely(user_access_touch(at1, word_size))) &&
                      (size == 0 || likely(user_access_touch(to_user + size - 1, 1) &&
                                           user_access_copy((void*)to_user, from, size))) &&
                      (unlikely(!at0) || likely(user_access_store(at0, word0.value, word_size))) &&
                      (unlikely(!at1) || likely(user_access_store(at1, word1.value, word_size)));
    user_access_close();
    return is_written;
}

/* Copies `size` bytes in (1 to USER_SMALL_MAX), and then writes `actual` to `actual_user` (0: does
 * not write it). False: `actual` was not written. */
static inline bool user_copy_in_with_size(void* to, uintptr_t from_user, size_t size,
                                          uintptr_t actual_user, size_t actual) {
    if (unlikely(!user_addresses_are_low(from_user | actual_user)))
        return false;
    user_access_open();
    bool is_done = likely(user_access_copy(to, (const void*)from_user, size)) &&
                   (!actual_user || likely(user_access_store(actual_user, actual, sizeof(actual))));
    user_access_close();
    return is_done;
}
#endif

static ALWAYS_INLINE bool user_copy_out_with_words(uintptr_t to_user, const void* from, size_t size,
                                                   struct user_word word0, struct user_word word1) {
    return user_copy_out_with(to_user, from, size, word0, word1, sizeof(uint32_t));
}

/* The same with 1 byte or more, and one word: `actual`. */
static inline bool user_copy_out_with_size(uintptr_t to_user, const void* from, size_t size,
                                           uintptr_t actual_user, size_t actual) {
    ASSUME(size > 0);
    return user_copy_out_with(to_user, from, size, (struct user_word){actual_user, actual},
                              (struct user_word){0, 0}, sizeof(actual));
}

/* Like user_copy_in, for at most USER_SMALL_MAX bytes. */
static inline bool user_copy_in_small(void* to, uintptr_t from_user, size_t size) {
#ifdef __clang_analyzer__
    __builtin_memset(to, 0, size); /* the compiler does not know that the assembly writes there */
#endif
    return user_copy_in_with_size(to, from_user, size, 0, 0);
}

/* Like user_copy_out, for at most USER_SMALL_MAX bytes. */
static ALWAYS_INLINE bool user_copy_out_small(uintptr_t to_user, const void* from, size_t size) {
    return user_copy_out_with_words(to_user, from, size, (struct user_word){0, 0},
                                    (struct user_word){0, 0});
}

/* Returns whether a range of 1 to USER_SMALL_MAX bytes can be written. */
static inline bool user_touch_small(uintptr_t address, size_t size) {
    ASSUME(size > 0);
    return user_touch_with_words(address, size, 0, 0);
}

static inline bool user_read_word(uint32_t* value, uintptr_t from_user) {
    return from_user && user_load_words(from_user, value, 0, NULL);
}
