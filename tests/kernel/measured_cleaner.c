#include "measured_cleaner.h"

#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/interrupt.h>
#include <debug/board.h>
#include <debug/log.h>
#include <debug/symbols.h>
#include <lib/printf.h>
#include <sched/cleaner.h>
#include <sched/thread.h>

#include "held_cleaner.h"
#include "selftest.h"

/* --- the clock -------------------------------------------------------------------------------- */

#define LOOPS 5000u
#define INSTRUCTIONS_IN_LOOP 2u
#define TRIES 8u

static uint64_t ticks_of_loops(void) {
    uint64_t left = LOOPS;
    interrupt_state_t state = interrupts_save_and_disable();
    uint64_t begin = clock_ticks();
    __asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
    uint64_t ticks = clock_ticks() - begin;
    interrupts_restore(state);
    return ticks;
}

/* 0: the clock does not count instructions, so the same loop takes another time each time; or it
 * counts those of other CPUs too. */
static uint64_t ticks_per_instruction(void) {
    uint64_t first = ticks_of_loops();
    if (cpu_count() > 1)
        return 0;
    for (unsigned i = 1; i < TRIES; i++)
        if (ticks_of_loops() != first)
            return 0;
    return first / (LOOPS * INSTRUCTIONS_IN_LOOP);
}

/* --- the pieces ------------------------------------------------------------------------------- */

#define KINDS_MAX 8u

struct kind {
    bool (*run_piece)(struct cleaning* cleaning);
    uint64_t longest; /* ticks */
    uint32_t pieces;
};

static struct kind kinds[KINDS_MAX];

static struct kind* kind_of(const struct cleaning* cleaning) {
    struct kind* kind = kinds;
    while (kind < &kinds[KINDS_MAX - 1] && kind->run_piece &&
           kind->run_piece != cleaning->run_piece)
        kind++;
    kind->run_piece = cleaning->run_piece;
    return kind;
}

/* As the cleaner does it. True: the piece was not the last one, and nobody has put the work into
 * the list of requests meanwhile. */
static bool run_measured(struct cleaning* cleaning) {
    struct kind* kind = kind_of(cleaning);
    atomic_exchange(&cleaning->is_requested, false);
    uint64_t begin = clock_ticks();
    bool has_more = cleaning->run_piece(cleaning);
    uint64_t ticks = clock_ticks() - begin;
    kind->longest = MAX(kind->longest, ticks);
    kind->pieces++;
    if (!has_more)
        atomic_fetch_add(&cleaning->rounds, 1);
    cleaning_wake_waiters();
    return has_more && !atomic_exchange(&cleaning->is_requested, true);
}

static void run_all(void) {
    for (struct cleaning* list = NULL; list || (list = cleaning_take_requests(false));) {
        struct cleaning* cleaning = list;
        list = cleaning->next;
        if (run_measured(cleaning)) {
            cleaning->next = list;
            list = cleaning;
        }
    }
}

static void report(const char* load, const struct kind* kind, uint64_t per_instruction) {
    char line[160];
    uintptr_t offset;
    const char* name = symbol_find((uintptr_t)kind->run_piece, &offset);
    uint64_t longest = kind->longest / per_instruction;
    size_t length = (size_t)snprintf(line, sizeof(line), "@metric pieces.%s.%s %lu instructions\n",
                                     load, name ? name : "unknown", longest);
    results_write(line, MIN(length, sizeof(line) - 1));
    log_info("%s: the longest of %u pieces of %s: %lu instructions", load, kind->pieces,
             name ? name : "?", longest);
#ifndef JACINTH_DEBUG
    if (longest > CLEANER_PIECE_INSTRUCTIONS)
        selftest_fail(__FILE__, __LINE__, "%s: a piece of %s takes %lu instructions", load,
                      name ? name : "?", longest);
#endif
}

void measure_pieces(const char* load) {
    uint64_t per_instruction = ticks_per_instruction();
    for (unsigned i = 0; i < KINDS_MAX; i++)
        kinds[i] = (struct kind){.run_piece = NULL};
    run_all();
    for (unsigned i = 0; i < KINDS_MAX && kinds[i].run_piece && per_instruction > 0; i++)
        report(load, &kinds[i], per_instruction);
}

/* --- instead of the cleaner ------------------------------------------------------------------- */

static uint32_t own_priority;

bool measure_begin(void) {
    own_priority = thread_current()->priority;
    if (!cleaner_hold())
        return false;
    thread_set_priority(thread_current(), THREAD_PRIORITY_SYSTEM);
    return true;
}

void measure_end(void) {
    thread_set_priority(thread_current(), own_priority);
    cleaner_let_go();
}

void leave_to_cleaner(struct handle handle) {
    struct destroy_list list = {NULL, NULL};
    object_gather_begin(&list);
    handle_release(handle);
    object_gather_end();
    object_leave_to_cleaner(&list);
}
