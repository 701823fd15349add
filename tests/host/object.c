/* The object layer under the sanitizers, with threads of this machine: its in-kernel tests.
 * Sources: kernel/object/object.c kernel/object/handle_table.c kernel/object/handle_transfer.c
 *     kernel/object/wait.c kernel/object/event.c kernel/object/channel.c kernel/object/message.c
 *     kernel/object/message_end.c kernel/object/message_call.c kernel/object/message_pipe.c
 *     kernel/object/cycle.c kernel/object/cycle_look.c kernel/lib/tree.c
 *     tests/kernel/object_channel.c tests/kernel/object_handle_table.c tests/kernel/object_wait.c
 */
#include <debug/selftest.h>
