#include "call_notes.h"

#include <string.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>

/* The stubs know these two sizes: the byte for call 26 and error -11 is at 26 * 128 + 11. */
#define CALL_COUNT 128u
#define ERROR_COUNT 128u
#define NOTES_SIZE (CALL_COUNT * ERROR_COUNT)

static uint8_t own_notes[NOTES_SIZE];
static zx_handle_t shared_vmo;

/* What the stubs write to: ours until the shared VMO is mapped. */
uint8_t* call_notes = own_notes;

static void use(zx_handle_t vmo) {
    zx_vaddr_t address;
    if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, NOTES_SIZE,
                    &address) == ZX_OK)
        call_notes = (uint8_t*)address;
}

/* All pages are touched now: a page that a note needs later would look like a leak of its test. */
void call_notes_create(void) {
    if (zx_vmo_create(NOTES_SIZE, 0, &shared_vmo) == ZX_OK)
        use(shared_vmo);
    memset(call_notes, 0, NOTES_SIZE);
}

void call_notes_join(zx_handle_t vmo) {
    use(vmo);
    zx_handle_close(vmo);
}

zx_handle_t call_notes_duplicate(void) {
    zx_handle_t copy = ZX_HANDLE_INVALID;
    zx_handle_duplicate(shared_vmo, ZX_RIGHT_SAME_RIGHTS, &copy);
    return copy;
}

bool call_notes_take(uint32_t* position, struct call_note* note) {
    while (*position < NOTES_SIZE && !call_notes[*position])
        ++*position;
    if (*position == NOTES_SIZE)
        return false;
    call_notes[*position] = 0;
    note->number = *position / ERROR_COUNT;
    note->error = -(zx_status_t)(*position % ERROR_COUNT);
    return true;
}
