/* User pointers as types that cannot be dereferenced. user_in(T) is read, user_out(T) is written,
 * user_inout(T) is both; all are one machine word, passed like a plain pointer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>
#include <arch/user_copy.h>

#define user_in(type) struct user_in_##type
#define user_out(type) struct user_out_##type
#define user_inout(type) struct user_inout_##type

#define USER_POINTER_TYPE(type) \
    struct user_in_##type {     \
        uintptr_t address;      \
    };                          \
    struct user_out_##type {    \
        uintptr_t address;      \
    };                          \
    struct user_inout_##type {  \
        uintptr_t address;      \
    };

USER_POINTER_TYPE(void)
USER_POINTER_TYPE(char)
USER_POINTER_TYPE(uint32_t)
USER_POINTER_TYPE(uint64_t)
USER_POINTER_TYPE(size_t)
USER_POINTER_TYPE(uintptr_t)
USER_POINTER_TYPE(zx_handle_t)
USER_POINTER_TYPE(zx_signals_t)
USER_POINTER_TYPE(zx_time_t)
USER_POINTER_TYPE(zx_vaddr_t)
USER_POINTER_TYPE(zx_futex_t)
USER_POINTER_TYPE(zx_wait_item_t)
USER_POINTER_TYPE(zx_status_t)
USER_POINTER_TYPE(zx_channel_call_args_t)

#define user_is_null(pointer) ((pointer).address == 0)
/* Copies `count` elements; false: bad address. */
#define user_read(to, pointer, count) user_copy_in((to), (pointer).address, sizeof(*(to)) * (count))
#define user_write(pointer, from, count) \
    user_write_bytes((pointer).address, (from), sizeof(*(from)) * (count))

/* Results are usually a single word, which needs no loop. */
static inline bool user_write_bytes(uintptr_t to_user, const void* from, size_t size) {
    if (__builtin_constant_p(size) && size == sizeof(uint32_t))
        return user_write_word(to_user, *(const uint32_t*)from);
    return user_copy_out(to_user, from, size);
}
