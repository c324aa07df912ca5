/* SPDX-License-Identifier: BSD-2-Clause */
/* The per-CPU pages of the shared part, with their gates. */
#include "debug/observe.h"
#include "debug/panic.h"
#include "ipc/hot.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/pcid.h"
#include "mem/space.h"
#include "x86/cpu_state.h"

extern const char kernel_interrupt[], kernel_ring0[];

/* Top of a new kernel stack. */
static uint64_t make_stack(void)
{
    uint64_t frames = frame_allocate_contiguous(KERNEL_STACK_SIZE / PAGE_SIZE);
    if (frames == 0)
        panic("not enough memory for the stacks of a CPU");
    return (uint64_t)physical_to_virtual(frames) + KERNEL_STACK_SIZE;
}

static void fill_gate(struct cpu *cpu, uint64_t stack_page)
{
    struct gate *gate = (struct gate *)(stack_page + GATE_OFFSET);
    gate->kernel_cr3 = pcid_kernel_cr3(kernel_cr3);
    gate->kernel_stack = make_stack();
    gate->system_call = observe_entry();
    gate->interrupt = (uint64_t)kernel_interrupt;
    gate->ring0 = (uint64_t)kernel_ring0;
    gate->cpu = cpu;
}

void cpu_area_prepare(struct cpu *cpu)
{
    static const uint64_t stacks[] = {CPU_ENTRY_STACK, CPU_DEBUG_STACK, CPU_NMI_STACK, CPU_FAULT_STACK,
                                      CPU_CHECK_STACK};
    uint64_t area = CPU_AREA + (uint64_t)cpu->index * CPU_AREA_SIZE;
    for (unsigned i = 0; i < CPU_AREA_PAGES; i++) {
        uint64_t frame = frame_allocate();
        if (frame == 0 || !space_map_shared(area + i * PAGE_SIZE, frame, inventory_find(area)->flags))
            panic("not enough memory for the pages of a CPU");
    }
    for (unsigned i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
        fill_gate(cpu, area + stacks[i]);
    cpu->gate = (struct gate *)(area + CPU_ENTRY_STACK + GATE_OFFSET);
    enum error error;
    cpu->idle_line = hot_thread_allocate(0, &error);
    if (!cpu->idle_line)
        panic("not enough memory for the hot state");
    cpu->idle_line->gate = cpu->gate;
}
