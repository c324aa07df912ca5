/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550 with its queues: bytes on their way in and out (National Semiconductor PC16550D data sheet, section 8).
 *
 * A queue that is full stops its direction: what comes in stays in the device, which tells the sender by RTS.
 */
#ifndef SERIAL_UART_H
#define SERIAL_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_SIZE 1024u /* a power of two */

/* Bytes from `first` on, `count` of them, around the end. */
struct queue {
    uint8_t bytes[QUEUE_SIZE];
    uint32_t first, count;
};

struct uart {
    uint16_t ports; /* the first of eight */
    uint8_t interrupts_wanted;
    struct queue in, out;
    uint64_t received, sent, overruns;
};

/* 115,200 bits a second, eight data bits, no parity; interrupts on. False: there is no such device at these ports. */
bool uart_open(struct uart *uart, uint16_t ports);

/* Serves all that the device interrupts for, until it wants nothing more. Returns whether bytes came in where there
 * were none, or room where there was none. */
bool uart_interrupt(struct uart *uart);

/* Takes at most `size` bytes that came in: how many. */
size_t uart_read(struct uart *uart, uint8_t *to, size_t size);

/* Sends bytes, as many as there is room for: how many. */
size_t uart_write(struct uart *uart, const uint8_t *from, size_t size);

#endif
