/* The memory that arch/x86_64 asks for: see arch/upcalls.h. */
#include <arch/layout.h>
#include <arch/upcalls.h>
#include <mm/page.h>
#include <mm/slab.h>

void* table_page_alloc(void) {
    struct page* page = page_alloc_zeroed();
    if (!page)
        return NULL;
    page->references = 0;
    return page_to_virtual(page);
}

void table_page_free(void* table) {
    page_free(page_from_virtual(table));
}

static struct slab_cache fpu_cache;

void fpu_memory_init(size_t size, size_t alignment) {
    slab_cache_init(&fpu_cache, "fpu state", size, alignment);
}

void* fpu_memory_alloc(void) {
    return slab_alloc(&fpu_cache);
}

void fpu_memory_free(void* state) {
    slab_free(&fpu_cache, state);
}
