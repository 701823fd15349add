/* The screen: VGA text memory, or linear pixels with a built-in font. The console writes to it
 * through debug/board.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct screen_description {
    uint64_t address; /* physical; 0: no screen */
    uint32_t pitch, width, height, bits_per_pixel;
    uint8_t red_shift, green_shift, blue_shift;
    bool is_text;
};

/* Called when the kernel heap is ready. Without a screen of a known format the text is dropped. */
void screen_init(const struct screen_description* description);
