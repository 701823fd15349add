/* Stacks of threads. Each is one mapping, with a guard page at its low end and the thread's TLS at
 * its high end. Some free stacks are kept, because making a stack is most of the cost of a thread.
 */
#include <internal/stack.h>
#include <internal/lock.h>

#include <zircon/process.h>
#include <zircon/syscalls.h>

#define STACK_MAPPING_SIZE (256u << 10)
#define SPARE_STACK_LIMIT 16

static atomic_int spare_lock; /* guards the two below */
static struct thread_control* spare_stacks;
static unsigned spare_count;

static struct thread_control* take_spare(void) {
    lock_acquire(&spare_lock);
    struct thread_control* thread = spare_stacks;
    if (thread) {
        spare_stacks = thread->next;
        spare_count--;
    }
    lock_release(&spare_lock);
    return thread;
}

static bool keep_as_spare(struct thread_control* thread) {
    lock_acquire(&spare_lock);
    bool keep = spare_count < SPARE_STACK_LIMIT;
    if (keep) {
        thread->next = spare_stacks;
        spare_stacks = thread;
        spare_count++;
    }
    lock_release(&spare_lock);
    return keep;
}

static zx_status_t map_stack(zx_vaddr_t* mapping) {
    zx_handle_t vmo;
    zx_status_t status = zx_vmo_create(STACK_MAPPING_SIZE, 0, &vmo);
    if (status != ZX_OK)
        return status;
    status = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0,
                         STACK_MAPPING_SIZE, mapping);
    zx_handle_close(vmo);
    if (status != ZX_OK)
        return status;
    status = zx_vmar_protect(zx_vmar_root_self(), 0, *mapping, PAGE_SIZE_BYTES);
    if (status != ZX_OK)
        zx_vmar_unmap(zx_vmar_root_self(), *mapping, STACK_MAPPING_SIZE);
    return status;
}

struct thread_control* stack_create(void) {
    void* mapping;
    struct thread_control* spare = take_spare();
    if (spare) {
        mapping = spare->mapping;
    } else {
        zx_vaddr_t address;
        if (map_stack(&address) != ZX_OK)
            return NULL;
        mapping = (void*)address;
    }
    uintptr_t block = (uintptr_t)mapping + STACK_MAPPING_SIZE - tls_size();
    struct thread_control* thread = tls_init((void*)(block & -(uintptr_t)TLS_BLOCK_ALIGNMENT));
    thread->mapping = mapping;
    return thread;
}

void stack_destroy(struct thread_control* thread) {
    if (thread->mapping && !keep_as_spare(thread))
        zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)thread->mapping, STACK_MAPPING_SIZE);
}

uintptr_t stack_top(const struct thread_control* thread) {
    uintptr_t top = (uintptr_t)thread + sizeof(*thread) - tls_size();
    return top & -(uintptr_t)TLS_BLOCK_ALIGNMENT;
}
