/* mx_datapipe_create: what is made, and what is refused. */
#include "fixture.h"

#define DEFAULT_CAPACITY 32768u

TEST(mx_datapipe_create, ends_have_their_types_and_rights) {
    struct pipe pipe;
    CHECK(pipe_create(&pipe, 1, 16));
    mx_info_handle_basic_t producer, consumer;
    EXPECT_OK(mx_object_get_info(pipe.producer, MX_INFO_HANDLE_BASIC, &producer, sizeof(producer),
                                 NULL, NULL));
    EXPECT_OK(mx_object_get_info(pipe.consumer, MX_INFO_HANDLE_BASIC, &consumer, sizeof(consumer),
                                 NULL, NULL));
    EXPECT_EQUAL(producer.type, MX_OBJ_TYPE_DATAPIPE_PRODUCER);
    EXPECT_EQUAL(consumer.type, MX_OBJ_TYPE_DATAPIPE_CONSUMER);
    EXPECT_EQUAL(producer.rights, PRODUCER_RIGHTS);
    EXPECT_EQUAL(consumer.rights, CONSUMER_RIGHTS);
    EXPECT_EQUAL(producer.related_koid, consumer.koid);
    EXPECT_EQUAL(consumer.related_koid, producer.koid);
    EXPECT_EQUAL(object_signals(pipe.producer), WRITABLE);
    EXPECT_EQUAL(object_signals(pipe.consumer), 0);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_create, options_must_be_0) {
    mx_handle_t consumer = 77;
    for (uint32_t bit = 0; bit < 32; bit++)
        EXPECT_STATUS(mx_datapipe_create(1u << bit, 1, 16, &consumer), ERR_INVALID_ARGS);
    EXPECT_EQUAL(consumer, 77);
}

TEST(mx_datapipe_create, elements_must_have_a_size) {
    mx_handle_t consumer = 77;
    EXPECT_STATUS(mx_datapipe_create(0, 0, 0, &consumer), ERR_INVALID_ARGS);
    EXPECT_STATUS(mx_datapipe_create(0, 0, 16, &consumer), ERR_INVALID_ARGS);
    EXPECT_EQUAL(consumer, 77);
}

TEST(mx_datapipe_create, capacity_must_be_whole_elements) {
    static const struct {
        size_t element_size, capacity;
    } bad[] = {{2, 1},       {3, 16},        {7, 48},       {4096, 4095},
               {4096, 4097}, {SIZE_MAX, 16}, {16, SIZE_MAX}};
    mx_handle_t consumer = 77;
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(mx_datapipe_create(0, bad[i].element_size, bad[i].capacity, &consumer),
                      ERR_INVALID_ARGS);
    EXPECT_EQUAL(consumer, 77);
}

TEST(mx_datapipe_create, absurd_capacities_are_no_memory) {
    static const size_t absurd[] = {SIZE_MAX,  SIZE_MAX - 4095, 1ul << 63,
                                    1ul << 48, 1ul << 40,       (256ul << 20) + 1};
    mx_handle_t consumer = 77;
    zx_info_kernel_memory_t before = kernel_memory();
    for (size_t i = 0; i < countof(absurd); i++) {
        EXPECT_STATUS(mx_datapipe_create(0, 1, absurd[i], &consumer), ERR_NO_MEMORY);
        EXPECT_STATUS(mx_datapipe_create(0, absurd[i], absurd[i], &consumer), ERR_NO_MEMORY);
        EXPECT_STATUS(mx_datapipe_create(0, absurd[i], 0, &consumer), ERR_NO_MEMORY);
    }
    EXPECT_EQUAL(consumer, 77);
    CHECK(expect_no_leak(&before, 0));
}

TEST(mx_datapipe_create, bad_pointers_leave_nothing_behind) {
    void* bad[BAD_POINTER_COUNT];
    bad_pointers_to_write(bad);
    EXPECT_STATUS(mx_datapipe_create(0, 1, 16, NULL), ERR_INVALID_ARGS); /* warms the caches up */
    zx_info_kernel_memory_t before = kernel_memory();
    for (size_t i = 0; i < countof(bad); i++)
        EXPECT_STATUS(mx_datapipe_create(0, 1, 16, bad[i]), ERR_INVALID_ARGS);
    CHECK(expect_no_leak(&before, 0));
}

/* Fills the pipe and returns how much went in. */
static mx_ssize_t measure_capacity(size_t element_size, size_t capacity) {
    static char bytes[2 << 20];
    struct pipe pipe;
    pipe_create(&pipe, element_size, capacity);
    size_t request = sizeof(bytes) / element_size * element_size;
    mx_ssize_t written = mx_datapipe_write(pipe.producer, 0, request, bytes);
    mx_ssize_t more = mx_datapipe_write(pipe.producer, 0, element_size, bytes);
    pipe_destroy(&pipe);
    return more == ERR_SHOULD_WAIT ? written : more;
}

TEST(mx_datapipe_create, capacity_is_exactly_what_was_asked_for) {
    static const struct {
        size_t element_size, capacity;
    } sizes[] = {{1, 1},       {1, 2},
                 {1, 4095},    {1, 4096},
                 {1, 4097},    {3, 3},
                 {3, 12288},   {3, 9999},
                 {7, 7},       {7, 4991},
                 {4096, 4096}, {4096, 20480},
                 {5000, 5000}, {1, (1 << 20) + 1}};
    for (size_t i = 0; i < countof(sizes); i++)
        EXPECT_EQUAL(measure_capacity(sizes[i].element_size, sizes[i].capacity), sizes[i].capacity);
}

TEST(mx_datapipe_create, default_capacity_is_32_kib_of_whole_elements_and_at_least_one) {
    EXPECT_EQUAL(measure_capacity(1, 0), DEFAULT_CAPACITY);
    EXPECT_EQUAL(measure_capacity(3, 0), DEFAULT_CAPACITY / 3 * 3);
    EXPECT_EQUAL(measure_capacity(7, 0), DEFAULT_CAPACITY / 7 * 7);
    EXPECT_EQUAL(measure_capacity(4096, 0), DEFAULT_CAPACITY);
    EXPECT_EQUAL(measure_capacity(20000, 0), 20000);
    EXPECT_EQUAL(measure_capacity(32768, 0), 32768);
    EXPECT_EQUAL(measure_capacity(40000, 0), 40000);
    EXPECT_EQUAL(measure_capacity(1 << 20, 0), 1 << 20);
}

TEST(mx_datapipe_create, ends_cannot_be_duplicated) {
    struct pipe pipe;
    mx_handle_t copy = 77;
    CHECK(pipe_create(&pipe, 1, 16));
    EXPECT_STATUS(mx_handle_duplicate(pipe.producer, MX_RIGHT_SAME_RIGHTS, &copy),
                  ERR_ACCESS_DENIED);
    EXPECT_STATUS(mx_handle_duplicate(pipe.consumer, MX_RIGHT_SAME_RIGHTS, &copy),
                  ERR_ACCESS_DENIED);
    EXPECT_EQUAL(copy, 77);
    pipe_destroy(&pipe);
}

TEST(mx_datapipe_create, a_thousand_pipes_come_and_go_without_a_trace) {
    static struct pipe pipes[100];
    for (int round = 0; round < 11; round++) {
        static zx_info_kernel_memory_t before;
        if (round == 1) /* the first round warms the caches up */
            before = kernel_memory();
        for (size_t i = 0; i < countof(pipes); i++) {
            CHECK(pipe_create(&pipes[i], 1, 0));
            CHECK(pipe_fill(&pipes[i], "some bytes", 10));
        }
        for (size_t i = 0; i < countof(pipes); i++)
            pipe_destroy(&pipes[i]);
        if (round == 10)
            CHECK(expect_no_leak(&before, 0));
    }
}
