/* Memory of any size: one slab cache for each size class, whole pages for larger sizes. */
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>

#define CLASS_COUNT 15u

static const uint16_t class_sizes[CLASS_COUNT] = {16,  32,  48,  64,   96,   128,  192, 256,
                                                  384, 512, 768, 1024, 1536, 2048, 3072};
static struct slab_cache classes[CLASS_COUNT];

void slab_init(void) {
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        slab_cache_init(&classes[i], "heap", class_sizes[i], SLAB_ALIGNMENT);
}

static unsigned order_for(size_t size) {
    unsigned order = 0;
    while (order <= PAGE_MAX_ORDER && PAGE_SIZE << order < size)
        order++;
    return order;
}

void* heap_alloc(size_t size) {
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        if (size <= class_sizes[i])
            return slab_alloc(&classes[i]);
    struct page* page = page_alloc_order(order_for(size));
    return page ? page_to_virtual(page) : NULL;
}

void* heap_alloc_zeroed(size_t size) {
    void* pointer = heap_alloc(size);
    if (pointer)
        memset(pointer, 0, size);
    return pointer;
}

void heap_free(void* pointer) {
    if (!pointer)
        return;
    struct slab_cache* cache = slab_cache_of(pointer);
    if (cache) {
        slab_free(cache, pointer);
        return;
    }
    struct page* page = page_from_virtual(pointer);
    page_free_order(page, page->order);
}
