/* The arguments of zx_job_set_policy. */
#pragma once

#include <abi/policy.h>
#include <zircon/types.h>
