/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel debugger: commands on the serial line, while everything else stands still. See docs/debugger.md.
 *
 * It runs with interrupts off, where the timer interrupted a program, an operation at a preemption point, or the idle
 * CPU: all that the kernel knows is consistent there. After a panic it may not be; then a fault in here ends the
 * machine. Between two looks, bytes that are not the key are put aside, and given to whoever reads the console.
 */
#include "debugger.h"

#include "boot/boot.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "debug/string.h"
#include "debugger/show.h"
#include "thread/task.h"
#include "x86/acpi.h"
#include "x86/cpu.h"
#include "x86/timer.h"

#define KEY 0x0b /* Ctrl-K */
#define LOOKS_A_SECOND 50
#define BYTES_KEPT 256
#define LINE_SIZE 128
#define BACKSPACE 0x08
#define DELETE 0x7f
#define OFF_STATUS 1
#define EVENTS_SHOWN 32
#define WORDS 3 /* a command and its arguments */

static uint8_t kept[BYTES_KEPT]; /* a ring */
static uint32_t kept_first, kept_count;
static bool leaving;

struct command {
    const char *name, *arguments, *help;
    void (*run)(char *const words[WORDS]);
};

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

static int digit_value(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : 16;
}

/* Decimal, or hexadecimal behind 0x. False, and a message, if it is no number. */
static bool number_of(const char *word, uint64_t *number)
{
    bool hexadecimal = word && word[0] == '0' && word[1] == 'x';
    uint64_t base = hexadecimal ? 16 : 10;
    const char *digits = hexadecimal ? word + 2 : word;
    *number = 0;
    if (digits && *digits) {
        while (*digits && (uint64_t)digit_value(*digits) < base)
            *number = *number * base + (uint64_t)digit_value(*digits++);
        if (!*digits)
            return true;
    }
    console_printf("a number is missing: %s\n", word ? word : "nothing there");
    return false;
}

static const struct thread *thread_named(const char *word)
{
    uint64_t number;
    if (!number_of(word && word[0] == '#' ? word + 1 : word, &number))
        return 0;
    const struct thread *thread = thread_by_number(number);
    if (!thread)
        console_printf("there is no thread #%lu; 'threads' lists them\n", number);
    return thread;
}

static const struct task *task_named(const char *word)
{
    for (const struct task *task = task_first(); word && task; task = task->next)
        if (strcmp(task->name, word) == 0)
            return task;
    console_printf("there is no task '%s'; 'tasks' lists them\n", word ? word : "");
    return 0;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static void run_tasks(char *const words[WORDS])
{
    (void)words;
    show_tasks();
}

static void run_threads(char *const words[WORDS])
{
    (void)words;
    show_threads();
}

static void run_thread(char *const words[WORDS])
{
    const struct thread *thread = thread_named(words[1]);
    if (thread)
        show_thread(thread);
}

static void run_endpoints(char *const words[WORDS])
{
    (void)words;
    show_endpoints();
}

static void run_queues(char *const words[WORDS])
{
    (void)words;
    show_queues();
}

static void run_cycles(char *const words[WORDS])
{
    (void)words;
    show_cycles();
}

static void run_events(char *const words[WORDS])
{
    uint64_t most = EVENTS_SHOWN;
    if (!words[1] || number_of(words[1], &most))
        show_events(most);
}

static void run_ipc(char *const words[WORDS])
{
    (void)words;
    show_ipc();
}

static void run_hot(char *const words[WORDS])
{
    const struct thread *thread = thread_named(words[1]);
    if (thread)
        show_hot_line(thread);
}

static void run_capabilities(char *const words[WORDS])
{
    const struct task *task = task_named(words[1]);
    if (task)
        show_capabilities(task);
}

static void run_mappings(char *const words[WORDS])
{
    const struct task *task = task_named(words[1]);
    if (task)
        show_mappings(task);
}

static void run_page_tables(char *const words[WORDS])
{
    const struct task *task = task_named(words[1]);
    uint64_t address;
    if (task && number_of(words[2], &address))
        show_page_tables(task, address);
}

static void run_continue(char *const words[WORDS])
{
    (void)words;
    leaving = true;
}

static void run_off(char *const words[WORDS])
{
    (void)words;
    power_off(OFF_STATUS);
}

static void run_help(char *const words[WORDS]);

static const struct command commands[] = {
    {"tasks", "", "all tasks", run_tasks},
    {"threads", "", "all threads: state, priority, what each waits for and on whom, deadline", run_threads},
    {"thread", "N", "thread #N: scheduling context, chain of waiting, registers", run_thread},
    {"endpoints", "", "all endpoints: who waits, who may receive, queues", run_endpoints},
    {"queues", "", "who runs, who is ready, parked, exhausted", run_queues},
    {"cycles", "", "threads that wait for each other", run_cycles},
    {"events", "[N]", "the last N events (32): system calls, interrupts, IPC", run_events},
    {"ipc", "", "all events of IPC that are kept, for tools/check_events.py", run_ipc},
    {"hot", "N", "the hot line of thread #N", run_hot},
    {"caps", "TASK", "the capabilities of a task", run_capabilities},
    {"mem", "TASK", "what a task has mapped", run_mappings},
    {"pt", "TASK ADDRESS", "the page-table entries for an address", run_page_tables},
    {"continue", "", "go on", run_continue},
    {"off", "", "turn the machine off, with status 1", run_off},
    {"?", "", "this list", run_help},
};

static void run_help(char *const words[WORDS])
{
    (void)words;
    for (uint32_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        console_printf("%-10s %-13s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static char wait_for_key(void)
{
    int byte;
    while ((byte = console_receive_byte()) < 0)
        cpu_pause();
    return (char)byte;
}

static void read_line(char line[LINE_SIZE])
{
    uint32_t length = 0;
    for (;;) {
        char key = wait_for_key();
        if (key == '\r' || key == '\n')
            break;
        if ((key == BACKSPACE || key == DELETE) && length > 0) {
            length--;
            console_printf("\b \b");
        } else if (key >= ' ' && key != DELETE && length < LINE_SIZE - 1) {
            line[length++] = key;
            console_putc(key);
        }
    }
    line[length] = '\0';
    console_putc('\n');
}

/* Divides a line at its blanks; words that are not there are 0. */
static void split(char *line, char *words[WORDS])
{
    for (int i = 0; i < WORDS; i++) {
        while (*line == ' ')
            line++;
        words[i] = *line ? line : 0;
        while (*line && *line != ' ')
            line++;
        if (*line)
            *line++ = '\0';
    }
}

static void carry_out(char *const words[WORDS])
{
    if (!words[0])
        return;
    for (uint32_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, words[0]) == 0)
            return commands[i].run(words);
    console_printf("there is no command '%s'; ? lists them\n", words[0]);
}

static void take_commands(void)
{
    char line[LINE_SIZE], *words[WORDS];
    leaving = false;
    while (!leaving) {
        console_printf("debugger> ");
        read_line(line);
        split(line, words);
        carry_out(words);
    }
}

/* ---- Hooks ------------------------------------------------------------------------------------------------------- */

void debugger_panicked(void)
{
    console_printf("salto: debugger; ? lists its commands, off and continue turn the machine off\n");
    take_commands();
}

void debugger_ending(void)
{
    char line[LINE_SIZE], *words[WORDS];
    if (!boot_option("debugger", line, sizeof(line)))
        return;
    if (strcmp(line, "end") == 0) {
        console_printf("salto: the end; debugger; ? lists its commands\n");
        return take_commands();
    }
    console_printf("salto: the end; %s\n", line);
    split(line, words);
    carry_out(words);
}

void debugger_look(void)
{
    int byte;
    while (kept_count < BYTES_KEPT && (byte = console_receive_byte()) >= 0) {
        if (byte != KEY) {
            kept[(kept_first + kept_count++) % BYTES_KEPT] = (uint8_t)byte;
            continue;
        }
        console_printf("\nsalto: debugger; ? lists its commands\n");
        take_commands();
    }
}

uint64_t debugger_next_look(void)
{
    return rdtsc() + tsc_hertz() / LOOKS_A_SECOND;
}

int console_read_byte(void)
{
    debugger_look();
    if (!kept_count)
        return -1;
    uint8_t byte = kept[kept_first];
    kept_first = (kept_first + 1) % BYTES_KEPT;
    kept_count--;
    return byte;
}
