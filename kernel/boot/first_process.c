#include <boot/first_process.h>

#include <abi/bootstrap.h>
#include <arch/layout.h>
#include <boot/boot_info.h>
#include <boot/bootfs.h>
#include <boot/elf.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/vmar.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <mm/vmo_copy.h>
#include <ipc/channel.h>
#include <task/job.h>
#include <task/leak_check.h>
#include <task/process.h>
#include <task/user_thread.h>
#include <object/resource.h>
#include <object/vmar_object.h>
#include <object/vmo_object.h>

#define DEFAULT_PROGRAM "bin/init"
#define OPTION_PREFIX "jacinth."
#define STACK_SIZE (256ul << 10)

/* Stops the boot after a failure that is not the archive's fault. No program runs yet that could
 * handle an error. */
static void require(zx_status_t status, const char* what) {
    if (status != ZX_OK)
        boot_fail("%s: error %d", what, status);
}

static void* require_memory(void* object) {
    if (!object)
        boot_fail("not enough memory to start the first program");
    return object;
}

/* --- arguments -------------------------------------------------------------------------------- */

/* NUL-terminated strings, one after another. */
struct arguments {
    char text[MESSAGE_KERNEL_BYTES_MAX / 2];
    uint32_t size, count;
};

static void add_argument(struct arguments* arguments, const char* text, size_t length) {
    if (length + 1 > sizeof(arguments->text) - arguments->size)
        boot_fail("the command line is too long for the first program's arguments");
    memcpy(arguments->text + arguments->size, text, length);
    arguments->text[arguments->size + length] = '\0';
    arguments->size += (uint32_t)length + 1;
    arguments->count++;
}

/* Splits `text` at each `separator`, and adds the pieces that begin with `prefix`. */
static void add_pieces(struct arguments* arguments, const char* text, size_t length, char separator,
                       const char* prefix) {
    for (size_t start = 0, end; start < length; start = end + 1) {
        for (end = start; end < length && text[end] != separator; end++)
            continue;
        if (end > start && end - start >= strlen(prefix) &&
            strncmp(text + start, prefix, strlen(prefix)) == 0)
            add_argument(arguments, text + start, end - start);
    }
}

/* The first argument is the program's name. */
static void collect_arguments(const struct boot_info* info, struct arguments* arguments) {
    size_t length;
    const char* run = boot_option(info, "jacinth.run", &length);
    if (run) {
        add_pieces(arguments, run, length, ',', "");
    } else {
        add_argument(arguments, DEFAULT_PROGRAM, strlen(DEFAULT_PROGRAM));
        add_pieces(arguments, info->command_line, strlen(info->command_line), ' ', OPTION_PREFIX);
    }
    if (arguments->count == 0)
        boot_fail("jacinth.run names no program");
}

/* --- the boot archive --------------------------------------------------------------------------
 */

static const void* archive_open(const struct boot_info* info, size_t* size) {
    if (info->bootfs.start == info->bootfs.end)
        boot_fail("the boot archive is missing: the loader gave no module");
    const void* archive = physical_to_virtual(physical_address(info->bootfs.start));
    *size = info->bootfs.end - info->bootfs.start;
    const char* problem = bootfs_check(archive, *size);
    if (problem)
        boot_fail("the boot archive is corrupt: %s", problem);
    return archive;
}

/* Returns the archive as a VMO. It is the archive's own memory if that begins at a page, else a
 * copy. */
static struct object* archive_vmo(const struct boot_info* info, void* archive, size_t size) {
    struct vmo* vmo;
    if (IS_ALIGNED(info->bootfs.start, PAGE_SIZE)) {
        size_t whole_pages = ALIGN_UP(size, PAGE_SIZE);
        memset((char*)archive + size, 0, whole_pages - size); /* the last page has no other data */
        require(vmo_create_physical(physical_address(info->bootfs.start), whole_pages, &vmo),
                "the boot archive's VMO");
    } else {
        require(vmo_create(size, &vmo), "the boot archive's VMO");
        require(vmo_write(vmo, archive, 0, size), "the boot archive's VMO");
    }
    struct vmo_object* object = require_memory(vmo_object_create(vmo));
    strlcpy(object->name, "bootfs", sizeof(object->name));
    return &object->object;
}

/* --- memory of the program -------------------------------------------------------------------- */

/* Each segment has a VMO of its own. */
static void load_segment(const struct elf_segment* segment, const uint8_t* file,
                         struct vmar* vmar) {
    uint64_t in_page = segment->address % PAGE_SIZE;
    size_t size = ALIGN_UP(in_page + segment->memory_size, PAGE_SIZE);
    struct vmo* vmo;
    virtual_address_t mapped;
    require(vmo_create(size, &vmo), "the first program's memory");
    require(vmo_write(vmo, file + segment->file_offset, in_page, segment->file_size),
            "the first program's memory");
    require(vmar_map(vmar,
                     &(struct vmar_map_request){.options = segment->permissions | ZX_VM_SPECIFIC,
                                                .allowed = segment->permissions,
                                                .vmar_offset = segment->address - in_page,
                                                .vmo = vmo,
                                                .size = size},
                     &mapped),
            "the first program's mapping");
    vmo_release(vmo);
}

/* Returns the random address at which the image was loaded. */
static uintptr_t load_image(const struct elf_image* image, const uint8_t* file, struct vmar* root) {
    struct vmar* vmar;
    virtual_address_t base;
    require(vmar_allocate(root,
                          ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE |
                              ZX_VM_CAN_MAP_SPECIFIC,
                          0, image->span, &vmar, &base),
            "the first program's address range");
    for (size_t i = 0; i < image->segment_count; i++)
        load_segment(&image->segments[i], file, vmar);
    vmar_release(vmar);
    return base;
}

/* Returns the program's entry point. */
static uintptr_t load_program(const char* name, const void* archive, size_t archive_size,
                              struct vmar* root) {
    struct bootfs_file file;
    struct elf_image image;
    if (!bootfs_find(archive, archive_size, name, &file))
        boot_fail("the boot archive has no %s", name);
    const char* problem = elf_check(file.data, file.size, &image);
    if (problem)
        boot_fail("%s %s", name, problem);
    return load_image(&image, file.data, root) + image.entry;
}

/* Returns the end of the stack. It is loaded like a program of one segment without contents. The
 * first page of its range is a guard page: never mapped. */
static uintptr_t make_stack(struct vmar* root) {
    static const struct elf_image stack = {
        .span = PAGE_SIZE + STACK_SIZE,
        .segment_count = 1,
        .segments = {{.address = PAGE_SIZE,
                      .memory_size = STACK_SIZE,
                      .permissions = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE}},
    };
    return load_image(&stack, NULL, root) + stack.span;
}

/* --- the bootstrap message ----------------------------------------------------------------------
 */

#define BOOTSTRAP_HANDLES_MAX 8

/* The first message before it is sent. It begins as the message does: the header, and then the
 * words for the handles. */
struct bootstrap {
    struct bootstrap_header header;
    uint32_t infos[BOOTSTRAP_HANDLES_MAX];
    struct handle handles[BOOTSTRAP_HANDLES_MAX];
};

/* Adds a handle with the usual rights; consumes the caller's reference to the object. */
static struct handle* add_handle(struct bootstrap* bootstrap, uint32_t kind,
                                 struct object* object) {
    uint32_t index = bootstrap->header.handle_count++;
    ASSERT(index < BOOTSTRAP_HANDLES_MAX);
    object_handle_added(object);
    bootstrap->infos[index] = BOOTSTRAP_INFO(kind, 0);
    bootstrap->handles[index] = (struct handle){object, object->ops->default_rights};
    return &bootstrap->handles[index];
}

static struct message* make_message(struct bootstrap* bootstrap,
                                    const struct arguments* arguments) {
    char bytes[MESSAGE_KERNEL_BYTES_MAX];
    uint32_t handle_count = bootstrap->header.handle_count;
    size_t size = sizeof(bootstrap->header) + handle_count * sizeof(bootstrap->infos[0]);
    bootstrap->header.magic = BOOTSTRAP_MAGIC;
    bootstrap->header.argument_count = arguments->count;
    bootstrap->header.argument_bytes = arguments->size;
    memcpy(bytes, bootstrap, size);
    memcpy(bytes + size, arguments->text, arguments->size);
    size += arguments->size;
    struct message* message = require_memory(message_create(bytes, (uint32_t)size, handle_count));
    memcpy(message_handles(message), bootstrap->handles, handle_count * sizeof(struct handle));
    return message;
}

/* Sends the message, and returns a handle to the channel end from which the program reads it. */
static struct handle send_message(struct message* message) {
    struct message_end *ours, *theirs;
    require(channel_create(&ours, &theirs), "the first program's bootstrap channel");
    object_handle_added(&theirs->object);
    require(message_end_push(ours, message), "the first program's bootstrap message");
    object_release(&ours->object);
    return (struct handle){&theirs->object, CHANNEL_DEFAULT_RIGHTS};
}

void first_process_start(const struct boot_info* info) {
    struct arguments arguments = {.size = 0};
    size_t archive_size;
    collect_arguments(info, &arguments);
    const void* archive = archive_open(info, &archive_size);
    const char* name = arguments.text;
    leak_check_begin();

    struct job* root_job;
    struct process* process;
    struct user_thread* thread;
    require(job_create(NULL, &root_job), "the root job");
    require(process_create(root_job, name, &process), "the first process");
    require(user_thread_create(process, "main", &thread), "the first thread");
    struct vmar* root = aspace_root(process->aspace);
    struct start_place start;
    start.entry = load_program(name, archive, archive_size, root);
    start.stack = make_stack(root);

    struct bootstrap bootstrap = {.header = {.handle_count = 0}};
    struct vmar_object* root_vmar = require_memory(vmar_object_create(process->aspace, root));
    add_handle(&bootstrap, BOOTSTRAP_PROCESS_SELF, &process->object);
    add_handle(&bootstrap, BOOTSTRAP_THREAD_SELF, &thread->object);
    add_handle(&bootstrap, BOOTSTRAP_VMAR_ROOT, &root_vmar->object);
    add_handle(&bootstrap, BOOTSTRAP_JOB, &root_job->object);
    add_handle(&bootstrap, BOOTSTRAP_BOOTFS, archive_vmo(info, (void*)archive, archive_size))
        ->rights = VMO_READ_ONLY_RIGHTS;
    add_handle(&bootstrap, BOOTSTRAP_RESOURCE, require_memory(resource_create()));
    struct handle channel = send_message(make_message(&bootstrap, &arguments));

    log_info("starting %s", name);
    require(user_thread_claim(thread, &start, PROCESS_INITIAL), "the first process");
    bool is_given = user_thread_run_with_handle(thread, channel, 0);
    ASSERT(is_given);
}
