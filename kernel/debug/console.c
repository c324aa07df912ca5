/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serial line and debug port. See console.h.
 *
 * Registers of the UART: National Semiconductor PC16550D data sheet, table II. Debug port 0xe9: QEMU's and Bochs'.
 */
#include "debug/console.h"

#include <stdarg.h>
#include <stdbool.h>

#include "debug/format.h"
#include "x86/cpu.h"

#define COM1 0x3f8
#define UART_DATA (COM1 + 0)
#define UART_INTERRUPT_ENABLE (COM1 + 1)
#define UART_FIFO_CONTROL (COM1 + 2)
#define UART_INTERRUPT_IDENTIFICATION (COM1 + 2)
#define UART_LINE_CONTROL (COM1 + 3)
#define UART_MODEM_CONTROL (COM1 + 4)
#define UART_LINE_STATUS (COM1 + 5)
#define UART_SCRATCH (COM1 + 7)

#define LINE_CONTROL_8N1 0x03
#define LINE_CONTROL_DIVISOR 0x80
#define LINE_STATUS_RECEIVED 0x01
#define LINE_STATUS_ROOM 0x20
#define LINE_STATUS_SENT 0x40
#define FIFO_ON_AND_CLEARED 0x07
#define IDENTIFICATION_FIFO 0xc0
#define FIFO_CHARACTERS 8 /* a line's end takes two of the transmitter's 16 bytes */
#define MODEM_READY 0x03  /* DTR and RTS, no interrupt line */
#define DIVISOR_115200 1

#define SCRATCH_PATTERN 0x5a
#define VAIN_LOOKS 1000000 /* a look takes about a microsecond, a character 87 of them */
#define LONGEST_PAUSE 1024 /* turns of an empty loop */
#define DEBUG_PORT 0xe9

#define QUEUE_SIZE 2048

static bool fifo;           /* the transmitter takes 16 bytes once it says that there is room */
static bool present;        /* a UART answers; written by console_initialise */
static uint32_t vain_looks; /* at the transmitter, one after the other; with VAIN_LOOKS nobody takes what we send */

/* Text that waits for the transmitter: bytes `sent` to `queued` - 1, counted from boot. */
static char queue[QUEUE_SIZE];
static uint64_t queued, sent;
static bool reports_lost;

void console_initialise(void)
{
    out_byte(UART_SCRATCH, SCRATCH_PATTERN);
    present = in_byte(UART_SCRATCH) == SCRATCH_PATTERN;
    if (!present)
        return;
    out_byte(UART_INTERRUPT_ENABLE, 0);
    out_byte(UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    out_byte(UART_DATA, DIVISOR_115200);
    out_byte(UART_INTERRUPT_ENABLE, 0); /* upper half of the divisor */
    out_byte(UART_LINE_CONTROL, LINE_CONTROL_8N1);
    out_byte(UART_FIFO_CONTROL, FIFO_ON_AND_CLEARED);
    out_byte(UART_MODEM_CONTROL, MODEM_READY);
    fifo = (in_byte(UART_INTERRUPT_IDENTIFICATION) & IDENTIFICATION_FIFO) == IDENTIFICATION_FIFO;
}

static bool has_room(void)
{
    if (!present)
        return false;
    if (in_byte(UART_LINE_STATUS) & LINE_STATUS_ROOM) {
        vain_looks = 0;
        return true;
    }
    if (vain_looks < VAIN_LOOKS)
        vain_looks++;
    return false;
}

/* What comes then is lost after one look each, until somebody takes it again. */
static bool nobody_takes_it(void)
{
    return !present || vain_looks >= VAIN_LOOKS;
}

/* Between two looks, twice as long each time: an emulator that sends from a thread of its own is kept from that by
 * somebody who looks all the time. */
static void pause_longer(uint32_t *turns)
{
    for (uint32_t i = 0; i < *turns; i++)
        __asm__ volatile("");
    if (*turns < LONGEST_PAUSE)
        *turns *= 2;
}

static void transmit(uint8_t byte)
{
    uint32_t turns = 1;
    bool room;
    while (!(room = has_room()) && !nobody_takes_it())
        pause_longer(&turns);
    if (room)
        out_byte(UART_DATA, byte);
}

static void put_now(char character)
{
    if (character == '\n')
        transmit('\r');
    transmit((uint8_t)character);
}

static void send_queued(void)
{
    while (sent < queued)
        put_now(queue[sent++ % QUEUE_SIZE]);
}

void console_flush(void)
{
    uint32_t turns = 1;
    send_queued();
    for (uint32_t look = 0; !nobody_takes_it() && look < VAIN_LOOKS; look++) {
        if (in_byte(UART_LINE_STATUS) & LINE_STATUS_SENT)
            return;
        pause_longer(&turns);
    }
}

void console_putc(char character)
{
    send_queued();
    put_now(character);
}

void console_write(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        console_putc(text[i]);
}

static void put_console(void *context, char character)
{
    (void)context;
    console_putc(character);
}

void console_printf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_arguments(put_console, NULL, format, arguments);
    va_end(arguments);
}

/* ---- Text that waits ------------------------------------------------------------------------------------------- */

/* Into the FIFO, without a look at it. */
static void put_unseen(char character)
{
    if (character == '\n')
        out_byte(UART_DATA, '\r');
    out_byte(UART_DATA, (uint8_t)character);
}

static void send_some(void)
{
    uint64_t end = sent + FIFO_CHARACTERS < queued ? sent + FIFO_CHARACTERS : queued;
    if (!fifo)
        return put_now(queue[sent++ % QUEUE_SIZE]);
    while (sent < end)
        put_unseen(queue[sent++ % QUEUE_SIZE]);
}

bool console_queue_waits(void)
{
    return sent < queued;
}

bool console_queue_piece(void)
{
    if (sent >= queued)
        return false;
    if (has_room())
        send_some();
    else if (nobody_takes_it())
        sent = queued;
    else
        return false;
    return true;
}

uint64_t console_queue(const char *text, size_t size)
{
    size_t at = queued % QUEUE_SIZE, first = size < QUEUE_SIZE - at ? size : QUEUE_SIZE - at;
    if (QUEUE_SIZE - (queued - sent) < size)
        return 0;
    __builtin_memcpy(queue + at, text, first);
    __builtin_memcpy(queue, text + first, size - first);
    return queued += size;
}

bool console_is_sent(uint64_t end)
{
    return sent >= end;
}

void console_report(const char *text, size_t size)
{
    static const char lost[] = "salto: reports before this one were lost, as they came too fast\n";
    if (!console_queue(text, size))
        reports_lost = true;
    else if (reports_lost && console_queue(lost, sizeof(lost) - 1))
        reports_lost = false;
}

int console_receive_byte(void)
{
    if (!present || !(in_byte(UART_LINE_STATUS) & LINE_STATUS_RECEIVED))
        return -1;
    return in_byte(UART_DATA);
}

void log_write(const char *text, size_t size)
{
    out_bytes(DEBUG_PORT, text, size);
}
