/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turning the machine off. See power_off() in acpi.h. Uses ports and acpi_info alone, so that it works after a panic.
 */
#include <stddef.h>

#include "boot/boot.h"
#include "debug/console.h"
#include "x86/acpi.h"
#include "x86/cpu.h"

/* PM1 control register: ACPI specification 6.4, table 4.18. */
#define PM1_SCI_ENABLED 0x0001
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_ENABLE 0x2000
#define PM1_KEPT_MASK 0xc3ff /* all but sleep type and enable */
#define ENABLE_POLLS 1000000 /* a poll takes about a microsecond */
#define SLEEP_POLLS 1000000

#define DEBUG_EXIT_PORT 0xf4
#define QEMU_PIIX_CONTROL_PORT 0x604 /* where SeaBIOS puts PM1a_CNT on QEMU's machines */
#define QEMU_OLD_CONTROL_PORT 0xb004 /* where old QEMU and Bochs have it */
#define BOCHS_SHUTDOWN_PORT 0x8900   /* takes the word "Shutdown" */

/* Until an operating system takes over, firmware has ACPI off: 4.8.2.5. */
static void enable_acpi(void)
{
    if ((in_word(acpi_info.control_port_a) & PM1_SCI_ENABLED) || acpi_info.command_port == 0 ||
        acpi_info.enable_command == 0)
        return;
    out_byte(acpi_info.command_port, acpi_info.enable_command);
    for (int poll = 0; poll < ENABLE_POLLS && !(in_word(acpi_info.control_port_a) & PM1_SCI_ENABLED); poll++)
        cpu_pause();
}

static void write_sleep(uint16_t port, uint8_t type)
{
    uint16_t kept = in_word(port) & PM1_KEPT_MASK;

    out_word(port, (uint16_t)(kept | (type & 7) << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
}

/* Going off takes a moment, in emulators too. */
static void wait_for_the_end(uint16_t port)
{
    for (int poll = 0; poll < SLEEP_POLLS; poll++)
        (void)in_word(port);
}

/* Enters S5: 16.1.7. Comes back if the machine does not obey within about a second. */
static void sleep_for_good(void)
{
    enable_acpi();
    write_sleep(acpi_info.control_port_a, acpi_info.sleep_type_a);
    if (acpi_info.control_port_b != 0)
        write_sleep(acpi_info.control_port_b, acpi_info.sleep_type_b);
    wait_for_the_end(acpi_info.control_port_a);
}

static void try_emulator_ports(void)
{
    static const char shutdown[] = "Shutdown";

    out_word(QEMU_PIIX_CONTROL_PORT, PM1_SLEEP_ENABLE);
    out_word(QEMU_OLD_CONTROL_PORT, PM1_SLEEP_ENABLE);
    for (size_t i = 0; i < sizeof(shutdown) - 1; i++)
        out_byte(BOCHS_SHUTDOWN_PORT, (uint8_t)shutdown[i]);
    wait_for_the_end(QEMU_PIIX_CONTROL_PORT);
}

void power_off(uint32_t status)
{
    interrupts_disable();
    console_printf("salto: power off, status %u\n", status);
    console_flush();
    if (boot_option("debug-exit", NULL, 0))
        out_long(DEBUG_EXIT_PORT, status);
    if (acpi_info.can_power_off)
        sleep_for_good();
    try_emulator_ports();
    console_printf("salto: this machine does not turn itself off; halted\n");
    cpu_stop();
}
