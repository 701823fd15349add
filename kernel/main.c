/* The order in which Jacinth comes to life. */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/turns.h>
#include <arch/upcalls.h>
#include <boot/acpi.h>
#include <boot/boot_info.h>
#include <boot/copying.h>
#include <boot/first_process.h>
#include <debug/board.h>
#include <debug/console.h>
#include <debug/crash.h>
#include <debug/emergency_console.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <ipc/message_cycle.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <pc/machine.h>
#include <pc/screen.h>
#include <sched/cleaner.h>
#include <sched/console_output.h>
#include <sched/sched.h>
#include <sched/thread.h>
#include <syscall/debug.h>

#define BANNER "Jacinth\n"
#define LOW_MEMORY_END (1ul << 20) /* firmware tables and the CPU start trampoline stay put */
#define BOOT_MAP_END (4ul << 30)   /* what the boot page tables cover */

static struct boot_info boot_info;
static struct machine_description machine;

extern char kernel_start[], kernel_end[];

/* Runs the tests that match the pattern, and stops the machine. It is in tests/kernel, and NULL in
 * a kernel that is linked without the tests. */
__attribute__((weak)) void selftest_run(const char* pattern, size_t length);

/* Takes the memory that is already in use out of the free memory. */
static void reserve_boot_memory(void) {
    struct physical_range image = {kernel_image_to_physical(kernel_start).value,
                                   kernel_image_to_physical(kernel_end).value};
    boot_info_reserve(&boot_info, (struct physical_range){0, LOW_MEMORY_END});
    boot_info_reserve(&boot_info, image);
    boot_info_reserve(&boot_info, boot_info.bootfs);
}

/* Memory that the boot tables do not map is added once the final direct map covers it. */
static void memory_init(void) {
    page_init(boot_info.ram, boot_info.ram_count);
    page_init_cpu();
    paging_init(boot_info.ram, boot_info.ram_count);
    for (size_t i = 0; i < boot_info.ram_count; i++) {
        struct physical_range range = boot_info.ram[i];
        range.start = MAX(range.start, BOOT_MAP_END);
        if (range.start < range.end)
            page_add_range(range);
    }
    slab_init();
}

static void select_log_level(void) {
    static const char* const names[] = {"error", "warning", "info", "debug"};
    for (size_t level = 0; level < ARRAY_LENGTH(names); level++)
        if (boot_option_is(&boot_info, "jacinth.log", names[level]))
            log_set_console_level((enum log_level)level);
}

static void start_turns(void) {
    uint64_t seed = boot_option_number(&boot_info, "jacinth.turns", 0);
    if (seed == 0)
        return;
    turns_start(seed);
    sched_take_turns();
}

/* Does what the command line requests besides starting user mode. The thread is urgent, so it ends
 * before the first program counts the kernel's objects. The tests run at the usual priority. */
static void run_boot_requests(void* unused) {
    (void)unused;
    size_t length;
    const char* request = boot_option(&boot_info, "jacinth.crash", &length);
    if (request)
        crash_deliberately(request, length);
    request = boot_option(&boot_info, "jacinth.selftest", &length);
    if (request) {
        if (!selftest_run)
            boot_fail("this kernel has no tests");
        thread_set_priority(thread_current(), THREAD_PRIORITY_DEFAULT);
        selftest_run(request, length);
    }
    first_process_start(&boot_info);
}

/* Each other CPU, on its own stack. The stack becomes the stack of the CPU's idle thread. */
void secondary_cpu_main(void) {
    page_init_cpu();
    thread_init_cpu();
    sched_take_turns();
    interrupts_enable();
    sched_idle();
}

void kernel_main(uint32_t magic, uint64_t info_address) {
    machine_early_init();
    console_printf(BANNER);
    loader_read(magic, info_address, &boot_info);
    select_log_level();
    reserve_boot_memory();
    copying_choose(&boot_info);
    memory_init();
    acpi_describe_machine(&boot_info, &machine);
    screen_init(&boot_info.screen);
    screen_put(BANNER, sizeof(BANNER) - 1); /* the serial line has shown it before */
    thread_init_cpu();
    machine_init(&machine);
    console_enable_interrupts(debug_input_arrived, EMERGENCY_CONSOLE_KEY, emergency_console_run);
    start_turns();
    message_cycle_init();
    interrupts_enable();
    machine_start_cpus(&machine, (uint32_t)boot_option_number(&boot_info, "jacinth.cpus", 0));
    log_info("%u CPUs, %zu MiB free, booted by %s", cpu_count(), page_count_free() >> 8,
             boot_info.loader);

    struct thread* thread =
        thread_create("boot", run_boot_requests, NULL, THREAD_PRIORITY_USER_MAX);
    if (!thread || !cleaner_start())
        boot_fail("not enough memory to start");
    console_output_start();
    thread_start(thread);
    thread_release(thread);
    sched_idle();
}
