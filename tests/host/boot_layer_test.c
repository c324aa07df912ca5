/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of what the kernel believes of loaders and firmware: memory ranges, Multiboot2 and PVH structures, boot
 * options, ACPI tables. Runs under ASan and UBSan; prints TAP.
 *
 * The kernel's own files are compiled in, over a buffer that stands for physical memory and ends where structures end,
 * so that a read beyond is caught. Printing is recorded, and what turns the machine off jumps back here.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/entry.h"

/* The image's addresses mean nothing here. */
#undef IMAGE_PHYSICAL
#define IMAGE_PHYSICAL(symbol) ((void)(symbol), (uint64_t)IMAGE_END)
#define IMAGE_END 0x140000

#include "../../kernel/boot/boot.c"
#include "../../kernel/boot/multiboot2.c"
#define memory_entry pvh_memory_entry
#define parse_memory_map pvh_parse_memory_map
#include "../../kernel/boot/pvh.c"
#undef memory_entry
#undef parse_memory_map
#include "../../kernel/x86/acpi.c"

#define FUZZ_ROUNDS 20000

static uint8_t *physical; /* what stands for physical memory */
static uint64_t physical_size;
static char printed[4096];
static size_t printed_size;
static jmp_buf left;
static int number, failures;
struct features features;
char kernel_end[1];

/* ---- In place of the rest of the kernel -------------------------------------------------------------------------- */

uint64_t boot_map_limit(void)
{
    return physical_size;
}

bool boot_mapped(uint64_t address, uint64_t size)
{
    return address != 0 && size <= physical_size && address <= physical_size - size;
}

const void *boot_pointer(uint64_t address)
{
    return physical + address;
}

void console_initialise(void)
{
}

void console_putc(char character)
{
    if (printed_size < sizeof(printed) - 1)
        printed[printed_size++] = character;
}

void console_printf(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_arguments(put_console, NULL, format, arguments);
    va_end(arguments);
}

void features_enable(void)
{
}

void kernel_main(void)
{
    longjmp(left, 1);
}

void power_off(uint32_t status)
{
    longjmp(left, status == STATUS_REFUSED ? 2 : 3);
}

/* ---- Tools ------------------------------------------------------------------------------------------------------- */

static void check(bool good, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
    if (!good) {
        printf("# printed: %s\n", printed);
        failures++;
    }
}

static void resize_memory(uint64_t size)
{
    free(physical);
    physical = calloc(1, size);
    physical_size = size;
}

/* Boots with the structure at `info`: 1 if kernel_main() was reached, 2 if it was refused. */
static int boot(uint32_t magic, uint64_t info)
{
    int outcome;

    memset(&boot_info, 0, sizeof(boot_info));
    memset(&acpi_info, 0, sizeof(acpi_info));
    initialised = false;
    memory.count = low_memory.count = 0;
    memory.lost = 0;
    memset(printed, 0, sizeof(printed));
    printed_size = 0;
    outcome = setjmp(left);
    if (outcome == 0)
        boot_main(magic, (uint32_t)info);
    return outcome;
}

static void check_refused(uint32_t magic, uint64_t info, const char *reason)
{
    check(boot(magic, info) == 2 && strstr(printed, reason) != NULL, reason);
}

static void put32(uint64_t address, uint32_t value)
{
    memcpy(physical + address, &value, sizeof(value));
}

static void put64(uint64_t address, uint64_t value)
{
    memcpy(physical + address, &value, sizeof(value));
}

/* ---- Ranges ------------------------------------------------------------------------------------------------------ */

static bool same_ranges(const struct range_list *list, const struct boot_range *wanted, uint32_t count)
{
    return list->count == count && memcmp(list->ranges, wanted, count * sizeof(*wanted)) == 0;
}

static void test_ranges(void)
{
    struct boot_range space[3];
    struct range_list list = {.ranges = space, .capacity = 3};

    ranges_add(&list, 30, 40);
    ranges_add(&list, 10, 20);
    ranges_add(&list, 20, 20);
    check(same_ranges(&list, (struct boot_range[]){{10, 20}, {30, 40}}, 2), "ranges are sorted, empty ones left out");
    ranges_add(&list, 20, 30);
    check(same_ranges(&list, (struct boot_range[]){{10, 40}}, 1), "ranges that touch are merged");
    ranges_remove(&list, 15, 17);
    ranges_remove(&list, 38, 99);
    ranges_remove(&list, 0, 11);
    ranges_remove(&list, 5, 5);
    check(same_ranges(&list, (struct boot_range[]){{11, 15}, {17, 38}}, 2), "removing splits and cuts");
    ranges_add(&list, 50, 51);
    ranges_add(&list, 60, 62);
    check(same_ranges(&list, (struct boot_range[]){{11, 15}, {17, 38}, {60, 62}}, 3) && list.lost == 1,
          "a full list gives up its smallest range, and says how much");
    ranges_add(&list, 0, 100);
    check(same_ranges(&list, (struct boot_range[]){{0, 100}}, 1), "a range that covers all replaces all");
}

/* ---- Multiboot2 -------------------------------------------------------------------------------------------------- */

#define INFO 0x1000

static uint64_t tag_end;

static uint64_t begin_tag(uint32_t type, uint32_t size)
{
    uint64_t tag = tag_end;

    put32(tag, type);
    put32(tag + 4, size);
    tag_end += (size + 7) & ~7U;
    put32(INFO, (uint32_t)(tag_end - INFO));
    return tag + 8;
}

static void put_memory(uint64_t entry, uint64_t start, uint64_t size, uint32_t type)
{
    put64(entry, start);
    put64(entry + 8, size);
    put32(entry + 16, type);
}

/* A structure that is good but for the end tag; the physical memory has room for more. */
static void begin_multiboot2(const char *command_line)
{
    uint64_t tag;

    resize_memory(0x200000);
    tag_end = INFO + 8;
    tag = begin_tag(TAG_COMMAND_LINE, 8 + (uint32_t)strlen(command_line) + 1);
    strcpy((char *)physical + tag, command_line);
    tag = begin_tag(TAG_MEMORY_MAP, 16 + 3 * 24);
    put32(tag, 24);
    put_memory(tag + 8, 0, 0x9fc00, 1);
    put_memory(tag + 32, 0x100000, 0x100000, 1);
    put_memory(tag + 56, 0x1f0800, 0x100, 2);
    tag = begin_tag(TAG_MODULE, 17);
    put32(tag, 0x150010);
    put32(tag + 4, 0x151001);
}

static void test_multiboot2(void)
{
    static const struct boot_range wanted[] = {{0x140000, 0x150000}, {0x152000, 0x1f0000}, {0x1f1000, 0x200000}};

    begin_multiboot2("one two=2");
    begin_tag(TAG_END, 8);
    check(boot(BOOT_MAGIC_MULTIBOOT2, INFO) == 1, "Multiboot2: a good structure boots");
    check(strcmp(boot_info.command_line, "one two=2") == 0, "Multiboot2: command line");
    check(boot_info.archive.start == 0x150010 && boot_info.archive.end == 0x151001, "Multiboot2: archive");
    check(boot_info.memory_count == 3 && memcmp(boot_info.memory, wanted, sizeof(wanted)) == 0,
          "Multiboot2: memory without kernel, archive and reserved parts");
    check(boot_low_page() == 0x1000, "a low page is found");
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO + 4, "not 8-byte aligned");
    check_refused(BOOT_MAGIC_MULTIBOOT2, 0x200000 - 4 - 4, "claims to have 0 bytes");
    check_refused(BOOT_MAGIC_MULTIBOOT2, 0x200000, "beyond mapped memory");
    check_refused(BOOT_MAGIC_MULTIBOOT2, 0, "is at address 0");
    check_refused(0x2badb002, INFO, "neither Multiboot2 nor PVH");
}

static void test_bad_tags(void)
{
    uint64_t tag;

    begin_multiboot2("");
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "has no end tag");
    begin_multiboot2("");
    put32(begin_tag(TAG_MODULE, 8) - 4, 7);
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "claims to have 7 bytes");
    begin_multiboot2("");
    put32(begin_tag(99, 8) - 4, 9);
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "the tag of type 99 at offset");
    begin_multiboot2("");
    begin_tag(TAG_MODULE, 12);
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "the tag of type 3 has 12 bytes, and needs 16");
    begin_multiboot2("");
    tag = begin_tag(TAG_MODULE, 16);
    put32(tag, 0x160000);
    put32(tag + 4, 0x170000);
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "more than one boot module");
    begin_multiboot2("");
    put32(begin_tag(TAG_MEMORY_MAP, 16), 20);
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "an entry of the memory map has 20 bytes");
    begin_multiboot2("");
    memset(physical + begin_tag(TAG_COMMAND_LINE, 16), 'x', 8);
    check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, "not zero-terminated");
}

static void test_bad_modules(void)
{
    static const struct {
        uint32_t start, end;
        const char *reason;
    } cases[] = {
        {0x150000, 0x150000, "where it begins"},      {0x150001, 0x150000, "where it begins"},
        {0x13ffff, 0x150000, "overlaps the kernel"},  {0x0ff000, 0x100001, "overlaps the kernel"},
        {0x1ff000, 0x200001, "beyond mapped memory"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        resize_memory(0x200000);
        tag_end = INFO + 8;
        put32(begin_tag(TAG_MODULE, 16), cases[i].start);
        put32(tag_end - 4, cases[i].end);
        begin_tag(TAG_END, 8);
        check_refused(BOOT_MAGIC_MULTIBOOT2, INFO, cases[i].reason);
    }
}

static void test_options(void)
{
    char value[4] = "old";

    begin_multiboot2("debug-exit \tset=abcdef  last");
    begin_tag(TAG_END, 8);
    (void)boot(BOOT_MAGIC_MULTIBOOT2, INFO);
    check(!boot_option("debug", value, sizeof(value)) && strcmp(value, "old") == 0, "an option's beginning is not it");
    check(!boot_option("exit", value, sizeof(value)), "an option's end is not it");
    check(boot_option("set", value, sizeof(value)) && strcmp(value, "abc") == 0, "a value is cut off");
    check(boot_option("last", value, sizeof(value)) && value[0] == '\0', "a bare name has an empty value");
    check(boot_option("debug-exit", NULL, 0), "whether an option is there");
}

/* ---- PVH --------------------------------------------------------------------------------------------------------- */

/* At an odd address, since nothing promises alignment; the last byte of memory is the last of the memory map. */
static void begin_pvh(void)
{
    resize_memory(0x200000);
    put32(INFO + 1, BOOT_MAGIC_PVH);
    put32(INFO + 5, 1);
    put32(INFO + 13, 1);
    put64(INFO + 17, 0x3000);
    put64(INFO + 25, 0x2000);
    put64(INFO + 41, 0x200000 - 24);
    put32(INFO + 49, 1);
    strcpy((char *)physical + 0x2000, "pvh");
    put64(0x3000, 0x150000);
    put64(0x3008, 0x1000);
    put_memory(0x200000 - 24, 0, 0x200000, 1);
}

static void test_pvh(void)
{
    begin_pvh();
    check(boot(BOOT_MAGIC_PVH, INFO + 1) == 1 && strcmp(boot_info.command_line, "pvh") == 0 &&
              boot_info.archive.start == 0x150000 && boot_info.memory_count == 2 &&
              boot_info.memory[0].start == 0x140000 && boot_info.memory[1].end == 0x200000,
          "PVH: a good structure boots");
    put32(INFO + 5, 0);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "has version 0");
    put32(INFO + 5, 1);
    put32(INFO + 13, 2);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "there are 2 boot modules");
    put32(INFO + 13, 1);
    put32(INFO + 49, 2);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "the memory map of 48 bytes");
    put32(INFO + 49, 5000);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "claims to have 5000 entries");
    put32(INFO + 49, 1);
    put64(0x3008, UINT64_MAX);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "claims to have 0xffffffffffffffff bytes");
    put64(0x3008, 0x1000);
    put32(0x200000 - 8, 2);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "no usable memory");
    put32(INFO + 1, 1);
    check_refused(BOOT_MAGIC_PVH, INFO + 1, "begins with 0x1");
}

/* ---- ACPI -------------------------------------------------------------------------------------------------------- */

#define RSDP 0xe0010
#define RSDT 0x180000
#define MADT 0x181000
#define FADT 0x182000
#define DSDT 0x183000

static void put_checksum(uint64_t start, uint64_t size, uint64_t where)
{
    uint8_t sum = 0;

    physical[where] = 0;
    for (uint64_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + physical[start + i]);
    physical[where] = (uint8_t)-sum;
}

static void finish_table(uint64_t table, const char *signature, uint32_t size)
{
    memcpy(physical + table, signature, 4);
    put32(table + 4, size);
    put_checksum(table, size, table + 9);
}

static void put_acpi(void)
{
    static const uint8_t madt[] = {0, 8, 0, 7,  1, 0, 0, 0, 0,    8,    1, 9, 0, 0,
                                   0, 0, 1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0};
    static const uint8_t dsdt[] = {0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x01, 0, 0};

    memcpy(physical + RSDP, "RSD PTR ", 8);
    put32(RSDP + 16, RSDT);
    put_checksum(RSDP, 20, RSDP + 8);
    put32(RSDT + 36, MADT);
    put32(RSDT + 40, FADT);
    finish_table(RSDT, "RSDT", 44);
    put32(MADT + 36, 0xfee00000);
    memcpy(physical + MADT + 44, madt, sizeof(madt));
    finish_table(MADT, "APIC", 44 + sizeof(madt));
    put32(FADT + 40, DSDT);
    put32(FADT + 64, 0x604);
    put32(FADT + 76, 0x608);
    finish_table(FADT, "FACP", 116);
    memcpy(physical + DSDT + 36, dsdt, sizeof(dsdt));
    finish_table(DSDT, "DSDT", 36 + sizeof(dsdt));
}

static void test_acpi(void)
{
    begin_pvh();
    put_acpi();
    (void)boot(BOOT_MAGIC_PVH, INFO + 1);
    check(acpi_info.cpu_count == 1 && acpi_info.apic_ids[0] == 7, "ACPI: CPUs that are enabled");
    check(acpi_info.io_apic_count == 1 && acpi_info.io_apics[0].address == 0xfec00000, "ACPI: I/O APIC");
    check(acpi_info.can_power_off && acpi_info.control_port_a == 0x604 && acpi_info.sleep_type_a == 5 &&
              acpi_info.sleep_type_b == 1,
          "ACPI: how to power off");
    physical[DSDT + 40]++;
    (void)boot(BOOT_MAGIC_PVH, INFO + 1);
    check(!acpi_info.can_power_off && strstr(printed, "DSDT at 0x183000 has a bad checksum") != NULL,
          "ACPI: a bad checksum is seen");
    put32(MADT + 4, 0x100000);
    (void)boot(BOOT_MAGIC_PVH, INFO + 1);
    check(acpi_info.cpu_count == 0 && strstr(printed, "APIC at 0x181000 claims to have 1048576 bytes") != NULL,
          "ACPI: a length beyond memory is seen");
    physical[MADT + 45] = 1;
    finish_table(MADT, "APIC", 72);
    (void)boot(BOOT_MAGIC_PVH, INFO + 1);
    check(strstr(printed, "MADT entry at offset 44 claims to have 1 bytes") != NULL, "ACPI: a bad MADT entry is seen");
}

/* ---- Random damage: whatever happens, it either boots or is refused ---------------------------------------------- */

static void damage(uint64_t start, uint64_t size)
{
    for (int i = rand() % 4; i >= 0; i--)
        physical[start + (uint64_t)rand() % size] = (uint8_t)rand();
}

static bool fuzz_round(void)
{
    static uint8_t good[0x200000];
    bool multiboot2 = rand() % 2;
    uint64_t table = RSDT + (uint64_t)(rand() % 4) * 0x1000;
    int outcome;

    memcpy(good, physical, sizeof(good));
    damage(multiboot2 ? INFO + 0x200 : INFO + 1, multiboot2 ? 160 : 56);
    damage(table, 80);
    put_checksum(table, 36 + (uint64_t)rand() % 80, table + 9);
    outcome = boot(multiboot2 ? BOOT_MAGIC_MULTIBOOT2 : BOOT_MAGIC_PVH, multiboot2 ? INFO + 0x200 : INFO + 1);
    memcpy(physical, good, sizeof(good));
    return outcome == 1 || outcome == 2;
}

static void test_damage(void)
{
    bool good = true;

    begin_multiboot2("fuzz");
    begin_tag(TAG_END, 8);
    memmove(physical + INFO + 0x200, physical + INFO, 0x200);
    uint8_t *kept = malloc(0x200);
    memcpy(kept, physical + INFO + 0x200, 0x200);
    begin_pvh();
    memcpy(physical + INFO + 0x200, kept, 0x200);
    free(kept);
    put_acpi();
    srand(1);
    for (int i = 0; i < FUZZ_ROUNDS && good; i++)
        good = fuzz_round();
    check(good, "20,000 damaged structures: each boots or is refused");
}

int main(void)
{
    test_ranges();
    test_multiboot2();
    test_bad_tags();
    test_bad_modules();
    test_options();
    test_pvh();
    test_acpi();
    test_damage();
    free(physical);
    printf("1..%d\n", number);
    return failures != 0;
}
