/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two devices of every PC as their drivers use them: the 8254's channel 0 and the real-time clock. Inlined, and without
 * a variable, so that they run in separate tasks of a test too (../common/worker.h).
 */
#ifndef SALTO_TEST_DEVICES_H
#define SALTO_TEST_DEVICES_H

#include <stdint.h>

#define TIMER_LINE 0
#define TIMER_PORTS 0x40 /* channel 0; its command register is three ports further */
#define TIMER_PORTS_COUNT 4
#define TIMER_HERTZ 1193182
#define TIMER_COMMAND_ONCE 0x30  /* channel 0, both bytes, mode 0: one interrupt when it has counted down */
#define TIMER_COMMAND_TICKS 0x34 /* mode 2: one each time */
#define TIMER_COMMAND_STOP 0x30  /* mode 0 again, and no count: it does not count */

#define CLOCK_LINE 8
#define CLOCK_PORTS 0x70 /* which register, and its content */
#define CLOCK_PORTS_COUNT 2
#define CLOCK_RATE 0x0a
#define CLOCK_CONTROL 0x0b
#define CLOCK_STATUS 0x0c /* reading it ends the interrupt */
#define CLOCK_PERIODIC 0x40

static inline __attribute__((always_inline)) void out_byte(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline __attribute__((always_inline)) uint8_t in_byte(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

/* Intel 8254 data sheet: control word, then low and high byte of the count. */
static inline __attribute__((always_inline)) void timer_start(uint8_t command, uint16_t count)
{
    out_byte(TIMER_PORTS + 3, command);
    out_byte(TIMER_PORTS, (uint8_t)count);
    out_byte(TIMER_PORTS, (uint8_t)(count >> 8));
}

static inline __attribute__((always_inline)) void timer_stop(void)
{
    out_byte(TIMER_PORTS + 3, TIMER_COMMAND_STOP);
}

/* Motorola MC146818A data sheet: the register's number, then its content. */
static inline __attribute__((always_inline)) uint8_t clock_read(uint8_t number)
{
    out_byte(CLOCK_PORTS, number);
    return in_byte(CLOCK_PORTS + 1);
}

static inline __attribute__((always_inline)) void clock_write(uint8_t number, uint8_t value)
{
    out_byte(CLOCK_PORTS, number);
    out_byte(CLOCK_PORTS + 1, value);
}

/* Periodic interrupts, 1,024 a second. */
static inline __attribute__((always_inline)) void clock_start(void)
{
    clock_write(CLOCK_RATE, 0x26);
    clock_write(CLOCK_CONTROL, clock_read(CLOCK_CONTROL) | CLOCK_PERIODIC);
    clock_read(CLOCK_STATUS);
}

static inline __attribute__((always_inline)) void clock_stop(void)
{
    clock_write(CLOCK_CONTROL, (uint8_t)(clock_read(CLOCK_CONTROL) & ~CLOCK_PERIODIC));
    clock_read(CLOCK_STATUS);
}

#endif
