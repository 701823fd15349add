#include "hand_made.h"

#include <test.h>
#include <zircon/process.h>

void hand_made_create(struct hand_made* made) {
    static const unsigned char code[] = {
        0x48, 0x01, 0xf7,             /* add rdi, rsi */
        0xb8, 67,   0x00, 0x00, 0x00, /* mov eax, process_exit */
        0x0f, 0x05,                   /* syscall */
    };
    zx_handle_t vmo;
    EXPECT_OK(zx_process_create(zx_job_default(), "made", 4, 0, &made->process, &made->vmar));
    EXPECT_OK(zx_thread_create(made->process, "main", 4, 0, &made->thread));
    EXPECT_OK(zx_vmo_create(PAGE_SIZE_BYTES, 0, &vmo));
    EXPECT_OK(zx_vmo_write(vmo, code, 0, sizeof(code)));
    EXPECT_OK(zx_vmar_map(made->vmar, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0,
                          PAGE_SIZE_BYTES, &made->code));
    made->stack = made->code;
    EXPECT_OK(zx_handle_close(vmo));
}

void hand_made_destroy(struct hand_made* made) {
    zx_task_kill(made->process);
    zx_handle_close(made->process);
    zx_handle_close(made->vmar);
    zx_handle_close(made->thread);
}
