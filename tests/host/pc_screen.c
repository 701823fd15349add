/* The screen, drawn into a frame buffer of this machine. The kernel's view of it is a mapping
 * without access, so each access faults: the handler notes it, lets this one instruction through
 * and closes the mapping again. The test looks at the same memory through a second mapping.
 *
 * Before each call the memory is filled with noise. So a picture that depends on what was there is
 * noticed too.
 * Sources: arch/pc/screen.c arch/pc/screen_font.c */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <debug/board.h>
#include <mm/device_map.h>
#include <pc/screen.h>

#include "../kernel/random.h"
#include "../kernel/selftest.h"

#define COLUMNS 20u
#define ROWS 6u
#define CELL_WIDTH 8u /* of a frame buffer, in pixels */
#define CELL_HEIGHT 16u
#define CELL_BYTES (CELL_WIDTH * CELL_HEIGHT * sizeof(uint32_t))
#define MEMORY_SIZE (128u * 1024)
#define TRAP_FLAG 0x100
#define ERROR_IS_WRITE 2
#define ACCESSES_NOTED 200000u /* in one test; a wrong screen may make millions */
#define LIMIT_SECONDS 60u      /* for one test: a wrong screen may draw for ever */

/* What one call may do at most: the console's lock is held meanwhile, and a write to the memory of
 * a device is slow. */
#define CELLS_AT_ONCE 8u
#define WRITES_AT_ONCE (CELLS_AT_ONCE * CELL_BYTES / sizeof(uint64_t))
#define ROWS_AT_ONCE 2u

static struct screen_description description;
static uint8_t* closed; /* the kernel's view */
static uint8_t* open;   /* the test's */

/* What the handlers note: */
static volatile unsigned accesses, reads, writes, writes_outside;
static volatile bool is_drawn[ROWS][COLUMNS];

/* --- noting each access ----------------------------------------------------------------------- */

static void note_write(size_t offset) {
    size_t line = offset / description.pitch;
    size_t row = description.is_text ? line : line / CELL_HEIGHT;
    size_t column = offset % description.pitch /
                    (description.is_text ? sizeof(uint16_t) : CELL_WIDTH * sizeof(uint32_t));
    writes++;
    if (row < ROWS && column < COLUMNS)
        is_drawn[row][column] = true;
    else
        writes_outside++;
}

static void set_trap_flag(ucontext_t* context, bool is_set) {
    context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    context->uc_mcontext.gregs[REG_EFL] |= is_set ? TRAP_FLAG : 0;
}

static void on_access(int signal_number, siginfo_t* info, void* context_of_signal) {
    ucontext_t* context = context_of_signal;
    size_t offset = (uintptr_t)info->si_addr - (uintptr_t)closed;
    if (offset >= MEMORY_SIZE) {
        signal(signal_number, SIG_DFL);
        return;
    }
    if (context->uc_mcontext.gregs[REG_ERR] & ERROR_IS_WRITE)
        note_write(offset);
    else
        reads++;
    mprotect(closed, MEMORY_SIZE, PROT_READ | PROT_WRITE);
    set_trap_flag(context, ++accesses < ACCESSES_NOTED);
}

static void after_access(int signal_number, siginfo_t* info, void* context) {
    (void)signal_number, (void)info;
    mprotect(closed, MEMORY_SIZE, PROT_NONE);
    set_trap_flag(context, false);
}

static void handle(int signal_number, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    if (sigaction(signal_number, &action, NULL) != 0)
        abort();
}

volatile void* device_map(physical_address_t address, size_t size) {
    (void)address;
    if (size > MEMORY_SIZE)
        abort();
    return closed;
}

static void map_memory(void) {
    int file = memfd_create("frame buffer", 0);
    if (closed)
        munmap(closed, MEMORY_SIZE);
    if (open)
        munmap(open, MEMORY_SIZE);
    if (file < 0 || ftruncate(file, MEMORY_SIZE) != 0)
        abort();
    closed = mmap(NULL, MEMORY_SIZE, PROT_NONE, MAP_SHARED, file, 0);
    open = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (closed == MAP_FAILED || open == MAP_FAILED)
        abort();
    close(file);
    handle(SIGSEGV, on_access);
    handle(SIGTRAP, after_access);
}

/* --- what the screen shows -------------------------------------------------------------------- */

static uint8_t text[ROWS][COLUMNS];  /* what it is to show */
static uint8_t shown[ROWS][COLUMNS]; /* what each cell showed when it was drawn; 0: no character */
static unsigned calls, cells_drawn, most_cells, most_writes;

/* As they were drawn first. */
static uint8_t pictures[128][CELL_BYTES];
static bool has_picture[128];

static void read_picture(size_t row, size_t column, uint8_t* picture) {
    const size_t line_size = CELL_WIDTH * sizeof(uint32_t);
    for (size_t y = 0; y < CELL_HEIGHT; y++)
        memcpy(picture + y * line_size,
               open + (row * CELL_HEIGHT + y) * description.pitch + column * line_size, line_size);
}

/* A character that was not seen before counts as the expected one, if no other character looks the
 * same. */
static uint8_t character_in_pixels(size_t row, size_t column) {
    uint8_t picture[CELL_BYTES];
    read_picture(row, column, picture);
    for (uint8_t i = 0; i < 128; i++)
        if (has_picture[i] && memcmp(pictures[i], picture, CELL_BYTES) == 0)
            return i;
    uint8_t wanted = text[row][column];
    if (has_picture[wanted])
        return 0;
    memcpy(pictures[wanted], picture, CELL_BYTES);
    has_picture[wanted] = true;
    return wanted;
}

static uint8_t character_at(size_t row, size_t column) {
    if (!description.is_text)
        return character_in_pixels(row, column);
    const uint8_t* cell = open + row * description.pitch + column * sizeof(uint16_t);
    return cell[1] == 0x07 ? cell[0] : 0; /* light grey on black */
}

static void fill_with_noise(void) {
    static uint32_t random = 1;
    for (size_t i = 0; i < MEMORY_SIZE / sizeof(uint32_t); i++)
        ((uint32_t*)open)[i] = random_next(&random);
}

/* One call, and what it drew. */
static bool refresh(void) {
    unsigned cells = 0, writes_before = writes;
    memset((void*)is_drawn, 0, sizeof(is_drawn));
    fill_with_noise();
    bool has_more = screen_refresh();
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            if (!is_drawn[row][column])
                continue;
            shown[row][column] = character_at(row, column);
            cells++;
        }
    }
    calls++;
    cells_drawn += cells;
    most_cells = cells > most_cells ? cells : most_cells;
    most_writes = writes - writes_before > most_writes ? writes - writes_before : most_writes;
    return has_more;
}

static void refresh_all(void) {
    calls = cells_drawn = 0;
    while (refresh())
        ;
}

/* The cursor stays behind the last line, so the next one makes the screen scroll. */
static void put_line(const char* line) {
    size_t size = strlen(line);
    screen_put("\n", 1);
    screen_put(line, size);
    memmove(text[0], text[1], sizeof(text) - sizeof(text[0]));
    memset(text[ROWS - 1], ' ', COLUMNS);
    memcpy(text[ROWS - 1], line, size);
}

static void fill_screen(char character) {
    char line[COLUMNS + 1] = {0};
    memset(line, character, COLUMNS);
    for (unsigned i = 0; i < ROWS; i++)
        put_line(line);
    refresh_all();
}

static bool shows_text(void) {
    return memcmp(shown, text, sizeof(text)) == 0;
}

/* The code has only one screen for ever. After two full screens that differ in every cell it has
 * drawn each cell of the new memory. */
static void begin(bool is_text) {
    description = (struct screen_description){
        .address = 1,
        .pitch = is_text ? 2 * COLUMNS + 8 : COLUMNS * CELL_WIDTH * 4 + 64,
        .width = is_text ? COLUMNS : COLUMNS * CELL_WIDTH + 5,
        .height = is_text ? ROWS : ROWS * CELL_HEIGHT + 7,
        .bits_per_pixel = 32,
        .red_shift = 16,
        .green_shift = 8,
        .is_text = is_text,
    };
    accesses = 0;
    alarm(LIMIT_SECONDS);
    map_memory();
    screen_init(&description);
    fill_screen('#');
    fill_screen('.');
    reads = writes = writes_outside = 0;
    most_cells = most_writes = 0;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void put_numbered_lines(unsigned count) {
    static unsigned number;
    char line[COLUMNS + 1];
    for (unsigned i = 0; i < count; i++) {
        number++;
        snprintf(line, sizeof(line), "line %u of %c", number, 'a' + number % 26);
        put_line(line);
    }
}

static void scroll_in_small_and_large_steps(void) {
    for (unsigned count = 1; count <= 2 * ROWS; count += 3) {
        put_numbered_lines(count);
        refresh_all();
        EXPECT_EQUAL(reads, 0);
        EXPECT(shows_text());
    }
    EXPECT_EQUAL(writes_outside, 0);
    EXPECT(writes > 0);
}

SELFTEST(screen, scrolls_pixels_without_reading_them) {
    begin(false);
    scroll_in_small_and_large_steps();
}

SELFTEST(screen, scrolls_text_memory_without_reading_it) {
    begin(true);
    scroll_in_small_and_large_steps();
}

/* So the time that the console's lock is held does not grow with the screen. */
SELFTEST(screen, one_call_draws_few_cells_and_writes_each_once) {
    begin(false);
    fill_screen('x');
    EXPECT_EQUAL(cells_drawn, ROWS * COLUMNS);
    EXPECT_EQUAL(most_cells, CELLS_AT_ONCE);
    EXPECT_EQUAL(most_writes, WRITES_AT_ONCE);
    EXPECT_EQUAL(calls, ROWS * COLUMNS / CELLS_AT_ONCE);
    EXPECT(shows_text());
}

SELFTEST(screen, one_call_compares_few_rows) {
    begin(false);
    put_line("....................");
    refresh_all();
    EXPECT_EQUAL(cells_drawn, 0);
    EXPECT_EQUAL(calls, ROWS / ROWS_AT_ONCE);
    EXPECT_EQUAL(writes, 0);
}

SELFTEST(screen, draws_only_cells_that_differ) {
    begin(false);
    put_line(".......X............");
    refresh_all();
    EXPECT_EQUAL(cells_drawn, 1);
    put_line(".......X........Y...");
    refresh_all();
    EXPECT_EQUAL(cells_drawn, 2);
    EXPECT(shows_text());
}

SELFTEST(screen, a_line_that_scrolls_away_undrawn_costs_nothing) {
    begin(false);
    put_numbered_lines(500);
    EXPECT_EQUAL(writes, 0);
    for (unsigned i = 0; i < ROWS; i++)
        put_line("....................");
    refresh_all();
    EXPECT_EQUAL(cells_drawn, 0);
    EXPECT_EQUAL(writes, 0);
}

/* Text that comes faster than it is drawn: the screen shows the last of it in the end. */
SELFTEST(screen, text_that_comes_between_calls_is_drawn_too) {
    begin(false);
    for (unsigned i = 0; i < 40; i++) {
        put_numbered_lines(i % 3);
        (void)refresh();
    }
    refresh_all();
    EXPECT(shows_text());
    EXPECT_EQUAL(reads, 0);
    EXPECT(most_cells <= CELLS_AT_ONCE);
}
