#include <sched/sched_cpu.h>

struct sched_cpu sched_cpus[CPU_MAX];
