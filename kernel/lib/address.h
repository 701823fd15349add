/* Addresses as types of their own, so that one kind cannot be used for another by mistake. */
#pragma once

#include <stdint.h>

/* A physical address: only arch and mm may turn it into a pointer. */
typedef struct {
    uint64_t value;
} physical_address_t;

static inline physical_address_t physical_address(uint64_t value) {
    return (physical_address_t){value};
}

/* A virtual address, of the kernel or of a user program. A user address is never dereferenced: it
 * is passed to arch/user_copy.h. */
typedef uintptr_t virtual_address_t;
