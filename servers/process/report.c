/* SPDX-License-Identifier: BSD-2-Clause */
/* Says what ended a process: the exception, and where, by the symbols of the file. See process.h. */
#include <inttypes.h>
#include <stdio.h>

#include "abi/addresses.h"
#include "exception_name.h"
#include "process.h"

/* Prints " in FUNCTION+0xOFFSET (FILE)" for an address in the program or the Linux-call handler. */
static void print_place(const struct process *process, uint64_t instruction)
{
    bool in_handler = instruction >= LINUX_HANDLER_BASE && instruction < STARTUP_TABLE;
    const struct image *image = in_handler ? image_of_handler() : process->image;
    const char *name;
    uint64_t offset;
    if (elf_file_symbol(image->file.data, image->file.size, image->plan.bias, instruction, &name, &offset))
        printf(" in %.60s+0x%" PRIx64 " (%s)", name, offset, image->file.name);
    else
        printf(" at instruction 0x%" PRIx64, instruction);
}

static void print_page_fault(uint32_t error, uint64_t address)
{
    const char *access = page_fault_access(error);
    if (address >= STACK_BOTTOM - GUARD_PAGES * PAGE_SIZE && address < STACK_BOTTOM)
        printf("stack overflow: its %lu KiB are used up (%s at 0x%" PRIx64 ")", STACK_PAGES * PAGE_SIZE / 1024, access,
               address);
    else
        printf("page fault (%s%s) at 0x%" PRIx64, access, page_fault_reason(error), address);
}

void report_fault(const struct process *process, uint32_t number, uint32_t vector, uint32_t error, uint64_t address,
                  uint64_t instruction)
{
    printf("process %" PRIu32 " (%s): ", process_number(process), process->name);
    if (vector == VECTOR_PAGE_FAULT)
        print_page_fault(error, address);
    else
        printf("%s (vector %" PRIu32 ", error 0x%" PRIx32 ")", exception_name(vector), vector, error);
    print_place(process, instruction);
    printf("%s\n", number == 0 ? "" : ", in another thread than its first");
}
