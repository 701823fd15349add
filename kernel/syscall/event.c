#include <syscalls/prototypes.h>

#include <object/event.h>
#include <syscall/handle_helpers.h>

zx_status_t sys_event_create(uint32_t options, user_out(zx_handle_t) out) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    struct event* event = event_create();
    if (!event)
        return ZX_ERR_NO_MEMORY;
    return handle_install_out(&event->object, EVENT_DEFAULT_RIGHTS, out);
}
