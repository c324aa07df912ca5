/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's I/O APIC. See host_ioapic.h. */
#include "kernel_parts/host_ioapic.h"

#include "debug/panic.h"
#include "irq/ioapic.h"
#include "irq/line.h"
#include "x86/acpi.h"
#include "x86/apic.h"

struct acpi_info acpi_info;
struct host_input host_inputs[HOST_INPUTS];
int host_in_service;
unsigned host_interrupts;

static void deliver(uint32_t input)
{
    host_interrupts++;
    host_in_service++;
    interrupt_arrived(input);
    assert(host_in_service == 0);
}

void apic_end_of_interrupt(void)
{
    assert(host_in_service == 1);
    host_in_service--;
    for (uint32_t i = 0; i < HOST_INPUTS; i++) /* else it would interrupt again at once, and for ever */
        assert(!host_inputs[i].level || !host_inputs[i].active || !host_inputs[i].unmasked);
}

bool ioapic_has(uint32_t input)
{
    return input < HOST_INPUTS;
}

void ioapic_configure(uint32_t input, bool level, bool low_active)
{
    assert(ioapic_has(input));
    host_inputs[input] =
        (struct host_input){.level = level, .low_active = low_active, .active = host_inputs[input].active};
}

void ioapic_mask(uint32_t input)
{
    assert(ioapic_has(input));
    host_inputs[input].unmasked = false;
}

void ioapic_unmask(uint32_t input)
{
    assert(ioapic_has(input));
    host_inputs[input].unmasked = true;
}

void host_raise(uint32_t input)
{
    bool edge = !host_inputs[input].active;
    host_inputs[input].active = true;
    if (host_inputs[input].unmasked && (edge || host_inputs[input].level))
        deliver(input);
}

void host_lower(uint32_t input)
{
    host_inputs[input].active = false;
}
