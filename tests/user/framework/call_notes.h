/* Which errors each system call has returned to this program and its helpers. The runner wants a
 * case for each error that abi/syscalls.def names (docs/testing.md).
 *
 * Test programs have system call stubs of their own, which write the notes
 * (build/generated/syscalls/noted_stubs.S). The notes lie in a VMO that helpers share, so they stay
 * when a helper is killed. */
#pragma once

#include <jacinth/bootstrap.h>
#include <stdbool.h>

#define CALL_NOTES_INFO BOOTSTRAP_INFO(BOOTSTRAP_USER, 3)

/* In the program's first process. Without a VMO the notes stay in the process. */
void call_notes_create(void);
/* In a helper. `vmo` is what the first process passed to it; consumed. */
void call_notes_join(zx_handle_t vmo);
/* A duplicate of the VMO for a helper, or ZX_HANDLE_INVALID. */
zx_handle_t call_notes_duplicate(void);

struct call_note {
    uint32_t number;
    zx_status_t error;
};
/* Takes the first note at or after `*position`, which begins as 0. False: there is none. */
bool call_notes_take(uint32_t* position, struct call_note* note);
