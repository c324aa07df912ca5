/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the local APIC, for apic.c and timer.c: Intel SDM volume 3, chapter 11, table 11-1. */
#ifndef SALTO_X86_APIC_REGISTERS_H
#define SALTO_X86_APIC_REGISTERS_H

#include <stdint.h>

#define APIC_ID 0x020
#define APIC_TASK_PRIORITY 0x080
#define APIC_END_OF_INTERRUPT 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_COMMAND_LOW 0x300
#define APIC_COMMAND_HIGH 0x310
#define APIC_LOCAL_TIMER 0x320
#define APIC_LOCAL_INPUT_0 0x350
#define APIC_LOCAL_INPUT_1 0x360
#define APIC_LOCAL_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define LOCAL_VECTOR_MASKED 0x10000

/* Reads and writes a register of the local APIC of the CPU that runs this, after apic_initialise(). */
uint32_t apic_read(unsigned offset);
void apic_write(unsigned offset, uint32_t value);

#endif
