/* A text console on VGA text memory or on a linear framebuffer. The caller (kernel/debug/console.c)
 * sees to it that one CPU writes at a time. A full screen moves up by a line. */
#include <arch/machine.h>

#include <arch/layout.h>
#include <mm/kernel_heap.h>

#include "screen_font.h"

#define CELL_WIDTH \
    8u /* of a character on a framebuffer: each point of the font is one wide, two high */
#define CELL_HEIGHT 16u
#define GLYPH_LEFT 1u
#define GLYPH_TOP 1u
#define TEXT_ATTRIBUTE 0x0700u /* light grey on black */
#define LIGHT 0xccu

static struct screen_description screen;
static volatile uint8_t* memory; /* NULL: no screen */
static uint32_t columns, rows;
static uint32_t column, row;

static void draw_pixels(uint32_t at_column, uint32_t at_row, char character) {
    const unsigned char* glyph = screen_font[character - SCREEN_FONT_FIRST];
    uint32_t light =
        LIGHT << screen.red_shift | LIGHT << screen.green_shift | LIGHT << screen.blue_shift;
    for (uint32_t y = 0; y < CELL_HEIGHT; y++) {
        volatile uint32_t* line =
            (volatile uint32_t*)(memory + (at_row * CELL_HEIGHT + y) * (size_t)screen.pitch) +
            at_column * CELL_WIDTH;
        uint32_t glyph_row = (y - GLYPH_TOP) / 2;
        unsigned bits = y >= GLYPH_TOP && glyph_row < SCREEN_FONT_ROWS ? glyph[glyph_row] : 0;
        bits <<= CELL_WIDTH - SCREEN_FONT_COLUMNS - GLYPH_LEFT;
        for (uint32_t x = 0; x < CELL_WIDTH; x++)
            line[x] = bits >> (CELL_WIDTH - 1 - x) & 1 ? light : 0;
    }
}

static void draw(uint32_t at_column, uint32_t at_row, char character) {
    if (character < SCREEN_FONT_FIRST || character > SCREEN_FONT_LAST)
        character = '?';
    if (!screen.is_text) {
        draw_pixels(at_column, at_row, character);
        return;
    }
    volatile uint16_t* line = (volatile uint16_t*)(memory + at_row * (size_t)screen.pitch);
    line[at_column] = (uint16_t)(TEXT_ATTRIBUTE | (uint8_t)character);
}

/* In words of eight bytes: reading a framebuffer back is slow. */
static void scroll(void) {
    size_t line_size = (size_t)screen.pitch * (screen.is_text ? 1 : CELL_HEIGHT);
    volatile uint64_t* to = (volatile uint64_t*)memory;
    const volatile uint64_t* from = (const volatile uint64_t*)(memory + line_size);
    for (size_t i = 0; i < line_size * (rows - 1) / sizeof(*to); i++)
        to[i] = from[i];
    for (uint32_t i = 0; i < columns; i++)
        draw(i, rows - 1, ' ');
}

void screen_init(const struct screen_description* description) {
    bool is_usable = description->is_text || description->bits_per_pixel == 32;
    if (description->address == 0 || !is_usable)
        return;
    screen = *description;
    columns = screen.is_text ? screen.width : screen.width / CELL_WIDTH;
    rows = screen.is_text ? screen.height : screen.height / CELL_HEIGHT;
    memory = device_map(physical_address(screen.address), (size_t)screen.pitch * screen.height);
    for (uint32_t i = 0; memory && i < columns * rows; i++)
        draw(i % columns, i / columns, ' ');
}

static void new_line(void) {
    column = 0;
    if (row + 1 < rows)
        row++;
    else
        scroll();
}

static void put(char character) {
    if (character == '\n') {
        new_line();
    } else if (character == '\r') {
        column = 0;
    } else if (character == '\b') {
        column -= column > 0;
    } else {
        if (column == columns)
            new_line();
        draw(column++, row, character);
    }
}

void screen_write(const char* text, size_t size) {
    for (size_t i = 0; memory && i < size; i++)
        put(text[i]);
}
