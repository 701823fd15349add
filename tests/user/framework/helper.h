/* A second process for a test: the program itself, started again with a role and a channel.
 *
 *     HELPER(echo) {                       // int echo(zx_handle_t channel)
 *         ...
 *         return 0;
 *     }
 *
 *     struct helper helper;
 *     CHECK(helper_start(&helper, "echo"));
 *     ... zx_channel_write(helper.channel, ...) ...
 *     CHECK(helper_finish(&helper, 0));
 */
#pragma once

#include <jacinth/bootstrap.h>
#include <zircon/syscalls.h>

#define HELPER_ARGUMENT "helper="
#define HELPER_CHANNEL_INFO BOOTSTRAP_INFO(BOOTSTRAP_USER, 2)

struct helper_role {
    const char* name;
    int (*function)(zx_handle_t channel);
};

#define HELPER(role)                                                                              \
    static int helper_##role(zx_handle_t channel);                                                \
    static const struct helper_role role_##role                                                   \
        __attribute__((__used__, __aligned__(8), __section__("helper_roles"))) = {#role,          \
                                                                                  helper_##role}; \
    static int helper_##role(zx_handle_t channel)

struct helper {
    zx_handle_t process;
    zx_handle_t channel; /* our end; the helper has the other */
};

/* Starts it; fails the test if that fails. It has duplicates of our resource, boot archive and job.
 */
void helper_start(struct helper* helper, const char* role);
/* The same in a job of ours; returns the status of the launch. On failure nothing is open. */
zx_status_t helper_start_in(struct helper* helper, const char* role, zx_handle_t job);
/* Waits for its end, closes both handles, and fails the test unless it returned `expected`. */
void helper_finish(struct helper* helper, int64_t expected);
/* The same of a helper that ends when our end of the channel is closed. */
void helper_hang_up(struct helper* helper, int64_t expected);
/* Kills it and waits for its end; both handles stay open. Fails the test if it ended by itself. */
void helper_kill(const struct helper* helper);
/* Waits some seconds until the process has ended, and stores its return code. */
zx_status_t helper_wait(const struct helper* helper, int64_t* return_code);
void helper_close(struct helper* helper);

/* A helper that has set all up reports so; its starter waits for that. */
void helper_report_ready(zx_handle_t channel);
void helper_wait_until_ready(const struct helper* helper);

/* Blocks until the channel is readable or its peer closed, then reads a message of at most `size`
 * bytes and `room` handles. */
zx_status_t channel_receive(zx_handle_t channel, void* bytes, uint32_t size, uint32_t* actual,
                            zx_handle_t* handles, uint32_t room, uint32_t* actual_handles);

/* For the framework's main. */
void helper_set_program(const char* path);
int helper_run(const char* role);
