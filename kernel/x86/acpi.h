/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI: the few tables that the kernel needs (MADT for CPUs and interrupt controllers, FADT and the \_S5_ object for
 * power off), and turning the machine off.
 *
 * Everything is read once, at boot; from then on acpi_info is read-only and no ACPI memory is touched. A table that is
 * missing, outside mapped memory, of a bad length or checksum is ignored, and the console says so.
 */
#ifndef SALTO_X86_ACPI_H
#define SALTO_X86_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"

#define ACPI_MAX_IO_APICS 8
#define ACPI_ISA_INTERRUPTS 16

struct acpi_io_apic {
    uint32_t id, address, first_interrupt; /* address is physical; interrupts are numbered over all of them */
};

/* Where an ISA device's interrupt arrives, and how. */
struct acpi_isa_interrupt {
    uint32_t input; /* of the I/O APICs, numbered over all of them */
    bool level, low_active;
};

struct acpi_info {
    uint32_t cpu_count; /* usable CPUs in the MADT, also those that apic_ids has no room for; 0 if there is no MADT */
    uint32_t apic_ids[MAX_CPUS];
    uint32_t io_apic_count;
    struct acpi_io_apic io_apics[ACPI_MAX_IO_APICS];
    struct acpi_isa_interrupt isa_interrupts[ACPI_ISA_INTERRUPTS];
    uint64_t local_apic; /* physical address that all CPUs have their local APIC at; 0 if there is no MADT */
    uint16_t timer_port; /* the 3.579545 MHz power-management timer; 0 if there is none */
    bool timer_32_bits;  /* it counts 32 bits, else 24 */
    bool can_power_off;  /* the following hold what S5 needs */
    uint16_t control_port_a, control_port_b, command_port; /* PM1a_CNT, PM1b_CNT (0: none), SMI_CMD (0: none) */
    uint8_t enable_command, sleep_type_a, sleep_type_b;
};

extern struct acpi_info acpi_info;

/* Reads the tables into acpi_info. Needs boot_info and the boot page tables: boot_main() calls it. A second call does
 * nothing. */
void acpi_initialise(void);

/*
 * Prints `salto: power off, status N` and turns the machine off: by QEMU's isa-debug-exit device at port 0xf4 if the
 * command line has `debug-exit` (QEMU then exits with N * 2 + 1, modulo 256), else by ACPI, else by the ports that QEMU
 * and Bochs have for it. If nothing helps, says so and stops the CPU. May be called in any state of the machine.
 */
_Noreturn void power_off(uint32_t status);

#endif
