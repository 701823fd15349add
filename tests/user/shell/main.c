/* What a program can do that was started at the prompt. The runner types `run test/shell SUITE`
 * there (scripts/run_tests.py): under the test runner of init these tests would have its resource.
 */
#include <jacinth/bootstrap.h>
#include <test.h>
#include <zircon/process.h>

/* So that the program has a test in every run. */
TEST(in_a_test_run, a_program_has_the_resource) {
    EXPECT(bootstrap_borrow(BOOTSTRAP_RESOURCE) != ZX_HANDLE_INVALID);
}

/* What the shell gives, and what libc knows by name. */
TEST_ON_DEMAND(at_the_prompt, a_program_has_no_resource) {
    EXPECT_EQUAL(bootstrap_borrow(BOOTSTRAP_RESOURCE), ZX_HANDLE_INVALID);
    EXPECT(bootstrap_borrow(BOOTSTRAP_BOOTFS) != ZX_HANDLE_INVALID);
    EXPECT(zx_job_default() != ZX_HANDLE_INVALID);
}

TEST_ON_DEMAND(at_the_prompt, no_handle_switches_the_machine_off) {
    zx_handle_t handles[] = {zx_process_self(), zx_thread_self(), zx_vmar_root_self(),
                             zx_job_default(), bootstrap_borrow(BOOTSTRAP_BOOTFS)};
    for (size_t i = 0; i < countof(handles); i++)
        EXPECT_STATUS(zx_system_exit(handles[i], 1), ZX_ERR_WRONG_TYPE);
    EXPECT_STATUS(zx_system_exit(ZX_HANDLE_INVALID, 1), ZX_ERR_BAD_HANDLE);
}

TEST_ON_DEMAND(at_the_prompt, the_boot_archive_cannot_be_written) {
    char byte = 0;
    zx_handle_t archive = bootstrap_borrow(BOOTSTRAP_BOOTFS);
    EXPECT_STATUS(zx_vmo_write(archive, &byte, 0, sizeof(byte)), ZX_ERR_ACCESS_DENIED);
}

/* The job is the program's own: the shell goes on, and says how the program ended. */
TEST_ON_DEMAND(killed_job, ends_this_program_only) {
    zx_task_kill(zx_job_default());
    zx_nanosleep(ZX_TIME_INFINITE);
    EXPECT(false);
}
