/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GDT, IDT, TSS and `syscall` entry of a CPU. See tables.h, and trampoline/layout.h for where they lie.
 *
 * Formats: Intel SDM volume 3, 3.4.5 (segment descriptors), 6.14.1 (64-bit gates), 7.2.3 (64-bit TSS descriptor), 7.7
 * (64-bit TSS), 5.8.8 (`syscall`). These pages are mapped in every address space, so they hold no secret.
 */
#include "x86/tables.h"

#include "debug/string.h"
#include "trampoline/layout.h"
#include "x86/cpu.h"
#include "x86/cpu_state.h"

/* Segment descriptors for 64-bit mode; accessed bits are set beforehand. Base and limit do not count there. */
#define DESCRIPTOR_KERNEL_CODE 0x00209b0000000000UL
#define DESCRIPTOR_KERNEL_DATA 0x0000930000000000UL
#define DESCRIPTOR_USER_DATA 0x0000f30000000000UL
#define DESCRIPTOR_USER_CODE 0x0020fb0000000000UL
#define DESCRIPTOR_TYPE_TSS 0x89UL /* present, available 64-bit TSS */

#define VECTOR_COUNT 256
#define VECTOR_DEBUG 1
#define VECTOR_NMI 2
#define VECTOR_BREAKPOINT 3
#define VECTOR_OVERFLOW 4
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_MACHINE_CHECK 18
#define GATE_TYPE_INTERRUPT 0x8e /* present, DPL 0, interrupts off on entry */
#define GATE_DPL_USER 0x60

#define STAR_USER_SELECTOR (SELECTOR_USER_DATA - 8) /* `sysret` adds 8 for SS, 16 for CS */
#define IO_BITMAP_LAST_BYTE 8192                    /* the 0xff behind the bits */

struct gate_descriptor {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct task_state {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t stack[7]; /* IST 1 to 7 */
    uint64_t reserved2;
    uint16_t reserved3, io_map_base;
} __attribute__((packed));

struct descriptors {
    uint64_t segments[5];
    uint64_t task_state[2];
};

_Static_assert(sizeof(struct gate_descriptor) == 16, "a gate is 16 bytes");
_Static_assert(sizeof(struct gate_descriptor) * VECTOR_COUNT <= CPU_GDT - CPU_IDT, "the IDT fits its page");
_Static_assert(sizeof(struct task_state) == 104, "a TSS is 104 bytes");
_Static_assert(sizeof(struct task_state) <= TSS_STRIDE, "the TSSs are packed");
_Static_assert(TSS_STRIDE *MAX_CPUS <= TSS_PAGES * PAGE_SIZE, "the TSSs fit their pages");
_Static_assert(IO_BITMAP - TSS_AREA <= 0xffff, "the first TSS' I/O map base reaches the bitmap");
_Static_assert(offsetof(struct descriptors, task_state) == SELECTOR_TSS, "the TSS descriptor is where ltr looks");
_Static_assert(STAR_USER_SELECTOR + 16 == SELECTOR_USER_CODE, "`sysret` takes CS from there");

static uint64_t area_of(const struct cpu *cpu)
{
    return CPU_AREA + (uint64_t)cpu->index * CPU_AREA_SIZE;
}

static struct task_state *task_state_of(const struct cpu *cpu)
{
    return (struct task_state *)(TSS_AREA + (uint64_t)cpu->index * TSS_STRIDE);
}

static uint8_t stack_of_vector(unsigned vector)
{
    switch (vector) {
    case VECTOR_DEBUG:
        return IST_DEBUG;
    case VECTOR_NMI:
        return IST_NMI;
    case VECTOR_DOUBLE_FAULT:
        return IST_DOUBLE_FAULT;
    case VECTOR_MACHINE_CHECK:
        return IST_MACHINE_CHECK;
    default:
        return 0;
    }
}

static void write_idt(const struct cpu *cpu)
{
    struct gate_descriptor *idt = (struct gate_descriptor *)(area_of(cpu) + CPU_IDT);

    for (unsigned vector = 0; vector < VECTOR_COUNT; vector++) {
        uint64_t entry = (uint64_t)trampoline_vectors + vector * VECTOR_STUB_SIZE;
        bool user = vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;

        idt[vector] = (struct gate_descriptor){
            .offset_low = (uint16_t)entry,
            .offset_middle = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
            .selector = SELECTOR_KERNEL_CODE,
            .stack = stack_of_vector(vector),
            .type = GATE_TYPE_INTERRUPT | (user ? GATE_DPL_USER : 0),
        };
    }
}

/* The I/O bitmap lies in the private part, so that the map base leads to that of the current address space. */
static void write_task_state(const struct cpu *cpu)
{
    struct task_state *state = task_state_of(cpu);
    uint64_t area = area_of(cpu);

    memset(state, 0, sizeof(*state));
    state->rsp[0] = area + CPU_ENTRY_STACK + GATE_OFFSET;
    state->stack[IST_DEBUG - 1] = area + CPU_DEBUG_STACK + GATE_OFFSET;
    state->stack[IST_NMI - 1] = area + CPU_NMI_STACK + GATE_OFFSET;
    state->stack[IST_DOUBLE_FAULT - 1] = area + CPU_FAULT_STACK + GATE_OFFSET;
    state->stack[IST_MACHINE_CHECK - 1] = area + CPU_CHECK_STACK + GATE_OFFSET;
    state->io_map_base = (uint16_t)(IO_BITMAP - (uint64_t)state);
}

static void write_gdt(const struct cpu *cpu)
{
    struct descriptors *gdt = (struct descriptors *)(area_of(cpu) + CPU_GDT);
    uint64_t base = (uint64_t)task_state_of(cpu);
    uint64_t limit = IO_BITMAP - base + IO_BITMAP_LAST_BYTE;

    memset(gdt, 0, sizeof(*gdt));
    gdt->segments[SELECTOR_KERNEL_CODE / 8] = DESCRIPTOR_KERNEL_CODE;
    gdt->segments[SELECTOR_KERNEL_DATA / 8] = DESCRIPTOR_KERNEL_DATA;
    gdt->segments[SELECTOR_USER_DATA / 8] = DESCRIPTOR_USER_DATA;
    gdt->segments[SELECTOR_USER_CODE / 8] = DESCRIPTOR_USER_CODE;
    gdt->task_state[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | DESCRIPTOR_TYPE_TSS << 40 |
                         (limit >> 16 & 0xf) << 48 | (base >> 24 & 0xff) << 56;
    gdt->task_state[1] = base >> 32;
}

/* Loads CS by a far return, SS with kernel data (as an interrupt from ring 0 expects to reload it), the rest with null
 * selectors: their bases are then 0. */
static void load_segments(void)
{
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %1, %%eax\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs"
                     :
                     : "i"(SELECTOR_KERNEL_CODE), "i"(SELECTOR_KERNEL_DATA)
                     : "rax", "memory");
    wrmsr(MSR_FS_BASE, 0); /* AMD's CPUs keep the base when a null selector is loaded */
    wrmsr(MSR_GS_BASE, 0);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
}

/* 32-bit system calls do not exist: SYSENTER with a null selector faults, and there is no 32-bit user segment from
 * which AMD's 32-bit `syscall` could come to CSTAR; it leads to the same entry all the same. */
static void set_system_call_entry(void)
{
    wrmsr(MSR_STAR, (uint64_t)STAR_USER_SELECTOR << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (uint64_t)trampoline_system_call);
    wrmsr(MSR_CSTAR, (uint64_t)trampoline_system_call);
    wrmsr(MSR_SFMASK, SYSCALL_FLAGS_MASK);
    wrmsr(MSR_SYSENTER_CS, 0);
}

void tables_setup(struct cpu *cpu)
{
    uint64_t area = area_of(cpu);

    write_gdt(cpu);
    write_idt(cpu);
    write_task_state(cpu);
    load_gdt(area + CPU_GDT, sizeof(struct descriptors) - 1);
    load_segments();
    load_task_register(SELECTOR_TSS);
    load_idt(area + CPU_IDT, VECTOR_COUNT * sizeof(struct gate_descriptor) - 1);
    set_system_call_entry();
}
