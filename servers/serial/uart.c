/* SPDX-License-Identifier: BSD-2-Clause */
/* The 16550. Register numbers and bits are those of the data sheet, section 8, table II. */
#include "uart.h"

enum registers {
    DATA = 0,
    INTERRUPT_ENABLE = 1,
    INTERRUPT_CAUSE = 2,
    FIFO_CONTROL = 2,
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7
};

enum {
    DIVISOR_LOW = 0,     /* while LINE_DIVISOR is set */
    DIVISOR_HIGH = 1,    /* likewise */
    ENABLE_RECEIVED = 1, /* INTERRUPT_ENABLE */
    ENABLE_SENT = 2,
    CAUSE_NONE = 1,    /* INTERRUPT_CAUSE */
    FIFO_RESET = 0x07, /* on, both emptied, an interrupt for each byte that comes in */
    FIFO_SIZE = 16,    /* bytes that can be sent at once when the last one has gone */
    LINE_8N1 = 0x03,   /* LINE_CONTROL */
    LINE_DIVISOR = 0x80,
    MODEM_READY = 0x09,   /* MODEM_CONTROL: DTR, and OUT2, which lets interrupts through on a PC */
    MODEM_TAKES_MORE = 2, /* RTS */
    STATUS_RECEIVED = 1,  /* LINE_STATUS */
    STATUS_OVERRUN = 2,
    STATUS_SENT = 0x20,
    PATTERN = 0x5a, /* SCRATCH */
};

static void put(const struct uart *uart, unsigned number, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"((uint16_t)(uart->ports + number)) : "memory");
}

static uint8_t get(const struct uart *uart, unsigned number)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((uint16_t)(uart->ports + number)) : "memory");
    return value;
}

static void push(struct queue *queue, uint8_t byte)
{
    queue->bytes[(queue->first + queue->count++) % QUEUE_SIZE] = byte;
}

static uint8_t pop(struct queue *queue)
{
    uint8_t byte = queue->bytes[queue->first];

    queue->first = (queue->first + 1) % QUEUE_SIZE;
    queue->count--;
    return byte;
}

/* Interrupts for what can go on, and RTS while there is room. */
static void want(struct uart *uart)
{
    bool room = uart->in.count < QUEUE_SIZE;
    uint8_t wanted = (uint8_t)((room ? ENABLE_RECEIVED : 0) | (uart->out.count ? ENABLE_SENT : 0));

    if (wanted == uart->interrupts_wanted)
        return;
    uart->interrupts_wanted = wanted;
    put(uart, MODEM_CONTROL, (uint8_t)(MODEM_READY | (room ? MODEM_TAKES_MORE : 0)));
    put(uart, INTERRUPT_ENABLE, wanted);
}

/* The scratch register keeps what is written to it, and means nothing to the device. */
static bool keeps(const struct uart *uart, uint8_t value)
{
    put(uart, SCRATCH, value);
    return get(uart, SCRATCH) == value;
}

bool uart_open(struct uart *uart, uint16_t ports)
{
    *uart = (struct uart){.ports = ports};
    if (!keeps(uart, PATTERN) || !keeps(uart, (uint8_t)~PATTERN))
        return false;
    put(uart, INTERRUPT_ENABLE, 0);
    put(uart, LINE_CONTROL, LINE_DIVISOR);
    put(uart, DIVISOR_LOW, 1);
    put(uart, DIVISOR_HIGH, 0);
    put(uart, LINE_CONTROL, LINE_8N1);
    put(uart, FIFO_CONTROL, FIFO_RESET);
    want(uart);
    return true;
}

/* Both directions once; false if the device had nothing. */
static bool serve(struct uart *uart)
{
    uint8_t status = get(uart, LINE_STATUS);
    bool served = false;

    uart->overruns += (status & STATUS_OVERRUN) != 0;
    if (status & STATUS_RECEIVED && uart->in.count < QUEUE_SIZE) {
        push(&uart->in, get(uart, DATA));
        uart->received++;
        served = true;
    }
    for (unsigned i = 0; status & STATUS_SENT && uart->out.count && i < FIFO_SIZE; i++) {
        put(uart, DATA, pop(&uart->out));
        uart->sent++;
        served = true;
    }
    return served;
}

bool uart_interrupt(struct uart *uart)
{
    bool was_empty = uart->in.count == 0, was_full = uart->out.count == QUEUE_SIZE;

    /* An edge comes only when the device goes from wanting nothing to wanting something: it must be served whole.
     * Reading the causes and the modem's status ends those that are neither direction's. */
    do {
        while (serve(uart))
            ;
        want(uart);
        (void)get(uart, MODEM_STATUS);
    } while (!(get(uart, INTERRUPT_CAUSE) & CAUSE_NONE));
    return (was_empty && uart->in.count) || (was_full && uart->out.count < QUEUE_SIZE);
}

size_t uart_read(struct uart *uart, uint8_t *to, size_t size)
{
    size_t count = 0;

    while (count < size && uart->in.count)
        to[count++] = pop(&uart->in);
    want(uart);
    return count;
}

size_t uart_write(struct uart *uart, const uint8_t *from, size_t size)
{
    size_t count = 0;

    while (count < size && uart->out.count < QUEUE_SIZE)
        push(&uart->out, from[count++]);
    want(uart);
    return count;
}
