/* What debug builds look at before the machine stops. */
#include <mm/page.h>
#include <mm/slab.h>
#include <object/event.h>
#include <task/leak_check.h>

#include "selftest.h"

#ifdef JACINTH_DEBUG
#define PAGES 512u

SELFTEST(leak_check, finds_objects_that_are_left) {
    leak_check_begin();
    EXPECT_EQUAL(leak_check_count(false), 0);
    struct event* event = event_create();
    void* block = heap_alloc(40);
    EXPECT(event && block);
    EXPECT_EQUAL(leak_check_count(false), 2);
    heap_free(block);
    EXPECT_EQUAL(leak_check_count(true), 1);
    object_release(&event->object);
    EXPECT_EQUAL(leak_check_count(false), 0);
}

SELFTEST(leak_check, finds_pages_that_are_left) {
    static struct page* pages[PAGES];
    leak_check_begin();
    for (unsigned i = 0; i < PAGES; i++) {
        pages[i] = page_alloc();
        EXPECT(pages[i] != NULL);
    }
    EXPECT_EQUAL(leak_check_count(false), 1);
    for (unsigned i = 0; i < PAGES; i++)
        page_free(pages[i]);
    EXPECT_EQUAL(leak_check_count(false), 0);
}
#endif
