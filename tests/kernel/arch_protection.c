/* What the processor forbids on every CPU, and that access to user memory is closed while other
 * code runs. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/preempt.h>
#include <arch/user_copy.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/vmar_map.h>
#include <mm/vmo.h>
#include <sched/thread.h>
#include <sched/timer.h>

#include "../../arch/x86_64/registers.h"
#include "all_cpus.h"
#include "selftest.h"

#define CR0_WP (1ul << 16)
#define SIZE (2 * PAGE_SIZE)

static uint64_t read_msr(uint32_t number) {
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static uint64_t read_cr4(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr0(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static bool access_is_open(void) {
    uint64_t flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    return flags & RFLAGS_AC;
}

/* --- registers -------------------------------------------------------------------------------- */

static void look_at_protections(void* cpu) {
    uint64_t cr4 = read_cr4();
    (void)cpu;
    EXPECT(read_cr0() & CR0_WP);
    EXPECT_EQUAL(!(cr4 & CR4_SMEP), !cpu_features.has_smep);
    EXPECT_EQUAL(!(cr4 & CR4_SMAP), !cpu_features.has_smap);
    EXPECT_EQUAL(!(cr4 & CR4_UMIP), !cpu_features.has_umip);
    EXPECT_EQUAL(!(read_msr(MSR_EFER) & EFER_NXE), !cpu_features.has_nx);
}

SELFTEST(protection, what_the_cpu_can_forbid_is_forbidden_on_every_cpu) {
    EXPECT(run_on_all_cpus(look_at_protections));
}

/* User mode sets these flags as it likes; in the kernel they would open access to user memory, step
 * through it, or copy backwards. */
static void look_at_entry(void* cpu) {
    const uint64_t cleared =
        RFLAGS_AC | RFLAGS_DF | RFLAGS_IF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_TF;
    (void)cpu;
    EXPECT_EQUAL(read_msr(MSR_FMASK) & cleared, cleared);
    EXPECT_EQUAL(read_msr(MSR_SYSENTER_CS) & 0xffff, 0);
}

SELFTEST(protection, system_calls_clear_the_flags_and_sysenter_leads_nowhere) {
    EXPECT(run_on_all_cpus(look_at_entry));
}

/* --- access to user memory -------------------------------------------------------------------- */

struct interruption {
    struct timer timer;
    _Atomic bool has_come;
    bool was_open;
};

static void note_interruption(struct timer* timer) {
    struct interruption* interruption = CONTAINER_OF(timer, struct interruption, timer);
    interruption->was_open = access_is_open();
    atomic_store(&interruption->has_come, true);
}

/* The handler of an interrupt that comes while access is open finds it closed; then it is open
 * again. */
SELFTEST(protection, an_interrupt_closes_access_to_user_memory) {
    struct interruption interruption = {.was_open = true};
    if (!cpu_features.has_smap)
        return;
    timer_init(&interruption.timer, note_interruption);
    preempt_disable();
    timer_arm(&interruption.timer, clock_now());
    user_access_open();
    bool was_open = access_is_open();
    while (!atomic_load(&interruption.has_come))
        ;
    bool is_open = access_is_open();
    user_access_close();
    bool is_open_at_last = access_is_open();
    preempt_enable();
    (void)timer_cancel(&interruption.timer);
    EXPECT(was_open);
    EXPECT(!interruption.was_open);
    EXPECT(is_open);
    EXPECT(!is_open_at_last);
}

/* --- copies ----------------------------------------------------------------------------------- */

static const size_t sizes[] = {1, 8, 63, 1023, 1024, 1025, PAGE_SIZE, SIZE};
static uint8_t bytes[SIZE], seen[SIZE];
static virtual_address_t user; /* SIZE bytes, and nothing behind them */

/* In a thread with an address space. */
static void copy_and_look(void* unused) {
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        memset(bytes, (int)i + 1, sizes[i]);
        EXPECT(user_copy_out(user, bytes, sizes[i]));
        EXPECT(!access_is_open());
        EXPECT(user_copy_in(seen, user, sizes[i]));
        EXPECT(!access_is_open());
        EXPECT(memcmp(seen, bytes, sizes[i]) == 0);
        EXPECT(user_copy_out_with_size(user, bytes, sizes[i], user, 1));
        EXPECT(!access_is_open());
        EXPECT(user_copy_in_with_size(seen, user, sizes[i], user, 1));
        EXPECT(!access_is_open());
    }
}

static void fail_to_copy_and_look(void* unused) {
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        const virtual_address_t bad[] = {8, user + SIZE, user + SIZE - sizes[i] / 2};
        for (size_t k = 0; k < ARRAY_LENGTH(bad); k++) {
            EXPECT(!user_copy_in(seen, bad[k], sizes[i]));
            EXPECT(!access_is_open());
            EXPECT(!user_copy_out(bad[k], bytes, sizes[i]));
            EXPECT(!access_is_open());
            EXPECT(!user_copy_out_with_size(bad[k], bytes, sizes[i], user, 1));
            EXPECT(!access_is_open());
            EXPECT(!user_copy_in_with_size(seen, bad[k], sizes[i], user, 1));
            EXPECT(!access_is_open());
            EXPECT(!user_fault_in(bad[k], sizes[i], true));
            EXPECT(!access_is_open());
        }
    }
}

static void run_with_user_memory(void (*function)(void*)) {
    const uint32_t read_write = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
    struct aspace* aspace;
    struct vmo* vmo;
    EXPECT_OK(aspace_create(&aspace));
    EXPECT_OK(vmo_create(SIZE, &vmo));
    EXPECT_OK(vmar_map(aspace_root(aspace),
                       &(struct vmar_map_request){read_write, read_write, 0, vmo, 0, SIZE, NULL},
                       &user));
    struct thread* thread = thread_create("user memory", function, NULL, THREAD_PRIORITY_DEFAULT);
    EXPECT(thread != NULL);
    thread->aspace = aspace;
    thread_start(thread);
    thread_join(thread);
    thread_release(thread);
    vmo_release(vmo);
    aspace_release(aspace);
}

SELFTEST(protection, a_copy_leaves_access_to_user_memory_closed) {
    run_with_user_memory(copy_and_look);
}

SELFTEST(protection, a_copy_that_fails_leaves_access_to_user_memory_closed) {
    run_with_user_memory(fail_to_copy_and_look);
}
