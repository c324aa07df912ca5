/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF loader's check under libFuzzer: elf_fuzz.py builds this with clang and runs it. The first byte of the input
 * chooses the limits, which are those that root and the process server use; the rest is the file.
 *
 * What the sanitizers cannot see is checked here: a file that is planned is loaded without another look at it, so the
 * plan must keep what elf_file.h promises, whatever the file says.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "elf_file.h"

static const struct elf_limits all_limits[] = {
    {.lowest = USER_START, .highest = PROGRAM_BREAK_BASE, .pie_base = STATIC_PIE_BASE},
    {.lowest = LINUX_HANDLER_BASE, .highest = STARTUP_TABLE},
};
#define LIMITS (sizeof(all_limits) / sizeof(all_limits[0]))

static void require(bool condition)
{
    if (!condition)
        abort();
}

static uint64_t end_of(const struct elf_segment *segment)
{
    return segment->page_address + (uint64_t)segment->pages * PAGE_SIZE;
}

static void check_segment(const struct elf_segment *segment, const struct elf_limits *limits, const uint8_t *file,
                          size_t size)
{
    const uint8_t *data = segment->data;
    require(data >= file && data <= file + size && segment->file_bytes <= (size_t)(file + size - data));
    require(segment->pages > 0 && segment->pages <= ELF_MAX_PAGES && segment->page_address % PAGE_SIZE == 0);
    require(segment->page_address >= limits->lowest && segment->page_address < limits->highest &&
            end_of(segment) <= limits->highest);
    require(segment->address >= segment->page_address && segment->address < end_of(segment) &&
            segment->file_bytes <= end_of(segment) - segment->address);
    require(segment->rights & RIGHT_READ);
    require((segment->rights & (RIGHT_WRITE | RIGHT_EXECUTE)) != (RIGHT_WRITE | RIGHT_EXECUTE));
}

static void check_plan(const struct elf_plan *plan, const struct elf_limits *limits, const uint8_t *file, size_t size)
{
    bool entry_is_good = false, headers_are_good = plan->headers == 0;
    require(plan->segment_count > 0 && plan->segment_count <= ELF_MAX_SEGMENTS);
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *segment = &plan->segments[i];
        check_segment(segment, limits, file, size);
        for (uint32_t j = 0; j < i; j++)
            require(end_of(segment) <= plan->segments[j].page_address ||
                    end_of(&plan->segments[j]) <= segment->page_address);
        entry_is_good |= (segment->rights & RIGHT_EXECUTE) && plan->entry >= segment->address &&
                         plan->entry - segment->address < segment->file_bytes;
        headers_are_good |= plan->headers >= segment->address && plan->headers - segment->address < segment->file_bytes;
    }
    require(entry_is_good && headers_are_good);
}

static void check_symbol(const uint8_t *file, size_t size, uint64_t bias, uint64_t address)
{
    const char *name;
    uint64_t offset;
    if (!elf_file_symbol(file, size, bias, address, &name, &offset))
        return;
    const uint8_t *first = (const uint8_t *)name;
    require(first >= file && first < file + size && memchr(name, 0, (size_t)(file + size - first)) && *name);
    require(offset <= address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_plan plan;
    char reason[ELF_REASON_SIZE];
    if (size == 0)
        return 0;
    const struct elf_limits *limits = &all_limits[data[0] % LIMITS];
    const uint8_t *file = data + 1;
    size--;
    memset(reason, 'x', sizeof(reason));
    if (elf_file_plan(file, size, limits, &plan, reason)) {
        check_plan(&plan, limits, file, size);
        check_symbol(file, size, plan.bias, plan.entry);
    } else {
        require(reason[0] != 0 && memchr(reason, 0, sizeof(reason)));
    }
    check_symbol(file, size, 0, 0x400210);
    return 0;
}
