/* Lists of the handles in a table, for zx_object_get_info and the emergency console. */
#pragma once

#include <object/handle_table.h>

/* Describes handles in use. Fills `entries` from slot `*index` on, and moves `*index` behind the
 * last slot that it has read. Returns the number of entries; 0: there are no more. The objects are
 * only described; no reference is taken. */
struct handle_description {
    zx_handle_t value;
    zx_rights_t rights;
    zx_obj_type_t type;
    zx_koid_t koid;
};
uint32_t handle_table_describe(struct handle_table* table, uint32_t* index,
                               struct handle_description* entries, uint32_t room);

/* For the emergency console: prints one line for each handle. Takes no lock. */
void handle_table_print(const struct handle_table* table);
