/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every exception that a program can raise (Intel SDM volume 3, 6.15): it stops the thread, the supervisor is told
 * which one, where and with which error code, and all others go on. Not to be raised in 64-bit mode with Salto's
 * settings: 5 (`bound` does not exist), 7 (CR0.TS and EM stay off), 10 and 11 (no such descriptors), 17 (CR0.AM stays
 * off).
 */
#include "../common/sandbox.h"

#define NON_CANONICAL 0x0000900000000000UL
#define MXCSR_DIVIDE_UNMASKED 0x1d80
#define X87_DIVIDE_UNMASKED 0x037b
#define VECTOR_DEBUG 1
#define VECTOR_BREAKPOINT 3
#define VECTOR_OVERFLOW 4
#define VECTOR_STACK 12
#define VECTOR_X87 16
#define VECTOR_SIMD 19

SANDBOX_PROGRAM(divide_by_zero, "xorl %ecx, %ecx; movl $1, %eax; xorl %edx, %edx", "divl %ecx");
SANDBOX_PROGRAM(divide_overflow, "xorl %edx, %edx; decq %rdx; movq %rdx, %rax; movl $1, %ecx", "divq %rcx");
SANDBOX_PROGRAM(divide_signed, "movl $0x80000000, %eax; cltd; movl $-1, %ecx", "idivl %ecx");
SANDBOX_PROGRAM(trap_flag, "pushfq; orl $0x100, (%rsp); popfq", "nop");
SANDBOX_PROGRAM(int1, "nop", ".byte 0xf1");
SANDBOX_PROGRAM(breakpoint, "nop", "int3");
SANDBOX_PROGRAM(overflow, "nop", "int $4");
SANDBOX_PROGRAM(undefined, "nop", "ud2");
SANDBOX_PROGRAM(into, "nop", ".byte 0xce");
SANDBOX_PROGRAM(far_call, "nop", ".byte 0x9a, 0, 0, 0, 0, 8, 0");
SANDBOX_PROGRAM(stack_not_canonical, "movq %rdi, %rbp", "movq (%rbp), %rax");
SANDBOX_PROGRAM(push_not_canonical, "movq %rdi, %rsp", "pushq %rax");
SANDBOX_PROGRAM(data_not_canonical, "nop", "movq (%rdi), %rax");
SANDBOX_PROGRAM(bad_selector, "movl $0x30, %eax", "movl %eax, %ds");
SANDBOX_PROGRAM(kernel_selector, "movl $0x10, %eax", "movl %eax, %ss");
SANDBOX_PROGRAM(lock_prefix, "nop", ".byte 0xf0, 0x90");
SANDBOX_PROGRAM(sse_misaligned, "nop", "movaps 1(%rsp), %xmm0");
SANDBOX_PROGRAM(x87_error, "pushq %rdi; fldcw (%rsp); fld1; fldz; fdivrp", "fwait");
SANDBOX_PROGRAM(simd_error, "pushq %rdi; ldmxcsr (%rsp); xorps %xmm1, %xmm1; movl $1, %eax; cvtsi2ss %eax, %xmm0",
                "divss %xmm1, %xmm0");
SANDBOX_PROGRAM(nested_task_return, "pushfq; orl $0x4000, (%rsp); popfq; .rept 5; push $0; .endr", "iretq");
SANDBOX_PROGRAM(not_aligned, "pushfq; orl $0x40000, (%rsp); popfq", "movq 1(%rsp), %rax");
SANDBOX_PROGRAM(load, "nop", "movb (%rdi), %al");
SANDBOX_PROGRAM(store, "nop", "movb %al, (%rdi)");
SANDBOX_PROGRAM(modify, "nop", "lock incb (%rdi)");
SANDBOX_PROGRAM(jump, "nop", "jmp *%rdi");

#define TCG_RAISES_NONE VECTOR_NONE

struct program {
    const char *name;
    const uint8_t *code, *at, *end;
    uint64_t argument;
    uint32_t vector, error;
    bool trap;          /* reported behind the instruction, not at it */
    uint8_t tcg_vector; /* where QEMU's TCG raises another one, or TCG_RAISES_NONE: then the code runs through */
};

#define PROGRAM(name) #name, name, name##_at, name##_end

static const struct program programs[] = {
    {PROGRAM(divide_by_zero), 0, 0, 0, false, 0},
    {PROGRAM(divide_overflow), 0, 0, 0, false, 0},
    {PROGRAM(divide_signed), 0, 0, 0, false, 0},
    {PROGRAM(trap_flag), 0, VECTOR_DEBUG, 0, true, 0},
    {PROGRAM(int1), 0, VECTOR_DEBUG, 0, true, VECTOR_INVALID_OPCODE},
    {PROGRAM(breakpoint), 0, VECTOR_BREAKPOINT, 0, true, 0},
    {PROGRAM(overflow), 0, VECTOR_OVERFLOW, 0, true, 0},
    {PROGRAM(undefined), 0, VECTOR_INVALID_OPCODE, 0, false, 0},
    {PROGRAM(into), 0, VECTOR_INVALID_OPCODE, 0, false, 0},
    {PROGRAM(far_call), 0, VECTOR_INVALID_OPCODE, 0, false, 0},
    {PROGRAM(lock_prefix), 0, VECTOR_INVALID_OPCODE, 0, false, 0},
    {PROGRAM(stack_not_canonical), NON_CANONICAL, VECTOR_STACK, 0, false, VECTOR_PROTECTION},
    {PROGRAM(push_not_canonical), NON_CANONICAL, VECTOR_STACK, 0, false, VECTOR_PROTECTION},
    {PROGRAM(data_not_canonical), NON_CANONICAL, VECTOR_PROTECTION, 0, false, 0},
    {PROGRAM(bad_selector), 0, VECTOR_PROTECTION, 0x30, false, 0},
    {PROGRAM(kernel_selector), 0, VECTOR_PROTECTION, 0x10, false, 0},
    {PROGRAM(nested_task_return), 0, VECTOR_PROTECTION, 0, false, 0},
    {PROGRAM(sse_misaligned), 0, VECTOR_PROTECTION, 0, false, 0},
    {PROGRAM(x87_error), X87_DIVIDE_UNMASKED, VECTOR_X87, 0, false, 0},
    {PROGRAM(simd_error), MXCSR_DIVIDE_UNMASKED, VECTOR_SIMD, 0, false, TCG_RAISES_NONE},
};

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

/* What the processor at hand raises is told, at the right place; a further program then runs as before. */
static void check(struct sandbox *sandbox, const struct program *program)
{
    bool differs = program->tcg_vector && processor_is_tcg(), none = differs && program->tcg_vector == TCG_RAISES_NONE;
    uint32_t vector = none ? VECTOR_INVALID_OPCODE : differs ? program->tcg_vector : program->vector;
    bool behind = none || (program->trap && !differs);
    sandbox_load(sandbox, program->code, (size_t)(program->end - program->code));
    struct fault fault = sandbox_run(sandbox, program->argument, 0);
    bool good = EXPECT_EQUAL(fault.vector, vector);
    good &= EXPECT_EQUAL(fault.error, program->error);
    good &= EXPECT_EQUAL(fault.address, 0);
    good &= EXPECT_EQUAL(fault.instruction - SANDBOX_CODE, (behind ? program->end : program->at) - program->code);
    if (!good)
        guest_expect(false, __FILE__, __LINE__, program->name);
}

static void every_exception(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    for (unsigned i = 0; i < PROGRAMS; i++)
        check(&sandbox, &programs[i]);
    sandbox_destroy(&sandbox);
}

/* Names a gate in the IDT: Intel SDM volume 3, 6.13. QEMU's TCG counts in gates of 16 bytes. */
static uint32_t error_of_gate(uint32_t vector)
{
    return vector * (processor_is_tcg() ? 16 : 8) + 2;
}

/* `int` with each number: only breakpoint and overflow are programs' to raise; all else is a protection fault that
 * names the gate, so that nobody can pretend that a device or the processor interrupted. */
static void every_software_interrupt(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    for (uint32_t vector = 0; vector < 256; vector++) {
        const uint8_t code[] = {0xcd, (uint8_t)vector};
        bool allowed = vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;
        sandbox_load(&sandbox, code, sizeof(code));
        struct fault fault = sandbox_run(&sandbox, 0, 0);
        EXPECT_EQUAL(fault.vector, allowed ? vector : VECTOR_PROTECTION);
        EXPECT_EQUAL(fault.error, allowed ? 0 : error_of_gate(vector));
        EXPECT_EQUAL(fault.instruction, allowed ? sandbox.end : SANDBOX_CODE);
    }
    sandbox_destroy(&sandbox);
}

/* An access that is not aligned is allowed whatever the program's flag says: CR0.AM is off. */
static void alignment_is_not_checked(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, not_aligned);
    struct fault fault = sandbox_run(&sandbox, 0, 0);
    EXPECT(sandbox_ran(&sandbox, &fault));
    sandbox_destroy(&sandbox);
}

static void expect_page_fault(const struct sandbox *sandbox, uint64_t address, uint32_t error, uint64_t instruction)
{
    struct fault fault = sandbox_run(sandbox, address, 0);
    EXPECT_EQUAL(fault.vector, VECTOR_PAGE_FAULT);
    EXPECT_EQUAL(fault.error, error);
    EXPECT_EQUAL(fault.address, address);
    EXPECT_EQUAL(fault.instruction, instruction);
}

/* All kinds of access to an address where nothing is, or nothing of the program's (`present`: FAULT_PRESENT or 0). */
static void page_faults_at(struct sandbox *sandbox, uint64_t address, uint32_t present)
{
    const uint64_t behind_nop = SANDBOX_CODE + 1;
    const uint32_t modifies = processor_is_tcg() ? 0 : FAULT_WRITE; /* TCG on one CPU reads first, and then writes */
    SANDBOX_LOAD(sandbox, load);
    expect_page_fault(sandbox, address, FAULT_USER | present, behind_nop);
    SANDBOX_LOAD(sandbox, store);
    expect_page_fault(sandbox, address, FAULT_USER | FAULT_WRITE | present, behind_nop);
    SANDBOX_LOAD(sandbox, modify);
    expect_page_fault(sandbox, address, FAULT_USER | modifies | present, behind_nop);
    SANDBOX_LOAD(sandbox, jump);
    expect_page_fault(sandbox, address, FAULT_USER | FAULT_FETCH | present, address);
}

static void every_page_fault(void)
{
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    page_faults_at(&sandbox, 0, 0);
    page_faults_at(&sandbox, USER_START, 0);
    page_faults_at(&sandbox, SANDBOX_CODE - 1, 0);
    page_faults_at(&sandbox, USER_END - 1, 0);
    page_faults_at(&sandbox, USER_END, 0);
    page_faults_at(&sandbox, USER_END + PAGE_SIZE - 1, 0);
    page_faults_at(&sandbox, PHYSICAL_MAP, 0);
    page_faults_at(&sandbox, TRAMPOLINE_TEXT, FAULT_PRESENT);
    page_faults_at(&sandbox, CPU_AREA, FAULT_PRESENT);
    page_faults_at(&sandbox, HOT_ENDPOINTS, FAULT_PRESENT);
    page_faults_at(&sandbox, HOT_THREADS, FAULT_PRESENT);
    page_faults_at(&sandbox, IO_BITMAP, FAULT_PRESENT);
    page_faults_at(&sandbox, CAPABILITY_SLOTS, FAULT_PRESENT);
    sandbox_destroy(&sandbox);
}

/* Without a supervisor nobody is told, but the thread is stopped all the same. The name that the kernel then prints has
 * no control characters, whatever the task was called. */
static void without_supervisor(void)
{
    struct sandbox sandbox;
    kernel_thread_t thread = {0};
    struct kernel_registers registers = {0};
    uint32_t number;
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, undefined);
    kernel_task_t orphan = guest_new_task();
    EXPECT_EQUAL(kernel_memory_map(sandbox.code, orphan, SANDBOX_CODE, 0, 1, KERNEL_RIGHTS_EXECUTE), 0);
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, orphan, &thread, &number), 0);
    EXPECT_EQUAL(kernel_task_set_name(orphan, (const uint8_t[32]){"or\nph\033an"}), 0);
    EXPECT_EQUAL(kernel_thread_start(thread, SANDBOX_CODE, SANDBOX_STACK, 0, 0), 0);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_registers(thread, &registers), 0);
    EXPECT_EQUAL(registers.rip, SANDBOX_CODE + 1);
    guest_delete(thread.handle);
    guest_delete(orphan.handle);
    sandbox_destroy(&sandbox);
}

static const struct guest_test tests[] = {
    {"every exception is told to the supervisor", every_exception},
    {"every software interrupt", every_software_interrupt},
    {"alignment is not checked", alignment_is_not_checked},
    {"page faults by reading, writing and executing, at every kind of address", every_page_fault},
    {"a fault that nobody hears stops the thread", without_supervisor},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
