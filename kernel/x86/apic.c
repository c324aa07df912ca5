/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC. See apic.h. Registers: Intel SDM volume 3, chapter 11 (10 in older editions), table 11-1; starting other
 * CPUs: 9.4.4 (8.4.4). The 8259: Intel 8259A data sheet, "Initialization command words".
 */
#include "x86/apic.h"

#include <stdbool.h>

#include "abi/addresses.h"
#include "debug/panic.h"
#include "x86/apic_registers.h"
#include "x86/cpu.h"

#define APIC_BASE_ENABLE (1UL << 11)
#define APIC_BASE_X2APIC (1UL << 10)
#define APIC_BASE_ADDRESS 0x000ffffffffff000UL

#define SPURIOUS_ENABLE 0x100
#define LOCAL_VECTOR_NMI 0x400
#define COMMAND_INIT 0x4500    /* delivery mode INIT, level assert */
#define COMMAND_STARTUP 0x4600 /* delivery mode start-up, level assert */
#define COMMAND_FIXED 0x4000
#define COMMAND_PENDING 0x1000
#define COMMAND_POLLS 1000000
#define DIVIDE_BY_16 0x3

#define PIC_MASTER 0x20
#define PIC_SLAVE 0xa0
#define PIC_VECTORS 0xe0 /* a spurious interrupt, which masking does not stop, comes as 0xe7 or 0xef */

static volatile uint32_t *registers; /* written by the first CPU's apic_initialise */

uint32_t apic_read(unsigned offset)
{
    return registers[offset / 4];
}

void apic_write(unsigned offset, uint32_t value)
{
    registers[offset / 4] = value;
}

uint64_t apic_physical_address(void)
{
    return rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS;
}

/* Vectors out of the way of exceptions, then all inputs masked. */
static void mask_8259s(void)
{
    out_byte(PIC_MASTER, 0x11); /* initialise; ICW4 follows */
    out_byte(PIC_SLAVE, 0x11);
    out_byte(PIC_MASTER + 1, PIC_VECTORS);
    out_byte(PIC_SLAVE + 1, PIC_VECTORS + 8);
    out_byte(PIC_MASTER + 1, 4); /* the slave is at input 2 */
    out_byte(PIC_SLAVE + 1, 2);
    out_byte(PIC_MASTER + 1, 1); /* 8086 mode */
    out_byte(PIC_SLAVE + 1, 1);
    out_byte(PIC_MASTER + 1, 0xff);
    out_byte(PIC_SLAVE + 1, 0xff);
}

/* Mode changes: 11.12.5. From x2APIC mode the only way to xAPIC mode is by turning the APIC off. */
static void enter_xapic_mode(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) & ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC);

    if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
        wrmsr(MSR_APIC_BASE, base);
    wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
        panic("the local APIC is locked in x2APIC mode");
}

void apic_initialise(void)
{
    enter_xapic_mode();
    if (registers == 0) {
        mask_8259s();
        registers = (volatile uint32_t *)(PHYSICAL_MAP + apic_physical_address());
    }
    apic_write(APIC_TASK_PRIORITY, 0);
    apic_write(APIC_TIMER_INITIAL, 0); /* stopped; with mode bits 0 the timer is one-shot */
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    apic_write(APIC_LOCAL_TIMER, VECTOR_TIMER);
    apic_write(APIC_LOCAL_INPUT_0, LOCAL_VECTOR_MASKED);
    apic_write(APIC_LOCAL_INPUT_1, LOCAL_VECTOR_NMI);
    apic_write(APIC_LOCAL_ERROR, LOCAL_VECTOR_MASKED);
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_END_OF_INTERRUPT, 0); /* firmware may have left one in service */
}

uint32_t apic_id(void)
{
    return apic_read(APIC_ID) >> 24;
}

void apic_end_of_interrupt(void)
{
    apic_write(APIC_END_OF_INTERRUPT, 0);
}

/* The wait is bounded: what is not delivered then is found missing by whoever waits for an answer. */
static void send(uint32_t target, uint32_t command)
{
    for (int poll = 0; poll < COMMAND_POLLS && (apic_read(APIC_COMMAND_LOW) & COMMAND_PENDING); poll++)
        cpu_pause();
    apic_write(APIC_COMMAND_HIGH, target << 24);
    apic_write(APIC_COMMAND_LOW, command);
}

void apic_send_interrupt(uint32_t target, uint8_t vector)
{
    send(target, COMMAND_FIXED | vector);
}

void apic_send_init(uint32_t target)
{
    send(target, COMMAND_INIT);
}

void apic_send_startup(uint32_t target, uint64_t page)
{
    assert(page % PAGE_SIZE == 0 && page < 0x100000);
    send(target, COMMAND_STARTUP | (uint32_t)(page >> PAGE_SHIFT));
}
