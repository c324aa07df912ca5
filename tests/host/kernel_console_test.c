/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the console (kernel/debug/console.c) over a model of a UART whose reader is fast, slow, pauses, goes,
 * and comes back: nothing is lost or out of order as long as somebody reads within a second or so, nobody is held up
 * for ever where nobody does, and what is written after a reader came back arrives.
 *
 * The model (National Semiconductor PC16550D data sheet, table II and section 8.4): THRE says that all of the
 * transmitter's 16 bytes are free, and TEMT that the last one is out too; a byte that comes when all are taken is lost.
 * Its time is looks at the line status: the reader takes a byte after so many of them.
 */
#include "debug/console.h"

#include <string.h>

#include "host_tap.h"
#include "x86/cpu.h"

#define COM1 0x3f8
#define DATA 0
#define INTERRUPT_ENABLE 1
#define INTERRUPT_IDENTIFICATION 2 /* written: FIFO control */
#define LINE_CONTROL 3
#define MODEM_CONTROL 4
#define LINE_STATUS 5
#define SCRATCH 7
#define DIVISOR_LATCH 0x80
#define STATUS_RECEIVED 0x01
#define STATUS_ROOM 0x20
#define STATUS_SENT 0x40
#define WITH_FIFO 0xc1
#define WITHOUT_FIFO 0x01
#define DEBUG_PORT 0xe9

#define FIFO_SIZE 16
#define STOPPED 0
#define PATIENCE 1000000 /* looks, after which the console gives up */
#define QUEUE_SIZE 2048  /* bytes that can wait */
#define READ_MOST 65536

static struct {
    bool there, has_fifo, fifo_on;
    uint8_t scratch, line_control, divisor[2];
    uint8_t transmitter[FIFO_SIZE];
    unsigned count;           /* bytes in it */
    bool shifts;              /* one more is on the line */
    uint64_t interval;        /* looks from byte to byte, or STOPPED */
    uint64_t next;            /* look that takes the next one */
    uint64_t looks;           /* so far */
    unsigned lost;            /* bytes that came when there was no room */
    int received;             /* or -1 */
    char read[READ_MOST + 1]; /* what somebody has read */
    unsigned read_count;
} uart;

static char logged[16];

/* ---- The UART ---------------------------------------------------------------------------------------------------- */

static void take_byte(void)
{
    uart.next = uart.looks + uart.interval;
    uart.shifts = uart.count > 0;
    if (uart.count == 0 || uart.read_count == READ_MOST)
        return;
    uart.read[uart.read_count++] = (char)uart.transmitter[0];
    memmove(uart.transmitter, uart.transmitter + 1, --uart.count);
}

static uint8_t line_status(void)
{
    uart.looks++;
    if (uart.interval != STOPPED && uart.looks >= uart.next)
        take_byte();
    return (uint8_t)((uart.received >= 0 ? STATUS_RECEIVED : 0) | (uart.count == 0 ? STATUS_ROOM : 0) |
                     (uart.count == 0 && !uart.shifts ? STATUS_SENT : 0));
}

static uint8_t received_byte(void)
{
    int byte = uart.received;
    uart.received = -1;
    return (uint8_t)byte;
}

uint8_t in_byte(uint16_t port)
{
    if (!uart.there)
        return 0xff;
    switch (port - COM1) {
    case DATA:
        return received_byte();
    case INTERRUPT_IDENTIFICATION:
        return uart.has_fifo && uart.fifo_on ? WITH_FIFO : WITHOUT_FIFO;
    case LINE_STATUS:
        return line_status();
    case SCRATCH:
        return uart.scratch;
    }
    return 0;
}

static void transmit_byte(uint8_t byte)
{
    if (uart.count < (uart.has_fifo && uart.fifo_on ? FIFO_SIZE : 1))
        uart.transmitter[uart.count++] = byte;
    else
        uart.lost++;
}

void out_byte(uint16_t port, uint8_t value)
{
    unsigned offset = port - COM1;
    if (!uart.there)
        return;
    if (offset <= INTERRUPT_ENABLE && (uart.line_control & DIVISOR_LATCH))
        uart.divisor[offset] = value;
    else if (offset == DATA)
        transmit_byte(value);
    else if (offset == INTERRUPT_IDENTIFICATION)
        uart.fifo_on = value & 1;
    else if (offset == LINE_CONTROL)
        uart.line_control = value;
    else if (offset == SCRATCH)
        uart.scratch = value;
}

void out_bytes(uint16_t port, const void *bytes, uint64_t count)
{
    if (port == DEBUG_PORT && count < sizeof(logged))
        memcpy(logged, bytes, count);
}

/* From the next look on; STOPPED: nobody reads. */
static void reader_takes_every(uint64_t interval)
{
    uart.interval = interval;
    uart.next = uart.looks + interval;
}

static void start(bool there, bool has_fifo, uint64_t interval)
{
    memset(&uart, 0, sizeof(uart));
    uart.there = there;
    uart.has_fifo = has_fifo;
    uart.received = -1;
    console_initialise();
    reader_takes_every(interval);
}

/* ---- What is expected -------------------------------------------------------------------------------------------- */

/* Has exactly `text` been read, each line's end as CR LF? What was read is forgotten. */
static bool was_read(const char *text)
{
    unsigned at = 0;
    bool good = true;
    for (; *text && good; text++) {
        if (*text == '\n')
            good = at < uart.read_count && uart.read[at++] == '\r';
        good = good && at < uart.read_count && uart.read[at++] == *text;
    }
    good = good && at == uart.read_count && uart.lost == 0;
    uart.read_count = 0;
    return good;
}

/* Is `text` in what has been read? */
static bool is_read(const char *text)
{
    uart.read[uart.read_count] = '\0';
    return strstr(uart.read, text);
}

static void write_text(const char *text)
{
    console_write(text, strlen(text));
}

static uint64_t queue_text(const char *text)
{
    return console_queue(text, strlen(text));
}

/* Sends what waits, as the idle kernel does it; false if that does not come to an end. */
static bool send_queue(void)
{
    for (uint64_t tries = 0; console_queue_waits(); tries++) {
        (void)console_queue_piece();
        if (tries > 2 * PATIENCE)
            return false;
    }
    return true;
}

static const char verse[] = "There was a young kernel whose flips\nWere faster than most people's quips;\n"
                            "\n\nIt turned in mid-air,\nFound nobody there,\nAnd waited with tightly shut lips.\n";

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void test_setup(void)
{
    start(true, true, 1);
    host_ok(uart.divisor[0] == 1 && uart.divisor[1] == 0 && uart.line_control == 0x03 && uart.fifo_on,
            "115200 baud, 8N1, FIFO on");
    uart.received = 'k';
    host_ok(console_receive_byte() == 'k' && console_receive_byte() == -1, "a byte is received, once");
    log_write("log", 4);
    host_ok(strcmp(logged, "log") == 0 && uart.read_count == 0, "the debug port is another thing");
}

static void test_no_uart(void)
{
    start(false, false, 1);
    write_text(verse);
    bool good = queue_text(verse) && send_queue();
    console_flush();
    host_ok(good && console_receive_byte() == -1, "without a UART all is dropped");
}

static void test_reader(bool fifo, uint64_t interval)
{
    start(true, fifo, interval);
    write_text(verse);
    console_printf("%d%%\n", 42);
    console_flush();
    bool good = uart.count == 0 && !uart.shifts;
    uint64_t end = queue_text(verse);
    good &= end != 0 && !console_is_sent(end) && send_queue() && console_is_sent(end);
    queue_text("queued, ");
    write_text("and not\n");
    console_flush();
    char expected[1024];
    snprintf(expected, sizeof(expected), "%s42%%\n%squeued, and not\n", verse, verse);
    host_ok(was_read(expected) && good, "all arrives in order: a byte each %d looks, %s FIFO", (int)interval,
            fifo ? "with a" : "without");
}

/* Pieces of text of all sizes through the queue, which is emptied now and then. */
static void test_queue(void)
{
    static char all[READ_MOST];
    uint64_t chance = 7, bytes = 0;
    bool good = true;
    start(true, true, 1);
    for (int i = 0; i < 400; i++) {
        char text[160];
        uint64_t size = 1 + host_random(&chance) % (sizeof(text) - 1);
        for (uint64_t j = 0; j < size; j++)
            text[j] = (char)('a' + (bytes + j) % 26);
        if (!console_queue(text, size)) {
            good &= send_queue();
            good &= console_queue(text, size) != 0;
        }
        memcpy(all + bytes, text, size);
        bytes += size;
    }
    good &= send_queue();
    console_flush();
    all[bytes] = '\0';
    host_ok(was_read(all) && good, "%d bytes in pieces through the queue", (int)bytes);
    reader_takes_every(STOPPED);
    for (bytes = 0; bytes < QUEUE_SIZE; bytes++)
        good &= console_queue("x", 1) != 0;
    host_ok(good && !console_queue("x", 1), "so much can wait, and no more");
    reader_takes_every(1);
    good = send_queue();
    console_flush();
    uart.read_count = 0;
    host_ok(good && console_queue("x", 1) && send_queue(), "then there is room again");
}

/* Twice a pause that is almost too long. */
static void test_pauses(void)
{
    start(true, true, 1);
    for (int i = 0; i < 2; i++) {
        write_text(verse);
        uart.next = uart.looks + PATIENCE * 9UL / 10;
    }
    write_text("back\n");
    console_flush();
    char expected[1024];
    snprintf(expected, sizeof(expected), "%s%sback\n", verse, verse);
    host_ok(was_read(expected), "a reader that pauses loses nothing");
}

static void test_nobody_reads(void)
{
    start(true, true, 1);
    write_text("last words\n");
    console_flush();
    reader_takes_every(STOPPED);
    uint64_t before = uart.looks;
    write_text(verse);
    host_ok(uart.looks - before < PATIENCE + 2 * sizeof(verse), "where nobody reads, the console gives up");
    before = uart.looks;
    for (int i = 0; i < 100; i++)
        write_text(verse);
    console_flush();
    host_ok(uart.looks - before <= 200 * sizeof(verse), "what comes then is lost after a look for each byte");
    host_ok(queue_text(verse) && console_queue_piece() && !console_queue_waits(), "and so is what would wait");
    reader_takes_every(1);
    write_text("\n");
    console_flush();
    uart.read_count = 0;
    write_text(verse);
    console_flush();
    host_ok(was_read(verse), "a reader that comes back reads on");
    reader_takes_every(3);
    bool good = queue_text(verse) && send_queue();
    console_flush();
    host_ok(was_read(verse) && good, "from the queue too");
}

/* Idle, the kernel looks at the queue again and again; nobody takes what is in it. */
static void test_nobody_reads_queue(void)
{
    start(true, true, STOPPED);
    write_text("x");
    bool good = queue_text(verse) && !console_queue_piece() && console_queue_waits();
    uint64_t before = uart.looks;
    good &= send_queue() && uart.looks - before <= PATIENCE;
    host_ok(good, "what waits for nobody is dropped in the end");
    reader_takes_every(1);
    good = queue_text("\n") && send_queue();
    console_flush();
    uart.read_count = 0;
    good &= queue_text(verse) && send_queue();
    console_flush();
    host_ok(was_read(verse) && good, "and what comes after that arrives");
}

static void test_reports(void)
{
    static const char report[] = "a report\n";
    start(true, true, 1);
    for (unsigned i = 0; i <= QUEUE_SIZE / (sizeof(report) - 1); i++)
        console_report(report, sizeof(report) - 1);
    bool good = send_queue();
    console_flush();
    good &= !is_read("lost");
    uart.read_count = 0;
    console_report(report, sizeof(report) - 1);
    good &= send_queue();
    console_flush();
    host_ok(good && is_read("reports before this one were lost"), "a report that had no room is told of");
    uart.read_count = 0;
    console_report(report, sizeof(report) - 1);
    good = send_queue();
    console_flush();
    host_ok(was_read(report) && good, "once");
}

int main(void)
{
    test_setup();
    test_no_uart();
    for (uint64_t interval = 1; interval <= 1000; interval *= 10) {
        test_reader(true, interval);
        test_reader(false, interval);
    }
    test_queue();
    test_pauses();
    test_nobody_reads();
    test_nobody_reads_queue();
    test_reports();
    return host_done();
}
