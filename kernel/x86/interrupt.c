/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each vector means. A fault of a program is its fault handler's business, or its supervisor's (ipc/fault.h). No
 * fault of a program is the kernel's problem.
 */
#include "x86/interrupt.h"

#include "debug/console.h"
#include "debug/panic.h"
#include "debugger.h"
#include "ipc/fault.h"
#include "irq/ioapic.h"
#include "irq/line.h"
#include "thread/schedule.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/tables.h"

#define EXCEPTIONS 32
#define EXCEPTION_DEBUG 1
#define EXCEPTION_NMI 2
#define EXCEPTION_MACHINE_CHECK 18

/* A device's or another CPU's interrupt. */
static void external_interrupt(uint64_t vector, struct cpu *cpu)
{
    switch (vector) {
    case VECTOR_TIMER:
        apic_end_of_interrupt();
        schedule_timer_expired();
        break;
    case VECTOR_IPI:
        smp_answer(cpu);
        break;
    default:
        /* All others are spurious: no end of interrupt (Intel SDM volume 3, 10.9). */
        if (vector >= VECTOR_INPUT_0 && vector < VECTOR_INPUT_0 + IOAPIC_INPUTS)
            interrupt_arrived((uint32_t)vector - VECTOR_INPUT_0);
        break;
    }
}

static struct thread *fault(struct thread *thread)
{
    fault_raise(thread, thread->frame.vector == EXCEPTION_PAGE_FAULT ? read_cr2() : 0);
    return schedule_resolve();
}

struct thread *interrupt(struct thread *thread)
{
    uint64_t vector = thread->frame.vector;
    debugger_note(EVENT_INTERRUPT, thread, 0, 0, vector);
    if (vector >= EXCEPTIONS) {
        schedule_before_interrupt(thread);
        external_interrupt(vector, this_cpu());
        return schedule_after_interrupt(thread);
    }
    if (vector == EXCEPTION_NMI) {
        console_printf("salto: non-maskable interrupt ignored\n");
        return thread;
    }
    if (vector == EXCEPTION_MACHINE_CHECK)
        panic_with_frame(&thread->frame, "machine check");
    return fault(thread);
}

/* A program's trap flag may strike at the first instruction of the trampoline, where `syscall` has just cleared it:
 * some processors, and Bochs, do so. It is the program's business, and strikes again when the program goes on. */
static bool is_late_trap(const struct trap_frame *frame)
{
    return frame->vector == EXCEPTION_DEBUG && frame->rip == (uint64_t)trampoline_system_call;
}

void ring0_interrupt(const struct trap_frame *frame, struct cpu *cpu)
{
    cpu->kernel_interrupts++;
    if (frame->vector >= EXCEPTIONS)
        external_interrupt(frame->vector, cpu);
    else if (frame->vector == EXCEPTION_NMI)
        console_printf("salto: non-maskable interrupt ignored\n");
    else if (!is_late_trap(frame))
        panic_with_frame(frame, "exception %lu in the kernel", frame->vector);
}
