/* The font of the framebuffer console. arch/pc only. */
#pragma once

#define SCREEN_FONT_FIRST 32
#define SCREEN_FONT_LAST 126
#define SCREEN_FONT_ROWS 7
#define SCREEN_FONT_COLUMNS 5

extern const unsigned char screen_font[SCREEN_FONT_LAST - SCREEN_FONT_FIRST + 1][SCREEN_FONT_ROWS];
