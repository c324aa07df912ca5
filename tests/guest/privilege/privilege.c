/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only the kernel may do: ports, privileged instructions (Intel SDM volume 3, 5.9) and, where the processor has
 * UMIP, to see where its tables lie. From a program each is a fault, and has no effect.
 */
#include <cpuid.h>
#include <string.h>

#include "../common/sandbox.h"

#define PORTS 65536

/* Port in rdi, value in rsi. */
#define PORT_PROGRAM(name, instruction) SANDBOX_PROGRAM(name, "movl %edi, %edx; nop", instruction)

PORT_PROGRAM(in_byte, "inb %dx, %al");
PORT_PROGRAM(in_word, "inw %dx, %ax");
PORT_PROGRAM(in_long, "inl %dx, %eax");
PORT_PROGRAM(out_byte, "outb %al, %dx");
PORT_PROGRAM(out_word, "outw %ax, %dx");
PORT_PROGRAM(out_long, "outl %eax, %dx");
PORT_PROGRAM(in_string, "insb");
PORT_PROGRAM(out_string, "outsb");
PORT_PROGRAM(in_string_repeated, "rep insl");
PORT_PROGRAM(out_string_repeated, "rep outsl");

struct program {
    const char *name;
    const uint8_t *code, *at, *end;
    uint32_t vector, error;
    uint32_t other; /* another vector, with whatever error code, where makers or QEMU's TCG differ; or 0 */
};

#define PROGRAM(name) #name, name, name##_at, name##_end

static const struct program port_programs[] = {
    {PROGRAM(in_byte), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(out_byte), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(in_word), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(in_long), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(out_word), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(out_long), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(in_string), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(out_string), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(in_string_repeated), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(out_string_repeated), VECTOR_PROTECTION, 0, 0},
};

#define PORT_PROGRAMS (sizeof(port_programs) / sizeof(port_programs[0]))

static uint32_t refused_ports(struct sandbox *sandbox, const struct program *program, uint32_t first, uint32_t step)
{
    uint32_t refused = 0;
    sandbox_load(sandbox, program->code, (size_t)(program->end - program->code));
    for (uint32_t port = first; port < PORTS; port += step) {
        struct fault fault = sandbox_run(sandbox, port, 0);
        if (EXPECT_EQUAL(fault.vector, VECTOR_PROTECTION) && EXPECT_EQUAL(fault.error, 0) &&
            EXPECT_EQUAL(fault.instruction - SANDBOX_CODE, program->at - program->code))
            refused++;
    }
    return refused;
}

/* Every width and form, on ports in all parts of the bitmap, and on the last ones, whose bits lie beyond it. */
static void every_form(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    for (unsigned i = 0; i < PORT_PROGRAMS; i++) {
        EXPECT_EQUAL(refused_ports(&sandbox, &port_programs[i], 0, 257), 256);
        EXPECT_EQUAL(refused_ports(&sandbox, &port_programs[i], PORTS - 8, 1), 8);
    }
    sandbox_destroy(&sandbox);
}

SANDBOX_PROGRAM(halt, "nop", "hlt");
SANDBOX_PROGRAM(interrupts_off, "nop", "cli");
SANDBOX_PROGRAM(interrupts_on, "nop", "sti");
SANDBOX_PROGRAM(read_msr, "movl $0xc0000082, %ecx", "rdmsr");
SANDBOX_PROGRAM(write_msr, "movl $0xc0000082, %ecx", "wrmsr");
SANDBOX_PROGRAM(read_cr0, "nop", "movq %cr0, %rax");
SANDBOX_PROGRAM(read_cr2, "nop", "movq %cr2, %rax");
SANDBOX_PROGRAM(read_cr3, "nop", "movq %cr3, %rax");
SANDBOX_PROGRAM(read_cr4, "nop", "movq %cr4, %rax");
SANDBOX_PROGRAM(read_cr8, "nop", "movq %cr8, %rax");
SANDBOX_PROGRAM(write_cr0, "nop", "movq %rax, %cr0");
SANDBOX_PROGRAM(write_cr3, "nop", "movq %rax, %cr3");
SANDBOX_PROGRAM(write_cr4, "nop", "movq %rax, %cr4");
SANDBOX_PROGRAM(write_cr8, "nop", "movq %rax, %cr8");
SANDBOX_PROGRAM(read_dr0, "nop", "movq %dr0, %rax");
SANDBOX_PROGRAM(write_dr7, "nop", "movq %rax, %dr7");
SANDBOX_PROGRAM(load_gdt, "nop", "lgdt -16(%rsp)");
SANDBOX_PROGRAM(load_idt, "nop", "lidt -16(%rsp)");
SANDBOX_PROGRAM(load_ldt, "xorl %eax, %eax", "lldt %ax");
SANDBOX_PROGRAM(load_tr, "movl $0x28, %eax", "ltr %ax");
SANDBOX_PROGRAM(load_msw, "nop", "lmsw %ax");
SANDBOX_PROGRAM(clear_ts, "nop", "clts");
SANDBOX_PROGRAM(invalidate_caches, "nop", "invd");
SANDBOX_PROGRAM(write_back_caches, "nop", "wbinvd");
SANDBOX_PROGRAM(invalidate_page, "nop", "invlpg (%rsp)");
SANDBOX_PROGRAM(swap_gs, "nop", "swapgs");
SANDBOX_PROGRAM(system_return, "movq $0x10000000, %rcx", "sysretq");
/* AMD's processors have neither in 64-bit mode. */
SANDBOX_PROGRAM(system_exit, "nop", "sysexit");
SANDBOX_PROGRAM(system_enter, "nop", "sysenter");
SANDBOX_PROGRAM(read_counter, "xorl %ecx, %ecx", "rdpmc");
SANDBOX_PROGRAM(read_xcr, "xorl %ecx, %ecx", "xgetbv");
SANDBOX_PROGRAM(write_xcr, "xorl %ecx, %ecx", "xsetbv");
SANDBOX_PROGRAM(write_keys, "xorl %eax, %eax; xorl %ecx, %ecx; xorl %edx, %edx", ".byte 0x0f, 0x01, 0xef");
SANDBOX_PROGRAM(clear_ac, "nop", "clac");
SANDBOX_PROGRAM(set_ac, "nop", "stac");
SANDBOX_PROGRAM(vector_256, "nop", ".byte 0xc5, 0xfc, 0x57, 0xc0"); /* vxorps ymm: CR4.OSXSAVE is off */
SANDBOX_PROGRAM(call_hypervisor, "nop", "vmxoff");
/* TCG reads the stack of these two with the kernel's rights, and SMAP stops that. */
SANDBOX_PROGRAM(return_to_kernel, "pushq $0x8; pushq %rdi", "lretq");
SANDBOX_PROGRAM(interrupt_return, "push $0x10; push %rsp; push $2; push $8; push %rdi", "iretq");

static const struct program privileged[] = {
    {PROGRAM(halt), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(interrupts_off), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(interrupts_on), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_msr), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_msr), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_cr0), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_cr2), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_cr3), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_cr4), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_cr8), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_cr0), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_cr3), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_cr4), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_cr8), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_dr0), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_dr7), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(load_gdt), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(load_idt), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(load_ldt), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(load_tr), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(load_msw), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(clear_ts), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(invalidate_caches), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(write_back_caches), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(invalidate_page), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(swap_gs), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(system_return), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(system_exit), VECTOR_PROTECTION, 0, VECTOR_INVALID_OPCODE},
    {PROGRAM(system_enter), VECTOR_PROTECTION, 0, VECTOR_INVALID_OPCODE},
    {PROGRAM(read_counter), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(read_xcr), VECTOR_INVALID_OPCODE, 0, 0},
    {PROGRAM(write_xcr), VECTOR_INVALID_OPCODE, 0, VECTOR_PROTECTION},
    {PROGRAM(write_keys), VECTOR_INVALID_OPCODE, 0, 0},
    {PROGRAM(clear_ac), VECTOR_INVALID_OPCODE, 0, 0},
    {PROGRAM(set_ac), VECTOR_INVALID_OPCODE, 0, 0},
    {PROGRAM(vector_256), VECTOR_INVALID_OPCODE, 0, 0},
    {PROGRAM(call_hypervisor), VECTOR_INVALID_OPCODE, 0, 0},
    {PROGRAM(return_to_kernel), VECTOR_PROTECTION, 8, VECTOR_PAGE_FAULT},
    {PROGRAM(interrupt_return), VECTOR_PROTECTION, 8, VECTOR_PAGE_FAULT},
};

#define PRIVILEGED (sizeof(privileged) / sizeof(privileged[0]))

static void expect_refused(struct sandbox *sandbox, const struct program *program)
{
    sandbox_load(sandbox, program->code, (size_t)(program->end - program->code));
    struct fault fault = sandbox_run(sandbox, TRAMPOLINE_TEXT, 0);
    bool differs = program->other && fault.vector == program->other;
    bool good = differs || EXPECT_EQUAL(fault.vector, program->vector);
    good &= differs || EXPECT_EQUAL(fault.error, program->error);
    good &= EXPECT_EQUAL(fault.instruction - SANDBOX_CODE, program->at - program->code);
    if (!good)
        guest_expect(false, __FILE__, __LINE__, program->name);
}

static void every_privileged_instruction(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    for (unsigned i = 0; i < PRIVILEGED; i++)
        expect_refused(&sandbox, &privileged[i]);
    sandbox_destroy(&sandbox);
}

SANDBOX_PROGRAM(store_gdt, "nop", "sgdt (%rdi)");
SANDBOX_PROGRAM(store_idt, "nop", "sidt (%rdi)");
SANDBOX_PROGRAM(store_ldt, "nop", "sldt %rax");
SANDBOX_PROGRAM(store_tr, "nop", "str %rax");
SANDBOX_PROGRAM(store_msw, "nop", "smsw %rax");

static const struct program table_programs[] = {
    {PROGRAM(store_gdt), VECTOR_PROTECTION, 0, 0}, {PROGRAM(store_idt), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(store_ldt), VECTOR_PROTECTION, 0, 0}, {PROGRAM(store_tr), VECTOR_PROTECTION, 0, 0},
    {PROGRAM(store_msw), VECTOR_PROTECTION, 0, 0},
};

#define TABLE_PROGRAMS (sizeof(table_programs) / sizeof(table_programs[0]))

static bool has_umip(void)
{
    uint32_t eax, ebx, ecx = 0, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx & 1 << 2);
}

/* With UMIP they fault; without it they are the processor's leak, which nobody can stop, and must just do no harm. */
static void tables_are_hidden(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    for (unsigned i = 0; i < TABLE_PROGRAMS; i++) {
        const struct program *program = &table_programs[i];
        memset(sandbox.data_here, 0, 16);
        sandbox_load(&sandbox, program->code, (size_t)(program->end - program->code));
        struct fault fault = sandbox_run(&sandbox, SANDBOX_DATA, 0);
        if (!has_umip()) {
            EXPECT(sandbox_ran(&sandbox, &fault));
            continue;
        }
        EXPECT_EQUAL(fault.vector, VECTOR_PROTECTION);
        EXPECT_EQUAL(fault.instruction - SANDBOX_CODE, program->at - program->code);
        EXPECT_EQUAL(*(uint64_t *)sandbox.data_here, 0);
    }
    sandbox_destroy(&sandbox);
}

SANDBOX_PROGRAM(change_flags, "pushfq; andl $~0x200, (%rsp); orl $0x1a3000, (%rsp); popfq", "pushfq; popq %rax");

#define FLAG_INTERRUPT 0x200UL
#define FLAGS_FORBIDDEN 0x1a3000UL /* I/O privilege level, virtual mode and interrupts: popf leaves them alone */

/* `popf` with the I/O privilege level set, and with the interrupt flag clear, changes neither. */
static void flags_stay(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, change_flags);
    struct fault fault = sandbox_run(&sandbox, 0, 0);
    EXPECT(sandbox_ran(&sandbox, &fault));
    EXPECT_EQUAL(fault.registers.rax & FLAGS_FORBIDDEN, 0);
    EXPECT_EQUAL(fault.registers.rflags & (FLAGS_FORBIDDEN | FLAG_INTERRUPT), FLAG_INTERRUPT);
    sandbox_destroy(&sandbox);
}

static const struct guest_test tests[] = {
    {"every width and form of port access is refused", every_form},
    {"every privileged instruction is refused", every_privileged_instruction},
    {"where the processor's tables lie is hidden where UMIP is there", tables_are_hidden},
    {"privilege in the flags cannot be had", flags_stay},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
