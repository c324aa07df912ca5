/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds and reads ACPI tables. See acpi.h. Sections and tables named below are those of the ACPI specification 6.4.
 *
 * Every address and length is checked against what the boot page tables map (boot/mapped.h) before it is used. Fields
 * are read with memcpy, since tables need not be aligned.
 */
#include "x86/acpi.h"

#include <stddef.h>

#include "boot/boot.h"
#include "boot/mapped.h"
#include "debug/console.h"
#include "debug/string.h"

#define RSDP_SIZE_OLD 20
#define RSDP_SIZE_NEW 36
#define HEADER_SIZE 36
#define TABLE_MAX_SIZE (16U << 20)

#define BIOS_AREA_START 0xe0000
#define BIOS_AREA_END 0x100000
#define EBDA_SEGMENT 0x40e /* where the BIOS keeps the segment of its data area */

struct acpi_info acpi_info;
static bool initialised;

static const uint8_t *at(uint64_t physical)
{
    return boot_pointer(physical);
}

#define ACPI_READ(bits)                                                    \
    static uint##bits##_t read_##bits(const uint8_t *table, size_t offset) \
    {                                                                      \
        uint##bits##_t value;                                              \
        memcpy(&value, table + offset, sizeof(value));                     \
        return value;                                                      \
    }
ACPI_READ(16)
ACPI_READ(32)
ACPI_READ(64)
#undef ACPI_READ

static bool checksum_good(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

/* ---- RSDP: 5.2.5 ------------------------------------------------------------------------------------------------- */

static bool is_rsdp(const uint8_t *candidate)
{
    return memcmp(candidate, "RSD PTR ", 8) == 0 && checksum_good(candidate, RSDP_SIZE_OLD);
}

static const uint8_t *scan(uint64_t start, uint64_t end)
{
    for (uint64_t address = start; address + RSDP_SIZE_NEW <= end; address += 16)
        if (is_rsdp(at(address)))
            return at(address);
    return NULL;
}

static const uint8_t *find_rsdp(void)
{
    uint64_t ebda = (uint64_t)read_16(at(EBDA_SEGMENT), 0) << 4;
    const uint8_t *rsdp = NULL;

    if (boot_mapped(boot_info.rsdp, RSDP_SIZE_NEW) && is_rsdp(at(boot_info.rsdp)))
        return at(boot_info.rsdp);
    if (ebda >= 0x400 && ebda < 0xa0000)
        rsdp = scan(ebda, ebda + 1024);
    return rsdp != NULL ? rsdp : scan(BIOS_AREA_START, BIOS_AREA_END);
}

/* ---- Tables: 5.2.6 ----------------------------------------------------------------------------------------------- */

/* The table at `physical` if all of it is there and its checksum is good; else NULL, and the console says why. */
static const uint8_t *table_at(uint64_t physical)
{
    uint32_t length;

    if (!boot_mapped(physical, HEADER_SIZE)) {
        console_printf("salto: ACPI: a table at 0x%lx lies beyond mapped memory; ignored\n", physical);
        return NULL;
    }
    length = read_32(at(physical), 4);
    if (length < HEADER_SIZE || length > TABLE_MAX_SIZE || !boot_mapped(physical, length)) {
        console_printf("salto: ACPI: table %.4s at 0x%lx claims to have %u bytes; ignored\n",
                       (const char *)at(physical), physical, length);
        return NULL;
    }
    if (!checksum_good(at(physical), length)) {
        console_printf("salto: ACPI: table %.4s at 0x%lx has a bad checksum; ignored\n", (const char *)at(physical),
                       physical);
        return NULL;
    }
    return at(physical);
}

static uint32_t table_length(const uint8_t *table)
{
    return read_32(table, 4);
}

/* The root table that the RSDP names: XSDT (entries of 8 bytes) or RSDT (of 4). */
static const uint8_t *root_table(const uint8_t *rsdp, size_t *entry_size)
{
    const uint8_t *table = NULL;

    *entry_size = 8;
    if (rsdp[15] >= 2 && checksum_good(rsdp, RSDP_SIZE_NEW) && read_64(rsdp, 24) != 0)
        table = table_at(read_64(rsdp, 24));
    if (table != NULL)
        return table;
    *entry_size = 4;
    return table_at(read_32(rsdp, 16));
}

static const uint8_t *find_table(const uint8_t *root, size_t entry_size, const char *signature)
{
    for (size_t offset = HEADER_SIZE; offset + entry_size <= table_length(root); offset += entry_size) {
        uint64_t physical = entry_size == 8 ? read_64(root, offset) : read_32(root, offset);

        if (boot_mapped(physical, HEADER_SIZE) && memcmp(at(physical), signature, 4) == 0)
            return table_at(physical);
    }
    return NULL;
}

/* ---- MADT: 5.2.12 ------------------------------------------------------------------------------------------------ */

#define MADT_ENTRIES 44
#define MADT_LOCAL_APIC 0
#define MADT_IO_APIC 1
#define MADT_INTERRUPT_OVERRIDE 2
#define MADT_LOCAL_APIC_ADDRESS 5
#define MADT_LOCAL_X2APIC 9
#define MADT_ENABLED 1

static void note_cpu(uint32_t apic_id, uint32_t flags)
{
    if (!(flags & MADT_ENABLED))
        return;
    if (acpi_info.cpu_count < MAX_CPUS)
        acpi_info.apic_ids[acpi_info.cpu_count] = apic_id;
    acpi_info.cpu_count++;
}

static void note_io_apic(const uint8_t *entry)
{
    if (acpi_info.io_apic_count < ACPI_MAX_IO_APICS)
        acpi_info.io_apics[acpi_info.io_apic_count++] =
            (struct acpi_io_apic){entry[2], read_32(entry, 4), read_32(entry, 8)};
}

/* Without an override: the input of the same number, edge-triggered and high-active (5.2.12.5). */
static void set_isa_defaults(void)
{
    for (uint32_t i = 0; i < ACPI_ISA_INTERRUPTS; i++)
        acpi_info.isa_interrupts[i] = (struct acpi_isa_interrupt){.input = i};
}

/* Flags: bits 0 and 1 polarity, 2 and 3 trigger mode; 0 is as the bus has it, 3 is low-active and level (5.2.12.5). */
static void note_override(const uint8_t *entry)
{
    uint16_t flags = read_16(entry, 8);
    if (entry[2] == 0 && entry[3] < ACPI_ISA_INTERRUPTS)
        acpi_info.isa_interrupts[entry[3]] = (struct acpi_isa_interrupt){
            .input = read_32(entry, 4), .level = (flags >> 2 & 3) == 3, .low_active = (flags & 3) == 3};
}

static void parse_madt_entry(const uint8_t *entry, uint8_t length)
{
    if (entry[0] == MADT_LOCAL_APIC && length >= 8)
        note_cpu(entry[3], read_32(entry, 4));
    else if (entry[0] == MADT_LOCAL_X2APIC && length >= 16)
        note_cpu(read_32(entry, 4), read_32(entry, 8));
    else if (entry[0] == MADT_IO_APIC && length >= 12)
        note_io_apic(entry);
    else if (entry[0] == MADT_INTERRUPT_OVERRIDE && length >= 10)
        note_override(entry);
    else if (entry[0] == MADT_LOCAL_APIC_ADDRESS && length >= 12)
        acpi_info.local_apic = read_64(entry, 4);
}

static void parse_madt(const uint8_t *madt)
{
    uint32_t length = table_length(madt);

    if (length < MADT_ENTRIES)
        return;
    acpi_info.local_apic = read_32(madt, 36);
    for (uint32_t offset = MADT_ENTRIES; offset + 2 <= length; offset += madt[offset + 1]) {
        if (madt[offset + 1] < 2 || madt[offset + 1] > length - offset) {
            console_printf("salto: ACPI: MADT entry at offset %u claims to have %u bytes; the rest is ignored\n",
                           offset, madt[offset + 1]);
            return;
        }
        parse_madt_entry(madt + offset, madt[offset + 1]);
    }
}

/* ---- FADT: 5.2.9, and \_S5_ in the DSDT: 7.4.2.6 ----------------------------------------------------------------- */

#define FADT_MIN_SIZE 116
#define FADT_DSDT 40
#define FADT_SMI_COMMAND 48
#define FADT_ACPI_ENABLE 52
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_PM_TIMER 76
#define FADT_FLAGS 112
#define FADT_FLAG_TIMER_32_BITS (1U << 8)
#define FADT_X_DSDT 140
#define FADT_X_PM1A_CONTROL 172
#define FADT_X_PM1B_CONTROL 184
#define ADDRESS_SPACE_IO 1

/* AML: 20.2 */
#define AML_ZERO 0x00
#define AML_ONE 0x01
#define AML_NAME 0x08
#define AML_BYTE 0x0a
#define AML_PACKAGE 0x12

/* A port from the FADT's 32-bit field, or from the generic address at `extended` (5.2.3.2); 0 if it has neither. */
static uint16_t fadt_port(const uint8_t *fadt, size_t field, size_t extended)
{
    uint64_t port = read_32(fadt, field);

    if (port == 0 && table_length(fadt) >= extended + 12 && fadt[extended] == ADDRESS_SPACE_IO)
        port = read_64(fadt, extended + 4);
    return port <= 0xffff ? (uint16_t)port : 0;
}

/* Reads a small integer of AML before `end`; answers the byte after it, or NULL if there is something else. */
static const uint8_t *parse_integer(const uint8_t *aml, const uint8_t *end, uint8_t *value)
{
    if (aml < end && (*aml == AML_ZERO || *aml == AML_ONE)) {
        *value = *aml;
        return aml + 1;
    }
    if (end - aml < 2 || *aml != AML_BYTE)
        return NULL;
    *value = aml[1];
    return aml + 2;
}

/* `aml` stands behind the name: a package of at least two integers? Its length bytes are 1 to 4 (20.2.4). */
static bool parse_sleep_package(const uint8_t *aml, const uint8_t *end)
{
    if (end - aml < 3 || *aml != AML_PACKAGE)
        return false;
    aml += 1 + 1 + (aml[1] >> 6);
    if (end - aml < 1 || *aml < 2)
        return false;
    aml = parse_integer(aml + 1, end, &acpi_info.sleep_type_a);
    return aml != NULL && parse_integer(aml, end, &acpi_info.sleep_type_b) != NULL;
}

static bool parse_dsdt(const uint8_t *dsdt)
{
    const uint8_t *end = dsdt + table_length(dsdt);

    for (const uint8_t *name = dsdt + HEADER_SIZE + 1; end - name >= 4; name++) {
        bool named = name[-1] == AML_NAME || (name[-1] == '\\' && name[-2] == AML_NAME);

        if (named && memcmp(name, "_S5_", 4) == 0 && parse_sleep_package(name + 4, end))
            return true;
    }
    return false;
}

static const uint8_t *find_dsdt(const uint8_t *fadt)
{
    uint64_t physical = 0;

    if (table_length(fadt) >= FADT_X_DSDT + 8)
        physical = read_64(fadt, FADT_X_DSDT);
    return table_at(physical != 0 ? physical : read_32(fadt, FADT_DSDT));
}

static void parse_fadt(const uint8_t *fadt)
{
    const uint8_t *dsdt;

    if (table_length(fadt) < FADT_MIN_SIZE)
        return;
    acpi_info.timer_port = (uint16_t)read_32(fadt, FADT_PM_TIMER);
    acpi_info.timer_32_bits = (read_32(fadt, FADT_FLAGS) & FADT_FLAG_TIMER_32_BITS) != 0;
    acpi_info.control_port_a = fadt_port(fadt, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
    acpi_info.control_port_b = fadt_port(fadt, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
    acpi_info.command_port = (uint16_t)read_32(fadt, FADT_SMI_COMMAND);
    acpi_info.enable_command = fadt[FADT_ACPI_ENABLE];
    dsdt = find_dsdt(fadt);
    acpi_info.can_power_off = acpi_info.control_port_a != 0 && dsdt != NULL && parse_dsdt(dsdt);
}

void acpi_initialise(void)
{
    const uint8_t *rsdp, *root, *table;
    size_t entry_size;

    if (initialised)
        return;
    initialised = true;
    set_isa_defaults();
    rsdp = find_rsdp();
    root = rsdp != NULL ? root_table(rsdp, &entry_size) : NULL;
    if (root == NULL) {
        console_printf("salto: ACPI: no tables found; one CPU, and no proper power off\n");
        return;
    }
    table = find_table(root, entry_size, "APIC");
    if (table != NULL)
        parse_madt(table);
    table = find_table(root, entry_size, "FACP");
    if (table != NULL)
        parse_fadt(table);
    if (!acpi_info.can_power_off)
        console_printf("salto: ACPI: FADT or \\_S5_ not found; no proper power off\n");
}
