/* A text console on VGA text memory or on a linear framebuffer. The caller (kernel/debug/console.c)
 * lets only one CPU write at a time. A full screen moves up by a line.
 *
 * Reading the screen's memory is slow, and so is writing all of it for each new line. So this file
 * keeps the text, and also what each cell of the screen shows. A cell is drawn only if the two
 * differ. A line that scrolls away before it was drawn costs nothing. */
#include <pc/screen.h>

#include <debug/board.h>
#include <lib/string.h>
#include <mm/device_map.h>

#include "screen_font.h"

/* The size of a character on a framebuffer. Each point of the font is one pixel wide and two pixels
 * high. */
#define CELL_WIDTH 8u
#define CELL_HEIGHT 16u
#define GLYPH_LEFT 1u
#define GLYPH_TOP 1u
#define TEXT_ATTRIBUTE 0x0700u /* light grey on black */
#define LIGHT 0xccu
#define COLUMNS_MAX 256u /* the rest of a larger screen stays dark */
#define ROWS_MAX 128u
#define CELLS_DRAWN 8u  /* most cells drawn in one call of screen_refresh */
#define ROWS_SCANNED 2u /* most rows scanned for cells to draw in one call */

static struct screen_description screen;
static volatile uint8_t* memory; /* NULL: no screen */
static uint32_t columns, rows;
static uint32_t column, row;

static char text_rows[ROWS_MAX][COLUMNS_MAX]; /* the top row of the screen is text_rows[top] */
static uint32_t top;
static char shown[ROWS_MAX][COLUMNS_MAX]; /* what the screen shows; 0: not known */
static bool may_differ[ROWS_MAX];         /* for each row of the screen */

static void draw_pixels(uint32_t at_column, uint32_t at_row, char character) {
    const unsigned char* glyph = screen_font[character - SCREEN_FONT_FIRST];
    uint64_t light =
        LIGHT << screen.red_shift | LIGHT << screen.green_shift | LIGHT << screen.blue_shift;
    const uint64_t pairs[] = {0, light << 32, light, light << 32 | light};
    for (uint32_t y = 0; y < CELL_HEIGHT; y++) {
        volatile uint64_t* line =
            (volatile uint64_t*)(memory + (at_row * CELL_HEIGHT + y) * (size_t)screen.pitch) +
            at_column * CELL_WIDTH / 2;
        uint32_t glyph_row = (y - GLYPH_TOP) / 2;
        unsigned bits = y >= GLYPH_TOP && glyph_row < SCREEN_FONT_ROWS ? glyph[glyph_row] : 0;
        bits <<= CELL_WIDTH - SCREEN_FONT_COLUMNS - GLYPH_LEFT;
        for (uint32_t x = 0; x < CELL_WIDTH; x += 2)
            line[x / 2] = pairs[bits >> (CELL_WIDTH - 2 - x) & 3];
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

static char* text_of_row(uint32_t at_row) {
    return text_rows[(top + at_row) % rows];
}

/* Draws at most `*cells` cells of the row and subtracts the number drawn. False: the row has more
 * to draw. */
static bool refresh_row(uint32_t at_row, uint32_t* cells) {
    const char* text = text_of_row(at_row);
    for (uint32_t i = 0; i < columns; i++) {
        if (shown[at_row][i] == text[i])
            continue;
        if (*cells == 0)
            return false;
        draw(i, at_row, text[i]);
        shown[at_row][i] = text[i];
        (*cells)--;
    }
    may_differ[at_row] = false;
    return true;
}

bool screen_refresh(void) {
    uint32_t cells = CELLS_DRAWN, scanned = 0;
    for (uint32_t i = 0; memory && i < rows; i++) {
        if (!may_differ[i])
            continue;
        if (scanned++ == ROWS_SCANNED || !refresh_row(i, &cells))
            return true;
    }
    return false;
}

void screen_init(const struct screen_description* description) {
    bool is_usable = description->is_text || description->bits_per_pixel == 32;
    if (description->address == 0 || !is_usable)
        return;
    screen = *description;
    columns = MIN(screen.is_text ? screen.width : screen.width / CELL_WIDTH, COLUMNS_MAX);
    rows = MIN(screen.is_text ? screen.height : screen.height / CELL_HEIGHT, ROWS_MAX);
    if (columns == 0 || rows == 0)
        return;
    memory = device_map(physical_address(screen.address), (size_t)screen.pitch * screen.height);
    memset(text_rows, ' ', sizeof(text_rows));
    memset(may_differ, true, sizeof(may_differ));
    while (screen_refresh())
        ;
}

static void new_line(void) {
    column = 0;
    if (row + 1 < rows) {
        row++;
        return;
    }
    top = (top + 1) % rows;
    memset(text_of_row(row), ' ', columns);
    memset(may_differ, true, rows);
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
        text_of_row(row)[column++] = character;
        may_differ[row] = true;
    }
}

void screen_put(const char* text, size_t size) {
    for (size_t i = 0; memory && i < size; i++)
        put(text[i]);
}
