#include "fixture.h"

void fixture_create(struct fixture* fixture, enum kind kind) {
    mx_handle_t handles[2];
    bool is_second = kind == PLAIN_SECOND || kind == REPLY;
    uint32_t flags = kind == REPLY || kind == OPPOSITE_OF_REPLY ? MX_FLAG_REPLY_PIPE : 0;
    EXPECT_STATUS(mx_msgpipe_create(handles, flags), NO_ERROR);
    fixture->kind = kind;
    fixture->near = handles[is_second];
    fixture->far = handles[!is_second];
    cargo_create(&fixture->cargo, 3);
}

void fixture_destroy(struct fixture* fixture) {
    mx_handle_close(fixture->near);
    mx_handle_close(fixture->far);
    cargo_destroy(&fixture->cargo);
}

mx_status_t fixture_write(const struct fixture* fixture, const mx_handle_t* handles,
                          uint32_t count) {
    mx_handle_t sent[SENT_MAX];
    memcpy(sent, handles, count * sizeof(sent[0]));
    if (fixture->kind == REPLY)
        sent[count++] = fixture->near;
    return mx_msgpipe_write(fixture->near, "x", 1, sent, count, 0);
}

void expect_empty(mx_handle_t end) {
    char byte = 'u';
    uint32_t bytes = 1, handles = 0;
    EXPECT_STATUS(mx_msgpipe_read(end, &byte, &bytes, NULL, &handles, 0), ERR_SHOULD_WAIT);
    EXPECT_EQUAL(byte, 'u');
    EXPECT_EQUAL(bytes, 1);
    EXPECT_EQUAL(handles, 0);
    EXPECT_EQUAL(object_signals(end), MX_SIGNAL_WRITABLE);
}

void expect_unchanged(const struct fixture* fixture) {
    CHECK(cargo_expect_kept(&fixture->cargo));
    EXPECT_EQUAL(handle_rights(fixture->near), PIPE_RIGHTS);
    EXPECT_EQUAL(object_handle_count(fixture->near), 1);
    EXPECT_EQUAL(handle_rights(fixture->far), PIPE_RIGHTS);
    EXPECT_EQUAL(object_handle_count(fixture->far), 1);
    CHECK(expect_empty(fixture->near));
    CHECK(expect_empty(fixture->far));
}
