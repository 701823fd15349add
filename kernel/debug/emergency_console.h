/* A kernel console of last resort on the serial line: Ctrl-] stops the CPU that gets the interrupt
 * and asks for commands. Input and output are polled, so it works even if most of the kernel does
 * not.
 *
 * A room adds its command with DEBUG_COMMAND; commands read without locks and print with
 * console_printf. */
#pragma once

#define EMERGENCY_CONSOLE_KEY 0x1d /* Ctrl-] */

struct debug_command {
    const char* name;
    const char* help;
    void (*run)(void);
};

#define DEBUG_COMMAND(command, text)                                                       \
    static void debug_##command(void);                                                     \
    static const struct debug_command debug_command_##command                              \
        __attribute__((used, aligned(8), section(".debug_commands"))) = {#command, text,   \
                                                                         debug_##command}; \
    static void debug_##command(void)

/* In interrupt context; returns after `continue`. */
void emergency_console_run(void);
