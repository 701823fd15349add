#include <debug/emergency_console.h>

#include <stdbool.h>

#include <arch/cpu.h>
#include <arch/upcalls.h>
#include <debug/board.h>
#include <debug/console.h>
#include <debug/log.h>
#include <debug/panic.h>
#include <lib/string.h>

#define LINE_ROOM 64u

extern const struct debug_command debug_commands_start[], debug_commands_end[];

static bool is_leaving;

DEBUG_COMMAND(help, "lists the commands") {
    for (const struct debug_command* c = debug_commands_start; c < debug_commands_end; c++)
        console_printf("  %-10s %s\n", c->name, c->help);
}

DEBUG_COMMAND(continue, "leaves this console") {
    is_leaving = true;
}

DEBUG_COMMAND(reboot, "starts the machine again") {
    machine_reboot();
}

DEBUG_COMMAND(crash, "panics, for the backtrace") {
    panic("asked for on the emergency console");
}

DEBUG_COMMAND(log, "the last log lines") {
    log_replay(64, console_write);
}

DEBUG_COMMAND(cpus, "the processors") {
    for (uint32_t i = 0; i < cpu_count(); i++) {
        const struct cpu* cpu = cpu_by_number(i);
        console_printf("  cpu %u: apic %u, %lu interrupts, %lu ipis, preempt count 0x%x\n", i,
                       cpu->apic_id, cpu->statistics_interrupts, cpu->statistics_ipis,
                       cpu->preempt_count);
    }
}

static void read_line(char* line) {
    size_t length = 0;
    console_printf("debug> ");
    for (;;) {
        char c = (char)serial_read_polled();
        if (c == '\r' || c == '\n')
            break;
        if (c == 0x7f || c == '\b') {
            if (length > 0) {
                length--;
                console_printf("\b \b");
            }
        } else if (c >= ' ' && length < LINE_ROOM - 1) {
            line[length++] = c;
            console_printf("%c", c);
        }
    }
    line[length] = 0;
    console_printf("\n");
}

static void run_command(const char* name) {
    for (const struct debug_command* c = debug_commands_start; c < debug_commands_end; c++) {
        if (strcmp(c->name, name) == 0) {
            c->run();
            return;
        }
    }
    if (name[0])
        console_printf("no such command; try help\n");
}

void emergency_console_run(void) {
    char line[LINE_ROOM];
    is_leaving = false;
    console_take_over();
    console_printf("\nemergency console on CPU %u; help lists the commands\n", cpu_number());
    while (!is_leaving) {
        read_line(line);
        run_command(line);
    }
    console_give_back();
}

void emergency_console_run_anywhere(void) {
    console_break_lock();
    emergency_console_run();
}
