/* Sizes and places: every element size, wrap-around at every offset, page ends, long copies. */
#include "fixture.h"

#include <stdlib.h>

/* --- wrap-around ------------------------------------------------------------------------------ */

/* From every whole element of the ring on: fill it, take it out in two parts. */
static void wrap_everywhere(size_t element_size, size_t capacity) {
    unsigned char* in = malloc(capacity);
    unsigned char* out = malloc(capacity);
    struct pipe pipe;
    EXPECT(in && out);
    fill_pattern(in, capacity, (unsigned)element_size);
    CHECK(pipe_create(&pipe, element_size, capacity));
    for (size_t turn = 0; turn < capacity; turn += element_size) {
        size_t part = turn / 2 / element_size * element_size;
        EXPECT_EQUAL(mx_datapipe_write(pipe.producer, ALL_OR_NONE, capacity, in), capacity);
        memset(out, 0, capacity);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, ALL_OR_NONE, part, out), part);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, capacity, out + part), capacity - part);
        EXPECT_BYTES(out, in, capacity);
        EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, element_size, in), element_size);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, element_size, out), element_size);
    }
    pipe_destroy(&pipe);
    free(in);
    free(out);
}

TEST(data_pipe_ring, wraps_at_every_byte) {
    CHECK(wrap_everywhere(1, 1));
    CHECK(wrap_everywhere(1, 2));
    CHECK(wrap_everywhere(1, 61));
    CHECK(wrap_everywhere(1, 257));
}

TEST(data_pipe_ring, wraps_at_every_odd_element) {
    CHECK(wrap_everywhere(3, 3));
    CHECK(wrap_everywhere(3, 333));
    CHECK(wrap_everywhere(7, 77));
    CHECK(wrap_everywhere(7, 700));
    CHECK(wrap_everywhere(100, 12300));
}

TEST(data_pipe_ring, wraps_with_elements_of_pages_and_more) {
    CHECK(wrap_everywhere(4096, 4096));
    CHECK(wrap_everywhere(4096, 5 * 4096));
    CHECK(wrap_everywhere(4095, 5 * 4095));
    CHECK(wrap_everywhere(4097, 5 * 4097));
    CHECK(wrap_everywhere(10000, 30000));
}

/* --- a model ---------------------------------------------------------------------------------- */

/* What must be in the pipe: the bytes [taken, put) of an endless pattern. */
struct model {
    struct pipe pipe;
    size_t element_size, capacity;
    uint64_t taken, put;
    uint32_t random;
};

static uint32_t next_random(struct model* model) {
    model->random = model->random * 1664525u + 1013904223u;
    return model->random >> 8;
}

static unsigned char pattern_at(uint64_t place) {
    return (unsigned char)(place * 167 ^ place >> 7 ^ place >> 13);
}

#define STEP_MAX 9000u

static size_t random_size(struct model* model) {
    size_t elements = STEP_MAX / model->element_size;
    if (next_random(model) % 2)
        elements = elements < 8 ? elements : 8;
    return next_random(model) % (elements + 1) * model->element_size;
}

static void model_write(struct model* model) {
    static unsigned char bytes[STEP_MAX];
    size_t size = random_size(model);
    size_t room = model->capacity - (size_t)(model->put - model->taken);
    uint32_t flags = next_random(model) % 4 == 0 ? ALL_OR_NONE : 0;
    mx_ssize_t expected = (mx_ssize_t)(size < room ? size : room);
    if (size > 0 && room == 0)
        expected = ERR_SHOULD_WAIT;
    else if (flags && size > room)
        expected = ERR_OUT_OF_RANGE;
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern_at(model->put + i);
    EXPECT_EQUAL(mx_datapipe_write(model->pipe.producer, flags, size, bytes), expected);
    model->put += expected > 0 ? (uint64_t)expected : 0;
}

static void model_expect_bytes(const struct model* model, const unsigned char* bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        EXPECT_EQUAL(bytes[i], pattern_at(model->taken + i));
}

static void model_read(struct model* model) {
    static const uint32_t all_flags[] = {0, 0, PEEK, DISCARD, ALL_OR_NONE, ALL_OR_NONE | PEEK};
    static unsigned char bytes[STEP_MAX];
    size_t size = random_size(model), waiting = (size_t)(model->put - model->taken);
    uint32_t flags = all_flags[next_random(model) % countof(all_flags)];
    mx_ssize_t expected = (mx_ssize_t)(size < waiting ? size : waiting);
    if (size > 0 && waiting == 0)
        expected = ERR_SHOULD_WAIT;
    else if ((flags & ALL_OR_NONE) && size > waiting)
        expected = ERR_OUT_OF_RANGE;
    EXPECT_EQUAL(mx_datapipe_read(model->pipe.consumer, flags, size, bytes), expected);
    if (expected > 0 && !(flags & DISCARD))
        CHECK(model_expect_bytes(model, bytes, (size_t)expected));
    if (expected > 0 && !(flags & PEEK))
        model->taken += (uint64_t)expected;
}

static void model_two_phase_write(struct model* model) {
    uintptr_t address;
    size_t place = (size_t)(model->put % model->capacity);
    size_t room = model->capacity - (size_t)(model->put - model->taken);
    size_t run = room < model->capacity - place ? room : model->capacity - place;
    mx_ssize_t offered = mx_datapipe_begin_write(model->pipe.producer, 0, &address);
    EXPECT_EQUAL(offered, room == 0 ? ERR_SHOULD_WAIT : (mx_ssize_t)run);
    if (offered < 0)
        return;
    size_t size = random_size(model);
    size = size < run ? size : run;
    for (size_t i = 0; i < size; i++)
        ((unsigned char*)address)[i] = pattern_at(model->put + i);
    EXPECT_OK(mx_datapipe_end_write(model->pipe.producer, size));
    model->put += size;
}

static void model_two_phase_read(struct model* model) {
    uintptr_t address;
    size_t place = (size_t)(model->taken % model->capacity);
    size_t waiting = (size_t)(model->put - model->taken);
    size_t run = waiting < model->capacity - place ? waiting : model->capacity - place;
    mx_ssize_t offered = mx_datapipe_begin_read(model->pipe.consumer, 0, &address);
    EXPECT_EQUAL(offered, waiting == 0 ? ERR_SHOULD_WAIT : (mx_ssize_t)run);
    if (offered < 0)
        return;
    size_t size = random_size(model);
    size = size < run ? size : run;
    CHECK(model_expect_bytes(model, (const unsigned char*)address, size));
    EXPECT_OK(mx_datapipe_end_read(model->pipe.consumer, size));
    model->taken += size;
}

static void model_check(struct model* model) {
    size_t waiting = (size_t)(model->put - model->taken);
    EXPECT_EQUAL(mx_datapipe_read(model->pipe.consumer, QUERY, 0, NULL), waiting);
    EXPECT_EQUAL(object_signals(model->pipe.consumer), waiting > 0 ? READABLE : 0);
    EXPECT_EQUAL(object_signals(model->pipe.producer), waiting < model->capacity ? WRITABLE : 0);
}

static void model_run(size_t element_size, size_t capacity, int steps) {
    struct model model = {.element_size = element_size,
                          .capacity = capacity,
                          .random = (uint32_t)(element_size * 31 + capacity)};
    CHECK(pipe_create(&model.pipe, element_size, capacity));
    for (int i = 0; i < steps; i++) {
        switch (next_random(&model) % 6) {
        case 0:
        case 1:
            CHECK(model_write(&model));
            break;
        case 2:
        case 3:
            CHECK(model_read(&model));
            break;
        case 4:
            CHECK(model_two_phase_write(&model));
            break;
        default:
            CHECK(model_two_phase_read(&model));
        }
        CHECK(model_check(&model));
    }
    pipe_destroy(&model.pipe);
}

TEST(data_pipe_ring, agrees_with_a_model_over_random_calls) {
    static const struct {
        size_t element_size, capacity;
    } sizes[] = {{1, 1},    {1, 64},    {1, 4097},     {3, 9999},    {7, 7},
                 {7, 7007}, {64, 4096}, {4096, 20480}, {8192, 8192}, {1, 32768}};
    for (size_t i = 0; i < countof(sizes); i++)
        CHECK(model_run(sizes[i].element_size, sizes[i].capacity, 300));
}

/* --- long copies ------------------------------------------------------------------------------ */

TEST(data_pipe_ring, a_megabyte_goes_through_in_one_call) {
    const size_t size = (1 << 20) + 12345;
    unsigned char* in = malloc(size);
    unsigned char* out = calloc(1, size);
    struct pipe pipe;
    EXPECT(in && out);
    fill_pattern(in, size, 5);
    CHECK(pipe_create(&pipe, 1, size));
    CHECK(pipe_turn(&pipe, 777));
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, ALL_OR_NONE, size, in), size);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, PEEK, size, out), size);
    EXPECT_BYTES(out, in, size);
    memset(out, 0, size);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, size, out), size);
    EXPECT_BYTES(out, in, size);
    pipe_destroy(&pipe);
    free(in);
    free(out);
}

/* --- buffers at page ends --------------------------------------------------------------------- */

static const size_t edge_sizes[] = {1, 7, 8, 9, 64, 4095, 4096, 4097, 10000};

TEST(data_pipe_ring, buffers_may_end_where_memory_ends) {
    for (size_t i = 0; i < countof(edge_sizes); i++) {
        size_t size = edge_sizes[i];
        struct pipe pipe;
        char* in = guarded_buffer(size);
        char* out = guarded_buffer(size);
        EXPECT(in && out);
        fill_pattern(in, size, (unsigned)i);
        CHECK(pipe_create(&pipe, 1, 20000));
        CHECK(pipe_turn(&pipe, 4000));
        EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, size, in), size);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, size + 1, out), size); /* only what waits */
        EXPECT_BYTES(out, in, size);
        pipe_destroy(&pipe);
        guarded_buffer_free(in, size);
        guarded_buffer_free(out, size);
    }
}

TEST(data_pipe_ring, buffers_that_end_too_soon_leave_pipe_and_memory_alone) {
    for (size_t i = 0; i < countof(edge_sizes); i++) {
        size_t size = edge_sizes[i];
        struct pipe pipe;
        char* in = guarded_buffer(size);
        char* out = guarded_buffer(size);
        EXPECT(in && out);
        memset(out, '#', size);
        CHECK(pipe_create(&pipe, 1, 20000));
        CHECK(pipe_turn(&pipe, 4000));
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, 0, size + 1, in),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, ALL_OR_NONE, size + 1, in),
                      ERR_INVALID_ARGS);
        EXPECT_EQUAL(object_signals(pipe.consumer), 0);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), 0);
        EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, size, in), size);
        CHECK(pipe_fill(&pipe, "x", 1));
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, 0, size + 1, out),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, PEEK, size + 1, out),
                      ERR_INVALID_ARGS);
        EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, QUERY, 0, NULL), size + 1);
        for (size_t k = 0; k < size; k++)
            EXPECT_EQUAL(out[k], '#');
        pipe_destroy(&pipe);
        guarded_buffer_free(in, size);
        guarded_buffer_free(out, size);
    }
}

TEST(data_pipe_ring, lengths_that_wrap_are_invalid_args) {
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, 1ul << 63, 1ul << 47};
    struct pipe pipe;
    struct snapshot before;
    char buffer[64];
    CHECK(pipe_create(&pipe, 1, 32));
    CHECK(pipe_fill(&pipe, "waiting", 7));
    snapshot_take(&pipe, &before);
    for (size_t i = 0; i < countof(sizes); i++) {
        EXPECT_STATUS((mx_status_t)mx_datapipe_write(pipe.producer, 0, sizes[i], buffer),
                      ERR_INVALID_ARGS);
        EXPECT_STATUS((mx_status_t)mx_datapipe_read(pipe.consumer, 0, sizes[i], buffer),
                      ERR_INVALID_ARGS);
    }
    CHECK(expect_unchanged(&pipe, &before));
    pipe_destroy(&pipe);
}

TEST(data_pipe_ring, its_own_window_can_be_the_buffer) {
    struct pipe pipe;
    uintptr_t in, out;
    CHECK(pipe_create(&pipe, 1, 64));
    CHECK(pipe_fill(&pipe, "abcdefgh", 8));
    EXPECT_EQUAL(mx_datapipe_begin_read(pipe.consumer, 0, &out), 8);
    EXPECT_EQUAL(mx_datapipe_write(pipe.producer, 0, 8, (void*)out), 8);
    EXPECT_OK(mx_datapipe_end_read(pipe.consumer, 8));
    CHECK(expect_waiting(&pipe, "abcdefgh", 8));
    EXPECT_EQUAL(mx_datapipe_begin_write(pipe.producer, 0, &in), 48);
    EXPECT_EQUAL(mx_datapipe_read(pipe.consumer, 0, 8, (void*)in), 8);
    EXPECT_OK(mx_datapipe_end_write(pipe.producer, 8));
    CHECK(expect_read(&pipe, "abcdefgh", 8));
    pipe_destroy(&pipe);
}
