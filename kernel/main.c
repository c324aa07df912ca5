/* SPDX-License-Identifier: BSD-2-Clause */
/* From boot to the first program: what is set up, in which order. */
#include "boot/boot.h"
#include "boot/root.h"
#include "debug/console.h"
#include "ipc/hot.h"
#include "irq/ioapic.h"
#include "mem/frame.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/tables.h"
#include "x86/timer.h"

_Noreturn void kernel_resume_first(struct thread *thread);

/* GS base becomes a line of this CPU's: this_cpu() works from here on. */
static void prepare_boot_cpu(void)
{
    struct cpu *cpu = &cpus[0];
    cpu_area_prepare(cpu);
    tables_setup(cpu);
    write_gs_base((uint64_t)cpu->idle_line);
}

_Noreturn void kernel_main(void)
{
    frame_initialise(boot_info.memory, boot_info.memory_count);
    console_printf("salto: booted by %s, %lu MiB of memory\n", boot_info.loader, frame_count_free() * PAGE_SIZE >> 20);
    space_initialise();
    hot_initialise();
    prepare_boot_cpu();
    apic_initialise();
    ioapic_initialise();
    timer_initialise();
    smp_start();
    root_start();
    kernel_resume_first(schedule_first());
}
