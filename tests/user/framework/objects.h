/* What tests look at and set up time and again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>

/* --- handles ------------------------------------------------------------------------------ */

bool handle_is_valid(zx_handle_t handle);
/* 0 for what is no handle. */
zx_rights_t handle_rights(zx_handle_t handle);
/* ZX_OBJ_TYPE_NONE for what is no handle. */
uint32_t handle_type(zx_handle_t handle);
zx_koid_t handle_koid(zx_handle_t handle);
/* Of an end its peer's. */
zx_koid_t handle_related_koid(zx_handle_t handle);
/* How many handles there are to the object, in all processes and messages. */
uint32_t object_handle_count(zx_handle_t handle);
void wait_until_handle_count(zx_handle_t handle, uint32_t count);
/* What the object shows now. */
zx_signals_t object_signals(zx_handle_t handle);
/* A duplicate without `removed`. */
zx_handle_t duplicate_without(zx_handle_t handle, zx_rights_t removed);
zx_handle_t duplicate(zx_handle_t handle);
/* A handle value that was valid once. */
zx_handle_t stale_handle(void);

/* Waits until `signals` (one of them) are shown or `patience` is over; true: shown. */
bool wait_for(zx_handle_t handle, zx_signals_t signals, zx_duration_t patience);
/* ZX_THREAD_STATE_*; UINT32_MAX for what is no thread. */
uint32_t thread_state(zx_handle_t thread);
bool process_has_ended(zx_handle_t process);
int64_t process_return_code(zx_handle_t process);

/* --- memory ------------------------------------------------------------------------------- */

/* `size` bytes of fresh memory that end at a page's end; the next page is not mapped. 0: failed. */
char* guarded_buffer(size_t size);
void guarded_buffer_free(char* buffer, size_t size);
/* A mapped page nobody may write / touch. */
void* read_only_page(void);
void* inaccessible_page(void);
/* One address that no program may read or write; all kinds of them are below. */
#define BAD_POINTER ((void*)8)
/* Addresses that a program may not read (write), of every kind. */
#define BAD_POINTER_COUNT 9
void bad_pointers_to_read(void* pointers[BAD_POINTER_COUNT]);
void bad_pointers_to_write(void* pointers[BAD_POINTER_COUNT]);

/* --- leaks -------------------------------------------------------------------------------- */

zx_info_kernel_memory_t kernel_memory(void);
/* Has the process's handle table grow to `count` handles, at most GROWN_HANDLES_MAX: a table never
 * shrinks, and a test that makes it grow seems to leave something behind. */
void grow_handle_table(uint32_t count);
#define GROWN_HANDLES_MAX 512
/* Fails the test unless the kernel comes to hold as little as before, within some seconds: what
 * ends asynchronously (the last steps of a thread) needs a moment. `page_slack` pages may stay:
 * tables that only grow. */
void expect_no_leak(const zx_info_kernel_memory_t* before, uint64_t page_slack);

/* --- time --------------------------------------------------------------------------------- */

void sleep_for(zx_duration_t duration);
/* Until the thread waits for something: however slow the machine is, it has come that far then. */
void wait_until_blocked(zx_handle_t thread);
