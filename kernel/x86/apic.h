/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC of each CPU: interrupts between CPUs, and the one-shot timer.
 *
 * It is used in xAPIC mode, through PHYSICAL_MAP at the address that its base register names (0xfee00000 as a rule), so
 * CPUs with an APIC id over 254 are out of reach. The 8259s are masked; devices' interrupts come by way of the
 * I/O APICs (irq/ioapic.h).
 */
#ifndef SALTO_X86_APIC_H
#define SALTO_X86_APIC_H

#include <stdint.h>

#include "x86/timer.h" /* the one-shot timer is part of the APIC to those who use it */

#define VECTOR_TIMER 0x20
#define VECTOR_IPI 0x21
#define VECTOR_SPURIOUS 0xff /* needs no end of interrupt */
#define APIC_MAX_ID 254

/* Turns on the local APIC of the CPU that runs this, timer off; the first call (on the first CPU) also masks the 8259s.
 * Once for each CPU, interrupts off. Panics if firmware has locked the APIC in x2APIC mode. */
void apic_initialise(void);

/* APIC id of the CPU that runs this. */
uint32_t apic_id(void);

/* Physical address of the local APIC's page, which must not be mapped cached. Needs no apic_initialise(). */
uint64_t apic_physical_address(void);

/* Tells the local APIC that the interrupt being handled is done with. */
void apic_end_of_interrupt(void);

/* Sends interrupt `vector` (16 to 254) to the CPU with APIC id `target`. */
void apic_send_interrupt(uint32_t target, uint8_t vector);

/* Resets the CPU `target`; it then waits for apic_send_startup(). */
void apic_send_init(uint32_t target);

/* Lets a reset CPU begin in real mode at physical `page` (page-aligned, below 1 MiB). */
void apic_send_startup(uint32_t target, uint64_t page);

#endif
