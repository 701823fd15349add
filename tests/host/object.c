/* The object layer under the sanitizers, with threads of this machine: its in-kernel tests.
 * Sources: kernel/object/object.c kernel/object/handle_table.c kernel/object/handle_transfer.c
 *     kernel/object/wait.c kernel/object/event.c kernel/ipc/channel.c kernel/ipc/message.c
 *     kernel/ipc/message_end.c kernel/ipc/message_end_life.c kernel/ipc/message_call.c
 * kernel/ipc/message_pipe.c kernel/ipc/message_cycle.c kernel/ipc/message_cycle_look.c
 * kernel/ipc/message_cycle_suspects.c kernel/ipc/message_end_queue.c
 * kernel/lib/tree.c tests/kernel/ipc_channel.c tests/kernel/object_handle_table.c
 * tests/kernel/object_wait.c
 */
#include "../kernel/selftest.h"
