/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of the kernel's irq/ioapic.c: one chip of 24 inputs, as QEMU and Bochs have it, that behaves as the 82093AA
 * does: an edge that comes while its input is masked is forgotten; a level that is active interrupts once it is not.
 */
#ifndef SALTO_TESTS_HOST_IOAPIC_H
#define SALTO_TESTS_HOST_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_INPUTS 24

struct host_input {
    bool level, low_active, unmasked;
    bool active; /* what the device does with its line */
};

extern struct host_input host_inputs[HOST_INPUTS];

/* Interrupts that the local APIC took and was not told the end of: must be 0 outside of interrupt_arrived(). */
extern int host_in_service;

/* How often interrupt_arrived() was called. */
extern unsigned host_interrupts;

/* The device makes its line active, or inactive: that interrupts if the input is not masked. */
void host_raise(uint32_t input);
void host_lower(uint32_t input);

#endif
