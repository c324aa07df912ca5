/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APICs: inputs, numbered over all of them as ACPI does (global system interrupts), each led to a vector of its
 * own of the first CPU. Inputs from IOAPIC_INPUTS up, if a machine has such, stay masked for ever.
 *
 * Invariant: an input is unmasked only by ioapic_unmask(); after boot all are masked.
 */
#ifndef SALTO_IRQ_IOAPIC_H
#define SALTO_IRQ_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define IOAPIC_INPUTS 128
#define VECTOR_INPUT_0 \
    0x30 /* input n has vector VECTOR_INPUT_0 + n: above those of timer and CPUs, below spurious ones */

/* Finds the I/O APICs that ACPI names, and masks all inputs. Once, after acpi_initialise() and space_initialise(). */
void ioapic_initialise(void);

/* Is there such an input? */
bool ioapic_has(uint32_t input);

/* Says how an input is triggered; masks it. */
void ioapic_configure(uint32_t input, bool level, bool low_active);

/* Keep the interrupts of an input back, and let them through. */
void ioapic_mask(uint32_t input);
void ioapic_unmask(uint32_t input);

#endif
