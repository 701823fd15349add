/* Copy-on-write under pressure: several threads write to shared pages of one VMO while it is being
 * cloned. The VMO is mapped many times. So it takes long to take a page out of all mappings, and a
 * more urgent thread of the same CPU often interrupts that. */
#include <objects.h>
#include <test.h>

#include <stdatomic.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/threads.h>

#define PAGE PAGE_SIZE_BYTES
#define PAGES 4u
#define MAPPINGS 120u
#define CPUS_MAX 8u
#define PRIORITY_SLOW 16u
#define PRIORITY_URGENT 20u
#define PRIORITY_TEST 24u
#define PRIORITY_NORMAL 16u
#define ROUNDS 25u
#define PATIENCE ZX_SEC(100)
#define ANY_CHILD \
    (ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC)
#define READ_WRITE (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE)

/* The VMO of one test, and its mappings in a VMAR of their own. */
static zx_handle_t vmo, vmar;
static uint32_t* memory; /* the mapping that threads write through: one in the middle */
static _Atomic bool is_over, has_lost_a_write;

enum way {
    BY_FAULT,
    BY_CALL,
};

/* One of several threads: it counts in a word of its own of some page. */
struct writer {
    thrd_t thread;
    size_t word;
    zx_handle_t handle;
    uint32_t cpu, priority;
    enum way way;
    _Atomic uint32_t count;
    _Atomic bool has_ended;
};

static uint32_t count_cpus(void) {
    uint32_t count = 1;
    while (count < CPUS_MAX && zx_thread_set_affinity(zx_thread_self(), 1u << count) == ZX_OK)
        count++;
    zx_thread_set_affinity(zx_thread_self(), UINT32_MAX);
    return count;
}

static void set_up(void) {
    zx_vaddr_t base, address;
    atomic_store(&is_over, false);
    atomic_store(&has_lost_a_write, false);
    EXPECT_OK(zx_thread_set_priority(zx_thread_self(), PRIORITY_TEST));
    EXPECT_OK(zx_vmo_create(PAGES * PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_allocate(zx_vmar_root_self(), ANY_CHILD, 0, (MAPPINGS + 1) * PAGES * PAGE,
                               &vmar, &base));
    for (size_t i = 0; i < MAPPINGS; i++) {
        EXPECT_OK(zx_vmar_map(vmar, READ_WRITE | ZX_VM_SPECIFIC, i * PAGES * PAGE, vmo, 0,
                              PAGES * PAGE, &address));
        for (size_t page = 0; page < PAGES; page++)
            (void)*(volatile char*)(address + page * PAGE);
    }
    memory = (uint32_t*)(base + MAPPINGS / 2 * PAGES * PAGE);
}

static void tear_down(void) {
    EXPECT_OK(zx_vmar_destroy(vmar));
    EXPECT_OK(zx_handle_close(vmar));
    EXPECT_OK(zx_handle_close(vmo));
    EXPECT_OK(zx_thread_set_priority(zx_thread_self(), PRIORITY_NORMAL));
}

/* Adds one to the writer's word. What it wrote last time must still be there. */
static void count_once(struct writer* writer) {
    volatile uint32_t* word = memory + writer->word;
    uint32_t value = atomic_load(&writer->count), seen = value;
    if (writer->way == BY_CALL) {
        if (zx_vmo_read(vmo, &seen, writer->word * sizeof(seen), sizeof(seen)) != ZX_OK ||
            seen != value)
            atomic_store(&has_lost_a_write, true);
        value++;
        if (zx_vmo_write(vmo, &value, writer->word * sizeof(value), sizeof(value)) != ZX_OK)
            atomic_store(&has_lost_a_write, true);
    } else {
        if (*word != value)
            atomic_store(&has_lost_a_write, true);
        *word = ++value;
        if (*word != value)
            atomic_store(&has_lost_a_write, true);
    }
    atomic_store(&writer->count, value);
}

static void prepare(const struct writer* writer) {
    zx_thread_set_affinity(zx_thread_self(), 1u << writer->cpu);
    zx_thread_set_priority(zx_thread_self(), writer->priority);
}

/* The clone shares every page, so the next write to each has to fork it. It shows what was written
 * last before it was made. */
static int clone_and_write(void* argument) {
    struct writer* writer = argument;
    prepare(writer);
    while (!atomic_load(&is_over)) {
        zx_handle_t clone;
        uint32_t seen = 0, value = atomic_load(&writer->count);
        if (zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGES * PAGE, &clone) != ZX_OK)
            break;
        count_once(writer);
        if (zx_vmo_read(clone, &seen, writer->word * sizeof(seen), sizeof(seen)) != ZX_OK ||
            seen != value)
            atomic_store(&has_lost_a_write, true);
        zx_handle_close(clone);
    }
    atomic_store(&writer->has_ended, true);
    return 0;
}

/* Sleeps for times of all lengths, to come in between all steps of the other thread. */
static int sleep_and_write(void* argument) {
    struct writer* writer = argument;
    prepare(writer);
    for (uint32_t i = 0; i < ROUNDS && !atomic_load(&is_over); i++) {
        sleep_for(ZX_USEC(20 + i * 37 % 500));
        count_once(writer);
    }
    atomic_store(&writer->has_ended, true);
    return 0;
}

static void start(struct writer* writer, thrd_start_t function) {
    atomic_store(&writer->count, 0);
    atomic_store(&writer->has_ended, false);
    uint32_t zero = 0;
    EXPECT_OK(zx_vmo_write(vmo, &zero, writer->word * sizeof(zero), sizeof(zero)));
    EXPECT_EQUAL(thrd_create(&writer->thread, function, writer), thrd_success);
    EXPECT_OK(zx_handle_duplicate(thrd_get_zx_handle(writer->thread), ZX_RIGHT_SAME_RIGHTS,
                                  &writer->handle));
}

static void expect_end(struct writer* writer) {
    EXPECT(wait_for(writer->handle, ZX_THREAD_TERMINATED, PATIENCE));
    EXPECT(atomic_load(&writer->has_ended));
    EXPECT_OK(zx_handle_close(writer->handle));
    EXPECT_EQUAL(thrd_join(writer->thread, NULL), thrd_success);
}

static void expect_counts(struct writer* writers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t seen = 0;
        EXPECT_OK(zx_vmo_read(vmo, &seen, writers[i].word * sizeof(seen), sizeof(seen)));
        EXPECT_EQUAL(seen, atomic_load(&writers[i].count));
        EXPECT_EQUAL(memory[writers[i].word], seen);
    }
}

/* On each CPU a thread clones and forks, and a more urgent thread comes in between. */
static void race_on_each_cpu(enum way slow_way, enum way urgent_way, size_t urgent_page) {
    static struct writer slow[CPUS_MAX], urgent[CPUS_MAX];
    uint32_t cpus = count_cpus();
    CHECK(set_up());
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
        slow[cpu] = (struct writer){
            .cpu = cpu, .priority = PRIORITY_SLOW, .word = cpu * 2, .way = slow_way};
        urgent[cpu] = (struct writer){.cpu = cpu,
                                      .priority = PRIORITY_URGENT,
                                      .word = urgent_page * (PAGE / 4) + cpu * 2 + 1,
                                      .way = urgent_way};
        CHECK(start(&slow[cpu], clone_and_write));
    }
    for (uint32_t cpu = 0; cpu < cpus; cpu++)
        CHECK(start(&urgent[cpu], sleep_and_write));
    for (uint32_t cpu = 0; cpu < cpus; cpu++)
        CHECK(expect_end(&urgent[cpu]));
    atomic_store(&is_over, true);
    for (uint32_t cpu = 0; cpu < cpus; cpu++)
        CHECK(expect_end(&slow[cpu]));
    CHECK(expect_counts(slow, cpus));
    CHECK(expect_counts(urgent, cpus));
    EXPECT(!atomic_load(&has_lost_a_write));
    CHECK(tear_down());
}

TEST(page_fork, a_more_urgent_thread_faults_on_the_same_page) {
    CHECK(race_on_each_cpu(BY_FAULT, BY_FAULT, 0));
}

TEST(page_fork, a_more_urgent_thread_faults_on_another_page) {
    CHECK(race_on_each_cpu(BY_FAULT, BY_FAULT, 1));
}

TEST(page_fork, a_more_urgent_thread_writes_the_same_page_by_call) {
    CHECK(race_on_each_cpu(BY_FAULT, BY_CALL, 0));
}

TEST(page_fork, a_more_urgent_thread_writes_another_page_by_call) {
    CHECK(race_on_each_cpu(BY_CALL, BY_CALL, 1));
}

TEST(page_fork, a_more_urgent_thread_faults_while_a_call_forks) {
    CHECK(race_on_each_cpu(BY_CALL, BY_FAULT, 0));
}

/* A thread is killed at any step of cloning and forking. It ends, the others go on, and what it
 * left half done is not lost. */
static void kill_and_go_on(enum way way) {
    static struct writer victim, other;
    uint32_t last_cpu = count_cpus() - 1;
    enum way other_way = way == BY_CALL ? BY_FAULT : BY_CALL;
    CHECK(set_up());
    other =
        (struct writer){.cpu = last_cpu, .priority = PRIORITY_SLOW, .word = 1, .way = other_way};
    CHECK(start(&other, clone_and_write));
    for (uint32_t i = 0; i < 20; i++) {
        victim = (struct writer){.priority = PRIORITY_SLOW, .word = 2, .way = way};
        CHECK(start(&victim, clone_and_write));
        sleep_for(ZX_USEC(100 + i * 71 % 900));
        EXPECT_OK(zx_task_kill(victim.handle));
        EXPECT(wait_for(victim.handle, ZX_THREAD_TERMINATED, PATIENCE));
        EXPECT_OK(zx_handle_close(victim.handle));
        uint32_t count = i;
        EXPECT_OK(zx_vmo_write(vmo, &count, 3 * sizeof(count), sizeof(count)));
        EXPECT_EQUAL(memory[3], count);
    }
    atomic_store(&is_over, true);
    CHECK(expect_end(&other));
    CHECK(expect_counts(&other, 1));
    EXPECT(!atomic_load(&has_lost_a_write));
    CHECK(tear_down());
}

TEST(page_fork, a_thread_is_killed_while_it_faults) {
    CHECK(kill_and_go_on(BY_FAULT));
}

TEST(page_fork, a_thread_is_killed_while_it_writes_by_call) {
    CHECK(kill_and_go_on(BY_CALL));
}

/* --- mappings of the same pages --------------------------------------------------------------- */

/* A page that is written through one mapping is forked. The others must not show the old one. */
TEST(page_fork, each_mapping_shows_what_is_written_through_another) {
    zx_handle_t clone;
    zx_vaddr_t written, read;
    uint32_t value = 0;
    EXPECT_OK(zx_vmo_create(PAGE, 0, &vmo));
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), READ_WRITE, 0, vmo, 0, PAGE, &written));
    EXPECT_OK(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, PAGE, &read));
    *(volatile uint32_t*)written = 1;
    EXPECT_OK(zx_vmo_clone(vmo, ZX_VMO_CLONE_COPY_ON_WRITE, 0, PAGE, &clone));
    EXPECT_EQUAL(*(volatile uint32_t*)read, 1); /* the shared page is mapped here now */
    *(volatile uint32_t*)written = 2;
    EXPECT_EQUAL(*(volatile uint32_t*)read, 2);
    EXPECT_OK(zx_vmo_read(clone, &value, 0, sizeof(value)));
    EXPECT_EQUAL(value, 1);
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), written, PAGE));
    EXPECT_OK(zx_vmar_unmap(zx_vmar_root_self(), read, PAGE));
    EXPECT_OK(zx_handle_close(clone));
    EXPECT_OK(zx_handle_close(vmo));
}
