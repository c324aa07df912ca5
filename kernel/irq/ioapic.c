/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O APICs. See ioapic.h. Registers: Intel 82093AA data sheet, 3.1 and 3.2. */
#include "irq/ioapic.h"

#include "debug/console.h"
#include "debug/panic.h"
#include "mem/frame.h"
#include "x86/acpi.h"
#include "x86/apic.h"

/* Two words in memory: which register, and its content. */
#define REGISTER_SELECT 0
#define REGISTER_WINDOW 4 /* in units of 4 bytes */
#define REGISTER_VERSION 0x01
#define REGISTER_REDIRECTION 0x10 /* two registers for each input: low and high half of its entry */

#define ENTRY_MASKED 0x10000U
#define ENTRY_LEVEL 0x8000U
#define ENTRY_LOW_ACTIVE 0x2000U
#define ENTRY_DESTINATION_SHIFT 24 /* in the high half: the CPU's APIC id, in physical mode */

/* An input: where its entry is, and its low half, so that it need not be read from the device. */
struct input {
    volatile uint32_t *chip; /* 0: no such input */
    uint32_t entry;          /* register of the low half */
    uint32_t low;
};

static struct input inputs[IOAPIC_INPUTS];

static uint32_t read_register(volatile uint32_t *chip, uint32_t number)
{
    chip[REGISTER_SELECT] = number;
    return chip[REGISTER_WINDOW];
}

static void write_register(volatile uint32_t *chip, uint32_t number, uint32_t value)
{
    chip[REGISTER_SELECT] = number;
    chip[REGISTER_WINDOW] = value;
}

static void add_chip(const struct acpi_io_apic *found)
{
    volatile uint32_t *chip = physical_to_virtual(found->address);
    uint32_t count = (read_register(chip, REGISTER_VERSION) >> 16 & 0xff) + 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = REGISTER_REDIRECTION + 2 * i, input = found->first_interrupt + i;
        write_register(chip, entry, ENTRY_MASKED);
        if (input < IOAPIC_INPUTS)
            inputs[input] = (struct input){chip, entry, ENTRY_MASKED};
    }
}

void ioapic_initialise(void)
{
    for (uint32_t i = 0; i < acpi_info.io_apic_count; i++)
        add_chip(&acpi_info.io_apics[i]);
    if (acpi_info.io_apic_count == 0)
        console_printf("salto: no I/O APIC: no interrupts of devices\n");
}

bool ioapic_has(uint32_t input)
{
    return input < IOAPIC_INPUTS && inputs[input].chip;
}

void ioapic_configure(uint32_t number, bool level, bool low_active)
{
    struct input *input = &inputs[number];
    assert(ioapic_has(number));
    input->low =
        (VECTOR_INPUT_0 + number) | (level ? ENTRY_LEVEL : 0) | (low_active ? ENTRY_LOW_ACTIVE : 0) | ENTRY_MASKED;
    write_register(input->chip, input->entry, input->low);
    write_register(input->chip, input->entry + 1, apic_id() << ENTRY_DESTINATION_SHIFT);
}

void ioapic_mask(uint32_t number)
{
    struct input *input = &inputs[number];
    assert(ioapic_has(number));
    input->low |= ENTRY_MASKED;
    write_register(input->chip, input->entry, input->low);
}

void ioapic_unmask(uint32_t number)
{
    struct input *input = &inputs[number];
    assert(ioapic_has(number));
    input->low &= ~ENTRY_MASKED;
    write_register(input->chip, input->entry, input->low);
}
