/* The report of a test program to the program that started it. It lies in a VMO and is written
 * while the tests run; the starter reads it after the process has ended. So the totals are right
 * even if the program crashed. */
#pragma once

#include <jacinth/bootstrap.h>

#define TEST_REPORT_INFO BOOTSTRAP_INFO(BOOTSTRAP_USER, 1)

struct test_report {
    uint32_t passed, failed, skipped;
    uint32_t is_complete; /* 1: every requested test has run */
    char suite[64];       /* the test that runs now; empty: none */
    char name[128];
};
