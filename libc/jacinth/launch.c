/* See jacinth/launch.h. */
#include <internal/bootstrap.h>
#include <internal/elf_load.h>

#include <jacinth/bootfs.h>
#include <jacinth/launch.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

#define FIRST_STACK_SIZE (256u << 10)

/* The bootstrap message that is being built. */
struct message {
    union {
        struct bootstrap_header header;
        char bytes[BOOTSTRAP_MAX_BYTES];
    };
    uint32_t size;
    zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES];
    uint32_t handle_count;
};

/* A program that is being started. Handles that are not 0 are closed at the end. */
struct program {
    zx_handle_t process, vmar, thread;
    zx_handle_t our_end, its_end; /* of the bootstrap channel */
    zx_vaddr_t entry, stack;
};

static zx_status_t load_from(const struct bootfs* bootfs, zx_handle_t archive, const char* path,
                             struct program* program) {
    struct bootfs_file file;
    if (!bootfs_find(bootfs, path, &file))
        return ZX_ERR_NOT_FOUND;
    const char* bytes = file.data;
    struct elf_source source = {bytes, file.size, archive, (uint64_t)(bytes - bootfs->start)};
    return elf_load(program->vmar, &source, &program->entry);
}

static zx_status_t load_program(const struct launch_request* request, struct program* program) {
    struct bootfs bootfs;
    if (!request->bootfs) {
        zx_status_t status = bootfs_open_own(&bootfs);
        if (status != ZX_OK)
            return status;
        return load_from(&bootfs, bootstrap_borrow(BOOTSTRAP_BOOTFS), request->path, program);
    }
    zx_status_t status = bootfs_open(request->bootfs, &bootfs);
    if (status != ZX_OK)
        return status;
    status = load_from(&bootfs, request->bootfs, request->path, program);
    bootfs_close(&bootfs);
    return status;
}

/* Maps the first stack; its lowest page is a guard. */
static zx_status_t map_stack(struct program* program) {
    zx_handle_t vmo;
    zx_vaddr_t address;
    zx_status_t status = zx_vmo_create(FIRST_STACK_SIZE, 0, &vmo);
    if (status != ZX_OK)
        return status;
    status = zx_vmar_map(program->vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0,
                         FIRST_STACK_SIZE, &address);
    zx_handle_close(vmo);
    if (status != ZX_OK)
        return status;
    program->stack = address + FIRST_STACK_SIZE;
    return zx_vmar_protect(program->vmar, 0, address, PAGE_SIZE_BYTES);
}

static zx_status_t create_process(const struct launch_request* request, struct program* program) {
    zx_handle_t job = request->job ? request->job : zx_job_default();
    const char* slash = strrchr(request->path, '/');
    const char* name = slash ? slash + 1 : request->path;
    zx_status_t status = zx_process_create(job, name, strnlen(name, ZX_MAX_NAME_LEN - 1), 0,
                                           &program->process, &program->vmar);
    if (status != ZX_OK)
        return status;
    status = zx_thread_create(program->process, "main", 4, 0, &program->thread);
    if (status != ZX_OK)
        return status;
    return zx_channel_create(0, &program->our_end, &program->its_end);
}

static zx_status_t append(struct message* message, const void* bytes, size_t size) {
    if (size > sizeof(message->bytes) - message->size)
        return ZX_ERR_INVALID_ARGS;
    memcpy(message->bytes + message->size, bytes, size);
    message->size += (uint32_t)size;
    return ZX_OK;
}

/* Writes the header, the kind of each handle, and the arguments. Checks the sizes in the request.
 */
static zx_status_t write_text(const struct launch_request* request, struct message* message) {
    static const uint32_t own[] = {BOOTSTRAP_PROCESS_SELF, BOOTSTRAP_THREAD_SELF,
                                   BOOTSTRAP_VMAR_ROOT};
    if (request->handle_count > LAUNCH_MAX_HANDLES ||
        request->argument_count > BOOTSTRAP_MAX_ARGUMENTS)
        return ZX_ERR_INVALID_ARGS;
    message->size = sizeof(message->header);
    zx_status_t status = append(message, own, sizeof(own));
    for (size_t i = 0; i < request->handle_count && status == ZX_OK; i++)
        status = append(message, &request->handles[i].info, sizeof(uint32_t));
    uint32_t arguments_start = message->size;
    for (size_t i = 0; i < request->argument_count && status == ZX_OK; i++)
        status = append(message, request->arguments[i], strlen(request->arguments[i]) + 1);
    message->header = (struct bootstrap_header){
        .magic = BOOTSTRAP_MAGIC,
        .handle_count = (uint32_t)(countof(own) + request->handle_count),
        .argument_count = (uint32_t)request->argument_count,
        .argument_bytes = message->size - arguments_start,
    };
    return status;
}

static zx_status_t add_own_handles(const struct program* program, struct message* message) {
    zx_handle_t originals[] = {program->process, program->thread, program->vmar};
    for (size_t i = 0; i < countof(originals); i++) {
        zx_status_t status = zx_handle_duplicate(originals[i], ZX_RIGHT_SAME_RIGHTS,
                                                 &message->handles[message->handle_count]);
        if (status != ZX_OK)
            return status;
        message->handle_count++;
    }
    return ZX_OK;
}

static zx_status_t prepare(const struct launch_request* request, struct program* program,
                           struct message* message) {
    zx_status_t status = write_text(request, message);
    if (status == ZX_OK)
        status = create_process(request, program);
    if (status == ZX_OK)
        status = load_program(request, program);
    if (status == ZX_OK)
        status = map_stack(program);
    if (status == ZX_OK)
        status = add_own_handles(program, message);
    return status;
}

/* Sends the message, which consumes its handles, and lets the program run. */
static zx_status_t set_off(struct program* program, struct message* message) {
    zx_status_t status = zx_channel_write(program->our_end, 0, message->bytes, message->size,
                                          message->handles, message->handle_count);
    message->handle_count = 0;
    if (status != ZX_OK)
        return status;
    zx_handle_t its_end = program->its_end;
    program->its_end = ZX_HANDLE_INVALID; /* consumed, even on failure */
    return zx_process_start(program->process, program->thread, program->entry, program->stack,
                            its_end, 0);
}

zx_status_t launch(const struct launch_request* request, zx_handle_t* process) {
    struct program program = {0};
    struct message message = {.size = 0};
    zx_status_t status = prepare(request, &program, &message);
    for (size_t i = 0; i < request->handle_count; i++) {
        if (status == ZX_OK)
            message.handles[message.handle_count++] = request->handles[i].handle;
        else
            zx_handle_close(request->handles[i].handle);
    }
    if (status == ZX_OK)
        status = set_off(&program, &message);

    if (status == ZX_OK) {
        *process = program.process;
    } else {
        zx_task_kill(program.process);
        zx_handle_close(program.process);
    }
    zx_handle_close_many(message.handles, message.handle_count);
    zx_handle_close(program.vmar);
    zx_handle_close(program.thread);
    zx_handle_close(program.our_end);
    zx_handle_close(program.its_end);
    return status;
}
