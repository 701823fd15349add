/* Lists of the handles in a table. */
#pragma once

#include <object/handle_table.h>

/* A look at the handles in use, for object_get_info and the debugger: fills `entries` from slot
 * `*index` on and moves `*index` past what it saw; answers how many. 0: that was all. The objects
 * are described, not referenced. */
struct handle_description {
    zx_handle_t value;
    zx_rights_t rights;
    zx_obj_type_t type;
    zx_koid_t koid;
};
uint32_t handle_table_describe(struct handle_table* table, uint32_t* index,
                               struct handle_description* entries, uint32_t room);

/* For the emergency console: a line each. Takes no lock. */
void handle_table_print(const struct handle_table* table);
