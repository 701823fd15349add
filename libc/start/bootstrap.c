/* Reads the message that a program starts with (abi/bootstrap.h), and keeps the handles that came
 * in it. */
#include <internal/bootstrap.h>

#include <jacinth/bootstrap.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

static union {
    struct bootstrap_header header;
    char bytes[BOOTSTRAP_MAX_BYTES];
} message;
static char* argument_strings[BOOTSTRAP_MAX_ARGUMENTS + 1];
static zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES];
static const uint32_t* infos; /* the kinds of the handles, in the message */

static bool message_is_sound(uint32_t bytes, uint32_t handle_count) {
    const struct bootstrap_header* header = &message.header;
    return bytes >= sizeof(*header) && header->magic == BOOTSTRAP_MAGIC &&
           header->handle_count == handle_count &&
           header->argument_count <= BOOTSTRAP_MAX_ARGUMENTS &&
           sizeof(*header) + handle_count * sizeof(uint32_t) + header->argument_bytes == bytes &&
           (header->argument_bytes == 0 || message.bytes[bytes - 1] == '\0');
}

/* Points `argument_strings` to the strings. False: there are fewer than the header says. */
static bool find_arguments(void) {
    const struct bootstrap_header* header = &message.header;
    char* text = message.bytes + sizeof(*header) + header->handle_count * sizeof(uint32_t);
    char* end = text + header->argument_bytes;
    for (uint32_t i = 0; i < header->argument_count; i++) {
        if (text == end)
            return false;
        argument_strings[i] = text;
        while (*text++)
            ;
    }
    return true;
}

struct program_arguments bootstrap_read(zx_handle_t channel) {
    uint32_t bytes, handle_count;
    zx_status_t status = zx_channel_read(channel, 0, message.bytes, handles, sizeof(message.bytes),
                                         ZX_CHANNEL_MAX_MSG_HANDLES, &bytes, &handle_count);
    if (status != ZX_OK || !message_is_sound(bytes, handle_count) || !find_arguments()) {
        static const char complaint[] = "libc: no sound bootstrap message\n";
        zx_debug_write(complaint, sizeof(complaint) - 1);
        zx_process_exit(status != ZX_OK ? status : ZX_ERR_INVALID_ARGS);
    }
    zx_handle_close(channel);
    infos = (const uint32_t*)(message.bytes + sizeof(message.header));
    return (struct program_arguments){(int)message.header.argument_count, argument_strings};
}

/* The place of the handle of kind `info`; NULL: there is none, or it was taken. */
static zx_handle_t* find_handle(uint32_t info) {
    for (uint32_t i = 0; i < message.header.handle_count; i++)
        if (infos[i] == info && handles[i] != ZX_HANDLE_INVALID)
            return &handles[i];
    return NULL;
}

zx_handle_t bootstrap_take(uint32_t info) {
    zx_handle_t* place = find_handle(info);
    if (!place)
        return ZX_HANDLE_INVALID;
    zx_handle_t handle = *place;
    *place = ZX_HANDLE_INVALID;
    return handle;
}

zx_handle_t bootstrap_borrow(uint32_t info) {
    zx_handle_t* place = find_handle(info);
    return place ? *place : ZX_HANDLE_INVALID;
}

zx_handle_t zx_process_self(void) {
    return bootstrap_borrow(BOOTSTRAP_PROCESS_SELF);
}

zx_handle_t zx_vmar_root_self(void) {
    return bootstrap_borrow(BOOTSTRAP_VMAR_ROOT);
}

zx_handle_t zx_job_default(void) {
    return bootstrap_borrow(BOOTSTRAP_JOB);
}
