/* Each way to copy much and to clear pages, whichever is in use here. */
#include <arch/bulk.h>

#include <arch/layout.h>
#include <arch/preempt.h>
#include <lib/string.h>
#include <mm/page.h>

#include "selftest.h"

#define MARGIN 64u
#define ROOM (2 * PAGE_SIZE)
#define UNTOUCHED 0xee

static uint8_t from[ROOM], to[ROOM];

static bool is_untouched(const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != UNTOUCHED)
            return false;
    return true;
}

/* One copy: all of it, and nothing beside. */
static bool copies(const struct bulk_routine* routine, size_t to_offset, size_t from_offset,
                   size_t size) {
    memset(to, UNTOUCHED, sizeof(to));
    preempt_disable();
    size_t fault = routine->copy(to + to_offset, from + from_offset, size);
    preempt_enable();
    size_t end = to_offset + size;
    return fault == 0 && is_untouched(to, to_offset) && is_untouched(to + end, sizeof(to) - end) &&
           memcmp(to + to_offset, from + from_offset, size) == 0;
}

SELFTEST(bulk, every_routine_copies_all_and_nothing_beside) {
    const struct bulk_routine* routine;
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)(i * 7 ^ i >> 8);
    for (unsigned number = 0; (routine = bulk_routine(number)); number++) {
        for (size_t rest = 0; rest <= 264; rest++)
            EXPECT(copies(routine, MARGIN + rest % 9, MARGIN / 2 + rest % 7, BULK_COPY_MIN + rest));
        EXPECT(copies(routine, MARGIN, MARGIN, PAGE_SIZE));
        EXPECT(copies(routine, MARGIN + 1, MARGIN + 3, PAGE_SIZE));
    }
}

static bool clears(const struct bulk_routine* routine, uint8_t* pages) {
    memset(pages, UNTOUCHED, 4 * PAGE_SIZE);
    preempt_disable();
    routine->clear_page(pages + PAGE_SIZE);
    preempt_enable();
    for (size_t i = 0; i < PAGE_SIZE; i++)
        if (pages[PAGE_SIZE + i] != 0)
            return false;
    return is_untouched(pages, PAGE_SIZE) && is_untouched(pages + 2 * PAGE_SIZE, 2 * PAGE_SIZE);
}

SELFTEST(bulk, every_routine_clears_a_page_and_nothing_beside) {
    struct page* block = page_alloc_order(2);
    EXPECT(block != NULL);
    const struct bulk_routine* routine;
    for (unsigned number = 0; (routine = bulk_routine(number)); number++)
        EXPECT(clears(routine, page_to_virtual(block)));
    page_free_order(block, 2);
}

SELFTEST(bulk, words_can_always_be_moved) {
    EXPECT(bulk_routine(0) != NULL);
    EXPECT_EQUAL(strcmp(bulk_routine(0)->name, "words"), 0);
}

SELFTEST(bulk, pages_are_copied_and_cleared_as_a_whole) {
    struct page *source = page_alloc(), *target = page_alloc_zeroed();
    EXPECT(source && target);
    uint8_t *source_bytes = page_to_virtual(source), *target_bytes = page_to_virtual(target);
    for (size_t i = 0; i < PAGE_SIZE; i++) {
        EXPECT_EQUAL(target_bytes[i], 0);
        source_bytes[i] = (uint8_t)(i * 3 + 1);
    }
    page_copy(target, source);
    EXPECT_EQUAL(memcmp(source_bytes, target_bytes, PAGE_SIZE), 0);
    page_clear(source);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        EXPECT_EQUAL(source_bytes[i], 0);
    page_free(source);
    page_free(target);
}
