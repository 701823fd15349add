/* Error numbers in words. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

_Thread_local int errno;

static const struct {
    int number;
    const char* text;
} messages[] = {
    {0, "no error"},
    {EPERM, "not permitted"},
    {ENOENT, "no such file"},
    {EINTR, "interrupted"},
    {EIO, "input or output failed"},
    {E2BIG, "too many arguments"},
    {EBADF, "bad descriptor"},
    {EAGAIN, "try again"},
    {ENOMEM, "out of memory"},
    {EACCES, "access denied"},
    {EFAULT, "bad address"},
    {EBUSY, "busy"},
    {EEXIST, "exists already"},
    {EINVAL, "invalid argument"},
    {EPIPE, "broken pipe"},
    {EDOM, "argument outside the function's domain"},
    {ERANGE, "result out of range"},
    {EDEADLK, "deadlock"},
    {ENOSYS, "not implemented"},
    {EOVERFLOW, "value too large"},
    {EILSEQ, "invalid byte sequence"},
    {ENOTSUP, "not supported"},
    {ETIMEDOUT, "timed out"},
    {ECANCELED, "canceled"},
};

char* strerror(int number) {
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        if (messages[i].number == number)
            return (char*)messages[i].text;
    return (char*)"unknown error";
}

void perror(const char* text) {
    const char* message = strerror(errno);
    if (text && *text)
        fprintf(stderr, "%s: %s\n", text, message);
    else
        fprintf(stderr, "%s\n", message);
}
