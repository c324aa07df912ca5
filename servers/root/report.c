/* SPDX-License-Identifier: BSD-2-Clause */
/* Says what a fault was: the exception, where (the symbol is looked up in the program's own file), and the
 * registers. */
#include <inttypes.h>
#include <stdio.h>

#include "abi/addresses.h"
#include "exception_name.h"
#include "root.h"

/* Prints " in FUNCTION+0xOFFSET (FILE)" for an address in the program or the handler. */
static void print_place(const struct program *program, uint64_t instruction)
{
    bool handler = instruction >= LINUX_HANDLER_BASE && instruction < STARTUP_TABLE;
    const struct archive_file *file = handler ? &root.linux_file : &program->file;
    uint64_t bias = handler ? root.linux_plan.bias : program->plan.bias, offset;
    const char *name;
    if (elf_file_symbol(file->data, file->size, bias, instruction, &name, &offset))
        printf(" in %.60s+0x%" PRIx64 " (%s)", name, offset, file->name);
    else
        printf(" at instruction 0x%" PRIx64, instruction);
}

static void print_registers(const struct program *program)
{
    struct kernel_registers r;
    int result = kernel_thread_registers(program->thread, &r);
    if (result) {
        printf("  its registers are not known: %s\n", salto_error_text(result));
        return;
    }
    printf("  rip %016" PRIx64 "  rsp %016" PRIx64 "  flags %08" PRIx64 "  fs %016" PRIx64 "\n", r.rip, r.rsp, r.rflags,
           r.fs_base);
    printf("  rax %016" PRIx64 "  rbx %016" PRIx64 "  rcx %016" PRIx64 "  rdx %016" PRIx64 "\n", r.rax, r.rbx, r.rcx,
           r.rdx);
    printf("  rsi %016" PRIx64 "  rdi %016" PRIx64 "  rbp %016" PRIx64 "  r8  %016" PRIx64 "\n", r.rsi, r.rdi, r.rbp,
           r.r8);
    printf("  r9  %016" PRIx64 "  r10 %016" PRIx64 "  r11 %016" PRIx64 "  r12 %016" PRIx64 "\n", r.r9, r.r10, r.r11,
           r.r12);
    printf("  r13 %016" PRIx64 "  r14 %016" PRIx64 "  r15 %016" PRIx64 "\n", r.r13, r.r14, r.r15);
}

void report_fault(const struct program *program, uint32_t number, uint32_t vector, uint32_t error, uint64_t address,
                  uint64_t instruction)
{
    printf("%s: %s", program->manifest->name, exception_name(vector));
    if (vector == VECTOR_PAGE_FAULT) {
        printf(" (%s%s) at 0x%" PRIx64, page_fault_access(error), page_fault_reason(error), address);
    } else {
        printf(" (vector %" PRIu32 ", error 0x%" PRIx32 ")", vector, error);
    }
    print_place(program, instruction);
    printf("%s\n", number == 0 ? "" : ", in another thread than its first");
    /* Root holds a capability to the first thread only. */
    if (number == 0)
        print_registers(program);
}
