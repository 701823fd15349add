#include <abi/errors.h>
#include <syscall/syscall.h>

zx_status_t sys_bad_syscall(void) {
    return ZX_ERR_BAD_SYSCALL;
}
