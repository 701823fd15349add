#include "fixture.h"

#include <reach.h>

const char alphabet[33] = "abcdefghijklmnopqrstuvwxyz012345";

void pipe_create(struct pipe* pipe, size_t element_size, size_t capacity) {
    *pipe = (struct pipe){MX_HANDLE_INVALID, MX_HANDLE_INVALID};
    pipe->producer = mx_datapipe_create(0, element_size, capacity, &pipe->consumer);
    EXPECT(pipe->producer > 0);
    EXPECT(pipe->consumer > 0);
}

void pipe_destroy(struct pipe* pipe) {
    pipe_close_producer(pipe);
    pipe_close_consumer(pipe);
}

void pipe_close_producer(struct pipe* pipe) {
    zx_handle_close(pipe->producer);
    pipe->producer = MX_HANDLE_INVALID;
}

void pipe_close_consumer(struct pipe* pipe) {
    zx_handle_close(pipe->consumer);
    pipe->consumer = MX_HANDLE_INVALID;
}

void pipe_turn(struct pipe* pipe, size_t distance) {
    static const char zeros[CONTENTS_MAX];
    for (size_t done = 0, part; done < distance; done += part) {
        part = distance - done < sizeof(zeros) ? distance - done : sizeof(zeros);
        CHECK(pipe_fill(pipe, zeros, part));
        EXPECT_EQUAL(mx_datapipe_read(pipe->consumer, DISCARD, part, NULL), part);
    }
}

void pipe_fill(struct pipe* pipe, const void* bytes, size_t size) {
    EXPECT_EQUAL(mx_datapipe_write(pipe->producer, 0, size, bytes), size);
}

void expect_waiting(const struct pipe* pipe, const void* bytes, size_t size) {
    char found[CONTENTS_MAX];
    EXPECT(size <= sizeof(found));
    EXPECT_EQUAL(mx_datapipe_read(pipe->consumer, QUERY, 0, NULL), size);
    if (size == 0)
        return;
    EXPECT_EQUAL(mx_datapipe_read(pipe->consumer, PEEK, size, found), size);
    EXPECT_BYTES(found, bytes, size);
}

void expect_read(struct pipe* pipe, const void* bytes, size_t size) {
    CHECK(expect_waiting(pipe, bytes, size));
    EXPECT_EQUAL(mx_datapipe_read(pipe->consumer, DISCARD, size, NULL), size);
    EXPECT_EQUAL(mx_datapipe_read(pipe->consumer, QUERY, 0, NULL), 0);
}

char* begin_write(const struct pipe* pipe, mx_ssize_t expected) {
    uintptr_t address = 0;
    mx_ssize_t run = mx_datapipe_begin_write(pipe->producer, 0, &address);
    return run == expected ? (char*)address : NULL;
}

const char* begin_read(const struct pipe* pipe, mx_ssize_t expected) {
    uintptr_t address = 0;
    mx_ssize_t run = mx_datapipe_begin_read(pipe->consumer, 0, &address);
    return run == expected ? (const char*)address : NULL;
}

void snapshot_take(const struct pipe* pipe, struct snapshot* snapshot) {
    snapshot->producer_signals = pipe->producer ? object_signals(pipe->producer) : 0;
    snapshot->consumer_signals = pipe->consumer ? object_signals(pipe->consumer) : 0;
    snapshot->size = 0;
    if (pipe->consumer)
        snapshot->size = mx_datapipe_read(pipe->consumer, QUERY, 0, NULL);
    if (snapshot->size > 0)
        mx_datapipe_read(pipe->consumer, PEEK, (size_t)snapshot->size, snapshot->bytes);
}

void expect_unchanged(const struct pipe* pipe, const struct snapshot* snapshot) {
    struct snapshot now;
    snapshot_take(pipe, &now);
    EXPECT_EQUAL(now.producer_signals, snapshot->producer_signals);
    EXPECT_EQUAL(now.consumer_signals, snapshot->consumer_signals);
    EXPECT_EQUAL(now.size, snapshot->size);
    if (now.size > 0)
        EXPECT_BYTES(now.bytes, snapshot->bytes, (size_t)now.size);
    if (pipe->producer)
        EXPECT(handle_is_valid(pipe->producer));
    if (pipe->consumer)
        EXPECT(handle_is_valid(pipe->consumer));
}

void remove_rights(mx_handle_t* handle, mx_rights_t removed) {
    mx_handle_t fewer = MX_HANDLE_INVALID;
    EXPECT_OK(mx_handle_replace(*handle, handle_rights(*handle) & ~removed, &fewer));
    *handle = fewer;
}

void send_and_receive(mx_handle_t* handle) {
    mx_handle_t near, far;
    uint32_t bytes, handles;
    EXPECT_OK(mx_channel_create(0, &near, &far));
    EXPECT_OK(mx_channel_write(near, 0, NULL, 0, handle, 1));
    EXPECT_OK(mx_channel_read(far, 0, NULL, handle, 0, 1, &bytes, &handles));
    EXPECT_EQUAL(handles, 1);
    EXPECT_OK(mx_handle_close(near));
    EXPECT_OK(mx_handle_close(far));
}

bool is_mapped(const void* address) {
    return is_readable((zx_vaddr_t)address);
}

bool is_mapped_writable(void* address) {
    return is_writable((zx_vaddr_t)address);
}

void fill_pattern(void* bytes, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; i++)
        ((unsigned char*)bytes)[i] = (unsigned char)((i + seed) * 151 + (i >> 8) * 7 + 3);
}
