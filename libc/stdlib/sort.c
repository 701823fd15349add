/* Sorting, searching, random numbers. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int (*compare_t)(const void*, const void*);

static void swap(char* left, char* right, size_t size) {
    char block[32];
    while (size > 0) {
        size_t part = size < sizeof(block) ? size : sizeof(block);
        memcpy(block, left, part);
        memcpy(left, right, part);
        memcpy(right, block, part);
        left += part;
        right += part;
        size -= part;
    }
}

/* Moves element `root` down until no child is larger. */
static void sift_down(char* elements, size_t root, size_t count, size_t size, compare_t compare) {
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count &&
            compare(elements + child * size, elements + (child + 1) * size) < 0)
            child++;
        if (compare(elements + root * size, elements + child * size) >= 0)
            return;
        swap(elements + root * size, elements + child * size, size);
        root = child;
    }
}

/* Heap sort: never quadratic, needs no memory and no recursion. */
void qsort(void* elements, size_t count, size_t size, compare_t compare) {
    char* base = elements;
    for (size_t root = count / 2; root > 0; root--)
        sift_down(base, root - 1, count, size, compare);
    for (size_t left = count; left > 1; left--) {
        swap(base, base + (left - 1) * size, size);
        sift_down(base, 0, left - 1, size, compare);
    }
}

void* bsearch(const void* key, const void* elements, size_t count, size_t size, compare_t compare) {
    const char* base = elements;
    while (count > 0) {
        const char* middle = base + count / 2 * size;
        int order = compare(key, middle);
        if (order == 0)
            return (void*)middle;
        if (order > 0) {
            base = middle + size;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return NULL;
}

static _Atomic uint64_t random_state = 1;

void srand(unsigned int seed) {
    atomic_store_explicit(&random_state, seed, memory_order_relaxed);
}

/* A counter, mixed by the last step of splitmix64. The counter is atomic, so threads need no lock.
 */
int rand(void) {
    uint64_t value =
        atomic_fetch_add_explicit(&random_state, 0x9e3779b97f4a7c15ul, memory_order_relaxed);
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ul;
    value = (value ^ value >> 27) * 0x94d049bb133111ebul;
    return (int)((value ^ value >> 31) & RAND_MAX);
}
