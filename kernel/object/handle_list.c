#include <object/handle_list.h>

#include <debug/console.h>

#define SCAN_CHUNK 1024u /* slots that are read in one lock hold */

/* At most SCAN_CHUNK slots in one lock hold: the table may be large and almost empty. */
uint32_t handle_table_describe(struct handle_table* table, uint32_t* index,
                               struct handle_description* entries, uint32_t room) {
    uint32_t count = 0;
    bool is_done = false;
    while (count == 0 && !is_done) {
        spin_lock(&table->lock);
        uint32_t end = MIN(table->slot_count, *index + SCAN_CHUNK);
        for (; *index < end && count < room; ++*index) {
            const struct handle_slot* slot = handle_table_slot(table, (zx_handle_t)*index);
            zx_handle_t value;
            if (handle_slot_has_value(slot, *index, &value))
                entries[count++] = (struct handle_description){
                    .value = value,
                    .rights = handle_slot_rights(slot),
                    .type = slot->object->ops->type,
                    .koid = slot->object->koid,
                };
        }
        is_done = *index >= table->slot_count;
        spin_unlock(&table->lock);
    }
    return count;
}

void handle_table_print(const struct handle_table* table) {
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const struct handle_slot* slot = handle_table_slot(table, (zx_handle_t)i);
        zx_handle_t value;
        if (handle_slot_has_value(slot, i, &value))
            console_printf("    %08x  %-16s koid %-8lu rights %04x  signals %02x\n", value,
                           slot->object->ops->name, slot->object->koid, handle_slot_rights(slot),
                           object_signals(slot->object));
    }
}
