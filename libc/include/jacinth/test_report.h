/* What a test program tells the one who started it: a VMO, written as the tests go, read when the
 * process has ended. So the totals are right even when the program crashed. */
#pragma once

#include <jacinth/bootstrap.h>

#define TEST_REPORT_INFO BOOTSTRAP_INFO(BOOTSTRAP_USER, 1)

struct test_report {
    uint32_t passed, failed;
    uint32_t is_complete; /* 1: every test that was asked for has run */
    char suite[64];       /* the test under way; empty: none */
    char name[128];
};
