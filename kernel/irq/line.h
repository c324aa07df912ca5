/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines and their objects. A line has at most one object, its owner's; an interrupt signals the notification
 * that is bound to it, and comes again only after the owner has acknowledged it.
 *
 * A level-triggered input is masked from the interrupt to the acknowledgement, since it stays active until the driver
 * has served the device. An edge-triggered one cannot be masked so: the chip forgets edges that come while it is, and
 * the device, waiting to be served, makes no other. So its first further edge is only noted, masks the input, and is
 * signalled at the acknowledgement.
 *
 * Invariants: an input is unmasked only if its line has an object that is bound, and that is not waiting to be
 * acknowledged or is edge-triggered with no edge noted.
 */
#ifndef SALTO_IRQ_LINE_H
#define SALTO_IRQ_LINE_H

#include <stdbool.h>

#include "abi/errors.h"
#include "cap/capability.h"

struct interrupt {
    struct object object;
    struct capability
        notification; /* what is signalled, with which bits; empty if nothing is bound, or it was revoked */
    uint32_t input;   /* of the I/O APICs */
    bool level;
    bool waiting; /* signalled, and not acknowledged yet */
    bool noted;   /* an edge came while waiting; the input is masked */
};

/* The object that makes those of lines, which is there for ever. */
struct object *interrupt_control(void);

/* The object of line `line`, charged to `payer`; 0 and `*error` (BAD_ARGUMENT, BUSY, NO_MEMORY). */
struct interrupt *interrupt_create(struct factory *payer, uint32_t line, enum error *error);

/* See Interrupt.bind and Interrupt.acknowledge. */
void interrupt_bind(struct interrupt *interrupt, struct capability *notification);
void interrupt_acknowledge(struct interrupt *interrupt);

/* The input has interrupted: interrupts off, the local APIC not yet told. */
void interrupt_arrived(uint32_t input);

/* The last capability is gone: masks the line, and frees it for others. */
void interrupt_destroy(struct interrupt *interrupt);

#endif
