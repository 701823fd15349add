/* The few POSIX calls that make sense here. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <zircon/compiler.h>

#define STDOUT_FILENO 1
#define STDERR_FILENO 2

ssize_t write(int descriptor, const void* data, size_t size); /* to descriptor 1 or 2 */
unsigned int sleep(unsigned int seconds);
int usleep(useconds_t microseconds);
pid_t getpid(void); /* the process's koid */
__NO_RETURN void _exit(int status);
