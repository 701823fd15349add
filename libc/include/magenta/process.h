/* The handles that every program has; see <zircon/process.h>. */
#pragma once

#include <magenta/types.h>
#include <zircon/process.h>

#define mx_process_self zx_process_self
#define mx_thread_self zx_thread_self
#define mx_vmar_root_self zx_vmar_root_self
#define mx_job_default zx_job_default
