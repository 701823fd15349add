#include <syscalls/prototypes.h>

#include <object/event.h>
#include <object/event_pair.h>
#include <syscall/handle_helpers.h>

zx_status_t sys_event_create(uint32_t options, user_out(zx_handle_t) out) {
    if (options != 0)
        return ZX_ERR_INVALID_ARGS;
    zx_status_t status = process_check_policy(ZX_POL_NEW_EVENT);
    if (status != ZX_OK)
        return status;
    struct event* event = event_create();
    if (!event)
        return ZX_ERR_NO_MEMORY;
    return handle_install_out(&event->object, EVENT_DEFAULT_RIGHTS, out);
}

/* Unlike event_create it reports unknown options as NOT_SUPPORTED. */
zx_status_t sys_eventpair_create(uint32_t options, user_out(zx_handle_t) out0,
                                 user_out(zx_handle_t) out1) {
    if (options != 0)
        return ZX_ERR_NOT_SUPPORTED;
    zx_status_t status = process_check_policy(ZX_POL_NEW_EVENTPAIR);
    if (status != ZX_OK)
        return status;
    struct event_pair_end *end0, *end1;
    status = event_pair_create(&end0, &end1);
    if (status != ZX_OK)
        return status;
    return handle_install_pair_out(&end0->object, EVENT_PAIR_DEFAULT_RIGHTS, out0, &end1->object,
                                   EVENT_PAIR_DEFAULT_RIGHTS, out1);
}
