/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt lines. See line.h. */
#include "irq/line.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/notification.h"
#include "irq/ioapic.h"
#include "x86/acpi.h"
#include "x86/apic.h"

#define SIGNAL_WITHOUT_BADGE 1 /* a signal has at least one bit */

static struct interrupt *owners[IOAPIC_INPUTS]; /* by input: the line's object, or 0 */

struct object *interrupt_control(void)
{
    static struct object control = {.type = OBJECT_INTERRUPT_CONTROL};
    return &control;
}

/* PCI's lines, whose number is their input's, are level-triggered and low-active (PCI specification 3.0, 2.2.6). */
static struct acpi_isa_interrupt source_of(uint32_t line)
{
    if (line < ACPI_ISA_INTERRUPTS)
        return acpi_info.isa_interrupts[line];
    return (struct acpi_isa_interrupt){.input = line, .level = true, .low_active = true};
}

struct interrupt *interrupt_create(struct factory *payer, uint32_t line, enum error *error)
{
    struct acpi_isa_interrupt source = source_of(line);
    *error = ERROR_BAD_ARGUMENT;
    if (!ioapic_has(source.input))
        return 0;
    *error = ERROR_BUSY;
    if (owners[source.input])
        return 0;
    struct interrupt *interrupt = object_allocate(payer, OBJECT_INTERRUPT, sizeof(struct interrupt));
    *error = ERROR_NO_MEMORY;
    if (!interrupt)
        return 0;
    *error = ERROR_NONE;
    interrupt->input = source.input;
    interrupt->level = source.level;
    owners[source.input] = interrupt;
    ioapic_configure(source.input, source.level, source.low_active);
    return interrupt;
}

/* Is there somebody to be told? What was bound may have been revoked. */
static bool is_bound(const struct interrupt *interrupt)
{
    const struct object *object = interrupt->notification.object;
    return object && object->type == OBJECT_NOTIFICATION;
}

static void unmask_if_allowed(const struct interrupt *interrupt)
{
    bool silent = interrupt->waiting && (interrupt->level || interrupt->noted);
    if (is_bound(interrupt) && !silent)
        ioapic_unmask(interrupt->input);
}

void interrupt_bind(struct interrupt *interrupt, struct capability *notification)
{
    struct capability *bound = &interrupt->notification;
    if (bound->object)
        capability_delete(bound);
    capability_attach_derived(bound, notification, RIGHT_WRITE);
    unmask_if_allowed(interrupt);
}

static void signal_owner(struct interrupt *interrupt)
{
    const struct capability *bound = &interrupt->notification;
    interrupt->waiting = true;
    notification_signal((struct notification *)bound->object, bound->badge ? bound->badge : SIGNAL_WITHOUT_BADGE);
}

void interrupt_acknowledge(struct interrupt *interrupt)
{
    bool noted = interrupt->noted;
    if (!interrupt->waiting)
        return;
    interrupt->waiting = interrupt->noted = false;
    if (noted && is_bound(interrupt))
        signal_owner(interrupt);
    if (noted || interrupt->level)
        unmask_if_allowed(interrupt);
}

void interrupt_arrived(uint32_t input)
{
    struct interrupt *interrupt = owners[input];
    /* One that was on its way when its line was masked for good, or masked and given to somebody else: nobody's. */
    if (!interrupt || !is_bound(interrupt)) {
        ioapic_mask(input);
        return apic_end_of_interrupt();
    }
    if (interrupt->level || interrupt->waiting)
        ioapic_mask(input);
    /* After the mask: a level-triggered input that is still active would interrupt again. */
    apic_end_of_interrupt();
    if (interrupt->waiting)
        interrupt->noted = !interrupt->level;
    else
        signal_owner(interrupt);
}

void interrupt_destroy(struct interrupt *interrupt)
{
    ioapic_mask(interrupt->input);
    owners[interrupt->input] = 0;
    if (interrupt->notification.object)
        capability_delete(&interrupt->notification);
    object_free(&interrupt->object);
}
