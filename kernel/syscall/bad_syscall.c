#include <abi/errors.h>
#include <arch/upcalls.h>

zx_status_t sys_bad_syscall(void) {
    return ZX_ERR_BAD_SYSCALL;
}
