/* Vector registers belong to the thread, across preemption, system calls and moves between CPUs. */
#include <objects.h>
#include <test.h>

#include <cpuid.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <syscalls/numbers.h>
#include <threads.h>

#define THREADS 6
#define DURATION ZX_MSEC(150)

static bool has_avx(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
        return false;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

struct vector_thread {
    uint8_t seed;
    bool makes_calls;
    atomic_bool* is_over;
    uint64_t rounds;
};

/* Fills all sixteen registers from `image`, spins or calls the kernel, and reads them back. */
static void use_sse(const uint8_t image[16][16], uint8_t out[16][16], bool makes_call) {
    long result = 0;
    const void* source = image;
    void* target = out;
    __asm__ volatile(
        "movups 0(%[in]), %%xmm0; movups 16(%[in]), %%xmm1; movups 32(%[in]), %%xmm2\n"
        "movups 48(%[in]), %%xmm3; movups 64(%[in]), %%xmm4; movups 80(%[in]), %%xmm5\n"
        "movups 96(%[in]), %%xmm6; movups 112(%[in]), %%xmm7; movups 128(%[in]), %%xmm8\n"
        "movups 144(%[in]), %%xmm9; movups 160(%[in]), %%xmm10; movups 176(%[in]), %%xmm11\n"
        "movups 192(%[in]), %%xmm12; movups 208(%[in]), %%xmm13; movups 224(%[in]), %%xmm14\n"
        "movups 240(%[in]), %%xmm15\n"
        "mov %[in], %%rbx; mov %[out], %%r14\n"
        "mov $400, %%r15d\n"
        "1: pause; dec %%r15d; jnz 1b\n"
        "test %[call], %[call]; jz 2f\n"
        "mov $72, %%eax; syscall\n" /* thread_yield */
        "2: mov %%r14, %%rdi\n"
        "movups %%xmm0, 0(%%rdi); movups %%xmm1, 16(%%rdi); movups %%xmm2, 32(%%rdi)\n"
        "movups %%xmm3, 48(%%rdi); movups %%xmm4, 64(%%rdi); movups %%xmm5, 80(%%rdi)\n"
        "movups %%xmm6, 96(%%rdi); movups %%xmm7, 112(%%rdi); movups %%xmm8, 128(%%rdi)\n"
        "movups %%xmm9, 144(%%rdi); movups %%xmm10, 160(%%rdi); movups %%xmm11, 176(%%rdi)\n"
        "movups %%xmm12, 192(%%rdi); movups %%xmm13, 208(%%rdi); movups %%xmm14, 224(%%rdi)\n"
        "movups %%xmm15, 240(%%rdi)\n"
        : "=&a"(result), [in] "+S"(source), [out] "+d"(target)
        : [call] "r"((long)makes_call)
        : "rbx", "rcx", "rdi", "r8", "r9", "r10", "r11", "r14", "r15", "memory", "cc", "xmm0",
          "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
          "xmm12", "xmm13", "xmm14", "xmm15");
}

static int keep_sse(void* argument) {
    struct vector_thread* self = argument;
    uint8_t image[16][16], out[16][16];
    while (!atomic_load(self->is_over)) {
        memset(image, (int)(self->seed + self->rounds), sizeof(image));
        for (int i = 0; i < 16; i++)
            image[i][i] = (uint8_t)i;
        use_sse(image, out, self->makes_calls);
        if (memcmp(image, out, sizeof(image)) != 0)
            return 1;
        self->rounds++;
    }
    return 0;
}

/* The upper half of one register: what FXSAVE alone would lose. */
__attribute__((__target__("avx"))) static int keep_avx(void* argument) {
    struct vector_thread* self = argument;
    uint8_t image[32], out[32];
    while (!atomic_load(self->is_over)) {
        memset(image, (int)(self->seed + self->rounds), sizeof(image));
        __asm__ volatile("vmovups (%1), %%ymm7\n"
                         "mov $400, %%r15d\n"
                         "1: pause; dec %%r15d; jnz 1b\n"
                         "vmovups %%ymm7, (%2)\n"
                         "vzeroupper\n"
                         : "=m"(out)
                         : "r"(image), "r"(out), "m"(image)
                         : "r15", "cc", "xmm7");
        if (memcmp(image, out, sizeof(image)) != 0)
            return 1;
        self->rounds++;
        if (self->makes_calls)
            thrd_yield();
    }
    return 0;
}

static void run_threads(thrd_start_t function) {
    struct vector_thread selves[THREADS];
    thrd_t threads[THREADS];
    atomic_bool is_over = false;
    for (int i = 0; i < THREADS; i++) {
        selves[i] = (struct vector_thread){(uint8_t)(i * 41), i % 2, &is_over, 0};
        EXPECT_EQUAL(thrd_create(&threads[i], function, &selves[i]), thrd_success);
    }
    sleep_for(DURATION);
    atomic_store(&is_over, true);
    int faults = 0;
    for (int i = 0; i < THREADS; i++) {
        int result = 1;
        thrd_join(threads[i], &result);
        faults += result;
    }
    EXPECT_EQUAL(faults, 0);
    for (int i = 0; i < THREADS; i++)
        EXPECT(selves[i].rounds > 0);
}

TEST(fpu, sse_registers_belong_to_the_thread) {
    CHECK(run_threads(keep_sse));
}

TEST(fpu, avx_registers_belong_to_the_thread) {
    if (!has_avx())
        SKIP("the CPU has no AVX");
    CHECK(run_threads(keep_avx));
}

/* --- while the kernel copies much, for which it may borrow some of them ----------------------- */

#define MUCH 65536u

struct vector_call {
    uint64_t number;
    uint64_t arguments[8];
    uint8_t before[16][32], after[16][32]; /* ymm0 to ymm15 */
};

#define ALL_VECTORS(instruction)                                                      \
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n" instruction "\n" \
    ".endr\n"

/* A system call with all vector registers filled. */
static zx_status_t make_vector_call(struct vector_call* call) {
    for (unsigned i = 0; i < sizeof(call->before); i++)
        call->before[i / 32][i % 32] = (uint8_t)(rand() >> 4);
    memset(call->after, 0, sizeof(call->after));
    uint64_t result;
    __asm__ volatile(
        ALL_VECTORS(
            "vmovups %c[before] + \\n * 32(%%rbx), %%ymm\\n") "mov 8(%%rbx), %%rdi\n"
                                                              "mov 16(%%rbx), %%rsi\n"
                                                              "mov 24(%%rbx), %%rdx\n"
                                                              "mov 32(%%rbx), %%r10\n"
                                                              "mov 40(%%rbx), %%r8\n"
                                                              "mov 48(%%rbx), %%r9\n"
                                                              "mov 56(%%rbx), %%r12\n"
                                                              "mov 64(%%rbx), %%r13\n"
                                                              "syscall\n" ALL_VECTORS(
                                                                  "vmovups %%ymm\\n, %c[after] + "
                                                                  "\\n * 32(%%rbx)") "vzeroupper\n"
        : "=a"(result)
        : "a"(call->number), "b"(call), [before] "i"(offsetof(struct vector_call, before)),
          [after] "i"(offsetof(struct vector_call, after))
        : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "memory", "cc",
          "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    return (zx_status_t)result;
}

static bool kept_vectors(const struct vector_call* call) {
    return memcmp(call->before, call->after, sizeof(call->before)) == 0;
}

static struct vector_call write_call(zx_handle_t channel, const void* bytes, uint32_t size) {
    return (struct vector_call){.number = SYSCALL_zx_channel_write,
                                .arguments = {channel, 0, (uintptr_t)bytes, size}};
}

static struct vector_call read_call(zx_handle_t channel, void* bytes, uint32_t size) {
    return (struct vector_call){.number = SYSCALL_zx_channel_read,
                                .arguments = {channel, 0, (uintptr_t)bytes, 0, size}};
}

/* The reader's pages are not there yet: they come, cleared, in the middle of the copy. */
TEST(fpu, vector_registers_are_kept_by_copies_of_much) {
    if (!has_avx())
        SKIP("the CPU has no AVX");
    static const uint32_t sizes[] = {1023, 1024, 1025, 1279, 1280, 4095, 4096, 5000, MUCH};
    for (size_t i = 0; i < countof(sizes); i++) {
        zx_handle_t ends[2];
        EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
        char* from = guarded_buffer(sizes[i]);
        char* to = guarded_buffer(sizes[i]);
        for (uint32_t at = 0; at < sizes[i]; at++)
            from[at] = (char)(at ^ at >> 8);
        struct vector_call write = write_call(ends[0], from, sizes[i]);
        EXPECT_OK(make_vector_call(&write));
        EXPECT(kept_vectors(&write));
        struct vector_call read = read_call(ends[1], to, sizes[i]);
        EXPECT_OK(make_vector_call(&read));
        EXPECT(kept_vectors(&read));
        EXPECT(memcmp(from, to, sizes[i]) == 0);
        guarded_buffer_free(from, sizes[i]);
        guarded_buffer_free(to, sizes[i]);
        zx_handle_close(ends[0]);
        zx_handle_close(ends[1]);
    }
}

TEST(fpu, vector_registers_are_kept_by_copies_that_fail_half_way) {
    if (!has_avx())
        SKIP("the CPU has no AVX");
    zx_handle_t ends[2];
    EXPECT_OK(zx_channel_create(0, &ends[0], &ends[1]));
    for (uint32_t missing = 1; missing < 4096; missing += 97) {
        char* short_buffer = guarded_buffer(MUCH - missing);
        struct vector_call write = write_call(ends[0], short_buffer, MUCH);
        EXPECT_STATUS(make_vector_call(&write), ZX_ERR_INVALID_ARGS);
        EXPECT(kept_vectors(&write));
        guarded_buffer_free(short_buffer, MUCH - missing);
    }
    EXPECT_EQUAL(object_signals(ends[1]) & ZX_CHANNEL_READABLE, 0);
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
}

/* Others get the CPU in the middle of a copy, and use the same registers. */
static int keep_vectors_while_copying(void* argument) {
    struct vector_thread* self = argument;
    zx_handle_t ends[2];
    char* buffer = malloc(2ul * MUCH);
    if (!buffer || zx_channel_create(0, &ends[0], &ends[1]) != ZX_OK)
        return 1;
    bool is_good = true;
    do {
        memset(buffer, (int)(self->seed + self->rounds), MUCH);
        struct vector_call write = write_call(ends[0], buffer, MUCH);
        struct vector_call read = read_call(ends[1], buffer + MUCH, MUCH);
        is_good = make_vector_call(&write) == ZX_OK && kept_vectors(&write) &&
                  make_vector_call(&read) == ZX_OK && kept_vectors(&read) &&
                  memcmp(buffer, buffer + MUCH, MUCH) == 0;
        self->rounds++;
    } while (is_good && !atomic_load(self->is_over));
    zx_handle_close(ends[0]);
    zx_handle_close(ends[1]);
    free(buffer);
    return is_good ? 0 : 1;
}

TEST(fpu, vector_registers_belong_to_the_thread_while_it_copies) {
    if (!has_avx())
        SKIP("the CPU has no AVX");
    CHECK(run_threads(keep_vectors_while_copying));
}

/* --- new threads ---------------------------------------------------------------------------- */

/* Registers that the way from the kernel to here does not use. */
static int look_for_old_values(void* argument) {
    uint64_t(*words)[2] = argument;
    __asm__ volatile(
        "movups %%xmm12, %0; movups %%xmm13, %1; movups %%xmm14, %2; movups %%xmm15, %3"
        : "=m"(words[0]), "=m"(words[1]), "=m"(words[2]), "=m"(words[3]));
    __asm__ volatile("fnstenv %0; fldenv %0" : "=m"(*(char(*)[28])words[4]));
    return 0;
}

TEST(fpu, new_threads_see_no_values_of_others) {
    static const uint64_t old[2] = {0x1122334455667788, 0x99aabbccddeeff00};
    for (int i = 0; i < 20; i++) {
        thrd_t thread;
        uint64_t words[8][2];
        memset(words, 0x5a, sizeof(words));
        __asm__ volatile("movups %0, %%xmm12; movups %0, %%xmm13\n"
                         "movups %0, %%xmm14; movups %0, %%xmm15\n"
                         "fldpi\n" ::"m"(old)
                         : "xmm12", "xmm13", "xmm14", "xmm15");
        int created = thrd_create(&thread, look_for_old_values, words);
        if (created == thrd_success)
            thrd_join(thread, NULL);
        __asm__ volatile("fstp %st(0)");
        EXPECT_EQUAL(created, thrd_success);
        for (int word = 0; word < 8; word++)
            EXPECT_EQUAL(words[word / 2][word % 2], 0);
        EXPECT_EQUAL(((const uint16_t*)words[4])[4], 0xffff); /* the tags: all empty */
    }
}

/* A new thread starts with an empty FPU, and sees nothing of the thread that used the registers
 * before. */
static int look_at_fresh_registers(void* argument) {
    uint64_t* words = argument;
    uint32_t control = 0;
    uint16_t x87_control = 0;
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(control), "=m"(x87_control));
    words[0] = control;
    words[1] = x87_control;
    return 0;
}

TEST(fpu, new_threads_start_with_the_default_control_words) {
    thrd_t thread;
    uint64_t words[2] = {0};
    uint32_t odd = 0x5f80, saved;
    __asm__ volatile("stmxcsr %0" : "=m"(saved));
    __asm__ volatile("ldmxcsr %0" ::"m"(odd));
    int created = thrd_create(&thread, look_at_fresh_registers, words);
    if (created == thrd_success)
        thrd_join(thread, NULL);
    __asm__ volatile("ldmxcsr %0" ::"m"(saved));
    EXPECT_EQUAL(created, thrd_success);
    EXPECT_EQUAL(words[0], 0x1f80);
    EXPECT_EQUAL(words[1], 0x037f);
}
