/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text to people, on the serial line COM1 (115200 baud, 8N1, polled), and to test programs, on the debug port 0xe9.
 *
 * Works from the first line of C on, in any state of the machine: no locks, no interrupts, no allocation. Lines of two
 * CPUs may mix; only the first CPU prints but for panics.
 */
#ifndef SALTO_DEBUG_CONSOLE_H
#define SALTO_DEBUG_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets COM1 up. Where no UART answers, everything printed is dropped from then on. Called once, before all others. */
void console_initialise(void);

/* Writes one character; '\n' becomes CR LF. Waits for room in the transmitter, at most some seconds: where
 * nobody takes what is sent, this and what comes after it is lost, until somebody does. */
void console_putc(char character);

/* Writes `size` characters. */
void console_write(const char *text, size_t size);

/* Writes formatted text; see format.h for what `format` may hold. */
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Waits until everything written has left the UART, at most some seconds: what is still in it is lost when the
 * machine goes off. */
void console_flush(void);

/* The same for text that need not be out at once: it is put behind what waits already, and sent piece by piece while
 * whoever wrote it goes on with that, or nobody runs. Everything above sends what waits first.
 * Answers where the text ends, or 0 if so much has no room now. */
uint64_t console_queue(const char *text, size_t size);

/* Is everything sent up to `end`, which console_queue() answered? */
bool console_is_sent(uint64_t end);

/* Does text wait? */
bool console_queue_waits(void);

/* Sends a little of it. False if nothing waits, or the transmitter has no room now. */
bool console_queue_piece(void);

/* A line about what nobody waits for. Where it has no room it is lost, and the next one says that: nobody is held up by
 * faults that come faster than they can be printed. */
void console_report(const char *text, size_t size);

/* A byte that was received, or -1 if none is there. Never waits. */
int console_receive_byte(void);

/* The same for whoever reads the console: in a kernel with the debugger (docs/debugger.md) all but the debugger's
 * key. */
int console_read_byte(void);

/* Writes `size` bytes to the debug port, as they are. */
void log_write(const char *text, size_t size);

#endif
