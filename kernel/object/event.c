#include <object/event.h>

#include <mm/slab.h>

static struct slab_cache event_cache =
    SLAB_CACHE_INITIALIZER_BY_LINES(event_cache, "event", sizeof(struct event));

static void event_destroy(struct object* object) {
    slab_free(&event_cache, CONTAINER_OF(object, struct event, object));
}

static const struct object_ops event_ops = {
    .type = ZX_OBJ_TYPE_EVENT,
    .name = "event",
    .default_rights = EVENT_DEFAULT_RIGHTS,
    .user_signals = ZX_USER_SIGNAL_ALL | ZX_EVENT_SIGNALED,
    .destroy = event_destroy,
};

struct event* event_create(void) {
    struct event* event = slab_alloc(&event_cache);
    if (event)
        object_init(&event->object, &event_ops, NULL, 0);
    return event;
}
