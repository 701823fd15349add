/* What zx_job_set_policy takes. */
#pragma once

#include <abi/policy.h>
#include <zircon/types.h>
