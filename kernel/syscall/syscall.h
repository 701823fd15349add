/* The description of every call, generated from abi/syscalls.def. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SYSCALL_MAX_ARGUMENTS 8

enum syscall_argument_kind {
    SYSCALL_ARGUMENT_HANDLE,
    SYSCALL_ARGUMENT_POINTER,
    SYSCALL_ARGUMENT_SIGNED,
    SYSCALL_ARGUMENT_UNSIGNED,
};

/* For code that prints calls by name. */
struct syscall_description {
    uint32_t number;
    const char* name;
    uint32_t argument_count;
    struct {
        const char* name;
        enum syscall_argument_kind kind;
    } arguments[SYSCALL_MAX_ARGUMENTS];
};

extern const struct syscall_description syscall_descriptions[];
extern const size_t syscall_description_count;
