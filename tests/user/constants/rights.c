/* The default rights that a header names are those that handles have. */
#include <objects.h>
#include <test.h>

#include <zircon/process.h>
#include <zircon/rights.h>

TEST(zx_constants, default_rights_are_those_of_fresh_handles) {
    zx_handle_t handles[9], pairs[3];
    EXPECT_OK(zx_channel_create(0, &handles[0], &pairs[0]));
    EXPECT_OK(zx_event_create(0, &handles[1]));
    EXPECT_OK(zx_eventpair_create(0, &handles[2], &pairs[1]));
    EXPECT_OK(zx_job_create(zx_job_default(), 0, &handles[3]));
    EXPECT_OK(zx_process_create(handles[3], "p", 1, 0, &handles[4], &handles[5]));
    EXPECT_OK(zx_thread_create(handles[4], "t", 1, 0, &handles[6]));
    EXPECT_OK(zx_socket_create(0, &handles[7], &pairs[2]));
    EXPECT_OK(zx_vmo_create(1, 0, &handles[8]));
    static const zx_rights_t expected[] = {
        ZX_DEFAULT_CHANNEL_RIGHTS, ZX_DEFAULT_EVENT_RIGHTS,   ZX_DEFAULT_EVENTPAIR_RIGHTS,
        ZX_DEFAULT_JOB_RIGHTS,     ZX_DEFAULT_PROCESS_RIGHTS, ZX_DEFAULT_VMAR_RIGHTS,
        ZX_DEFAULT_THREAD_RIGHTS,  ZX_DEFAULT_SOCKET_RIGHTS,  ZX_DEFAULT_VMO_RIGHTS,
    };
    for (size_t i = 0; i < countof(handles); i++)
        EXPECT_EQUAL(handle_rights(handles[i]), expected[i]);
    EXPECT_OK(zx_handle_close_many(handles, countof(handles)));
    EXPECT_OK(zx_handle_close_many(pairs, countof(pairs)));
}
