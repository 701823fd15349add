/* The handle table of a process: it maps a handle value to an entry (object, rights).
 *
 * A value is an index (18 bits) and a generation (13 bits, never 0), so that a stale value is
 * caught. Free slots are reused oldest first, and the table grows before the last few are used up.
 * So a value comes back only after half a million others. The table grows in chunks; look-up,
 * insertion and removal are O(1).
 *
 * Rules for handle tables:
 * - A call that uses a handle holds its slot (handle_hold), which is a lock of class HANDLE_SLOT.
 *   While the slot is held the entry stays. Threads that use different handles do not touch the
 *   same lock.
 * - Code that adds or removes handles holds the table's lock (class HANDLE_TABLE). It takes a slot
 *   out of use only while no thread holds the slot.
 * - So under the table's lock all entries stay, and their slots need not be held.
 * - OBJECT locks may be taken under both locks.
 * - A `struct handle` on its own (in a message) is an entry without a value. It owns one reference
 *   and one handle count of its object. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/limits.h>
#include <object/handle_slot.h>

/* An entry without a value. */
struct handle {
    struct object* object;
    zx_rights_t rights;
};

/* A table never moves in memory: `free_end` may point into it. */
struct handle_table {
    struct spinlock lock;
    struct handle_slot** _Atomic chunks; /* the chunks of the newest handle_directory */
    _Atomic uint32_t chunk_mask; /* its places, a power of two, less 1; written after `chunks` */
    uint32_t slot_count;         /* the slots of all chunks */
    uint32_t free_count;
    struct handle_slot* free_head; /* the free slots, oldest first */
    struct handle_slot** free_end; /* the last one's next_free, or free_head */
    uint32_t spare; /* number of slots that growth keeps free; UINT32_MAX: the table is closed */
    uint32_t first_generation; /* the generation of a new slot */
    uint32_t closed_count;     /* the first slots, which handle_table_close_some has closed */
    bool may_have_windows;     /* an object here may have a window (object_ops.exchange_window) */
    /* Called when a look-up by a thread of the process fails. Locks may be held. NULL: no call. */
    void (*on_fault)(struct handle_table* table, zx_status_t status);
};

/* Reports a look-up that failed with `status` to `on_fault`, and returns the status. Does not
 * report other errors, so a caller may pass any status. */
zx_status_t handle_fault(struct handle_table* table, zx_status_t status);

zx_status_t handle_table_init(struct handle_table* table); /* NO_MEMORY */
/* Frees the memory of a table without handles, in pieces. True: there is more. */
bool handle_table_destroy_some(struct handle_table* table, int64_t* units);
void handle_table_destroy(struct handle_table* table);

/* --- one handle ------------------------------------------------------------------------------ */

/* Returns the object with a reference, checked as in handle_hold. */
MUST_CHECK zx_status_t handle_table_get(struct handle_table* table, zx_handle_t value,
                                        zx_obj_type_t type, zx_rights_t rights,
                                        struct object** object);
/* The same as handle_table_get, and returns the handle's rights too. */
MUST_CHECK zx_status_t handle_table_get_with_rights(struct handle_table* table, zx_handle_t value,
                                                    zx_obj_type_t type, zx_rights_t rights,
                                                    struct object** object,
                                                    zx_rights_t* handle_rights);

/* Returns what a look-up would return: OK or an error. */
zx_status_t handle_table_check(struct handle_table* table, zx_handle_t value, zx_obj_type_t type,
                               zx_rights_t rights);
/* Gives the handle a new value, written to `out_user`, and `rights`. BAD_HANDLE; INVALID_ARGS
 * (rights, bad user memory); errors of handle_table_add. On an error nothing has changed. */
MUST_CHECK zx_status_t handle_table_replace(struct handle_table* table, zx_handle_t value,
                                            zx_rights_t rights, uintptr_t out_user);
/* Adds a second handle to the same object, and writes its value to `out_user`. BAD_HANDLE;
 * ACCESS_DENIED without DUPLICATE; INVALID_ARGS: `wanted` (SAME_RIGHTS: the same) is not a subset,
 * or bad user memory; errors of handle_table_add. */
MUST_CHECK zx_status_t handle_table_duplicate(struct handle_table* table, zx_handle_t value,
                                              zx_rights_t wanted, uintptr_t out_user);

/* Closes the handle. BAD_HANDLE. */
zx_status_t handle_table_close(struct handle_table* table, zx_handle_t value);

/* --- many handles ----------------------------------------------------------------------------- */

/* Closes handles, in bounded preemptible steps, until the units are used up. Nothing can be added
 * any more. True: there are more handles. */
bool handle_table_close_some(struct handle_table* table, int64_t* units);

/* Closes the valid ones among `count` values, at most 64, in one lock hold. BAD_HANDLE: some were
 * not valid. */
zx_status_t handle_table_close_many(struct handle_table* table, const zx_handle_t* values,
                                    uint32_t count);

/* Holding a slot, adding an entry, and what calls do with the table locked: inline. */
#include <object/handle_table_inline.h>
