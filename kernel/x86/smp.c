/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting the other CPUs (Intel SDM volume 3, 9.4.4.1 "Typical BSP initialization sequence", MADT for who is there).
 *
 * They come up one at a time, on the boot page tables, through code that is copied to a page below 1 MiB (ap_start.S).
 * What they find there is written by the first CPU before it sends the start-up interrupt; each sets its `started` when
 * it is ready. A CPU that came too late finds `ap_start_cpu` taken away and stops.
 */
#include "x86/smp.h"

#include "boot/boot.h"
#include "boot/entry.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "debug/string.h"
#include "mem/space.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/cpu_state.h"
#include "x86/features.h"
#include "x86/tables.h"
#include "x86/timer.h"

#define MILLISECOND 1000000UL
#define INIT_DELAY (10 * MILLISECOND)
#define STARTUP_TIMEOUT (1 * MILLISECOND) /* before the second start-up interrupt */
#define READY_TIMEOUT (200 * MILLISECOND)
#define ANSWER_TIMEOUT (100 * MILLISECOND)

/* In ap_start.S. */
extern const char ap_start_code[], ap_start_code_end[];

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count = 1;

struct cpu *volatile ap_start_cpu; /* who is to come up: ap_start.S takes it, once */
uint64_t ap_start_cr3, ap_start_stack;

/* A CPU's first C function, called by ap_start.S on its kernel stack and on the kernel's page tables. */
_Noreturn void smp_run_cpu(struct cpu *cpu);

void smp_run_cpu(struct cpu *cpu)
{
    features_enable();
    tables_setup(cpu);
    apic_initialise();
    write_gs_base((uint64_t)cpu->idle_line);
    __atomic_store_n(&cpu->started, true, __ATOMIC_RELEASE);
    for (;;)
        cpu_wait_for_interrupt();
}

static bool wait_started(const struct cpu *cpu, uint64_t nanoseconds)
{
    uint64_t end = timer_now() + nanoseconds;

    while (!__atomic_load_n(&cpu->started, __ATOMIC_ACQUIRE) && timer_now() < end)
        cpu_pause();
    return __atomic_load_n(&cpu->started, __ATOMIC_ACQUIRE);
}

/* If it has not taken `ap_start_cpu` by the end, it never will; one that took it may use its area at any time. */
static bool start(struct cpu *cpu, uint64_t page)
{
    if (cpu->gate == NULL) /* else a CPU that did not come up has left its area */
        cpu_area_prepare(cpu);
    ap_start_cr3 = kernel_cr3;
    ap_start_stack = cpu->gate->kernel_stack;
    __atomic_store_n(&ap_start_cpu, cpu, __ATOMIC_RELEASE);
    apic_send_init(cpu->apic_id);
    timer_delay(INIT_DELAY);
    apic_send_startup(cpu->apic_id, page);
    if (wait_started(cpu, STARTUP_TIMEOUT))
        return true;
    if (ap_start_cpu != NULL)
        apic_send_startup(cpu->apic_id, page);
    if (wait_started(cpu, READY_TIMEOUT))
        return true;
    if (__atomic_exchange_n(&ap_start_cpu, NULL, __ATOMIC_ACQ_REL) != NULL)
        return false;
    if (!wait_started(cpu, READY_TIMEOUT))
        panic("CPU with APIC id %u stopped while it was starting", cpu->apic_id);
    return true;
}

/* The CPUs of the MADT, in its order, but for this one. */
static void start_all(uint64_t page)
{
    uint32_t listed = acpi_info.cpu_count < MAX_CPUS ? acpi_info.cpu_count : MAX_CPUS;

    memcpy((void *)(PHYSICAL_MAP + page), ap_start_code, (size_t)(ap_start_code_end - ap_start_code));
    for (uint32_t i = 0; i < listed; i++) {
        struct cpu *cpu = &cpus[cpu_count];

        if (acpi_info.apic_ids[i] == cpus[0].apic_id)
            continue;
        if (acpi_info.apic_ids[i] > APIC_MAX_ID) {
            console_printf("salto: CPU with APIC id %u is out of reach of xAPIC mode\n", acpi_info.apic_ids[i]);
            continue;
        }
        cpu->index = cpu_count;
        cpu->apic_id = acpi_info.apic_ids[i];
        if (start(cpu, page))
            cpu_count++;
        else
            console_printf("salto: CPU with APIC id %u does not start\n", cpu->apic_id);
    }
}

void smp_start(void)
{
    uint64_t page = boot_low_page();

    cpus[0].apic_id = apic_id();
    cpus[0].started = true;
    if (acpi_info.cpu_count > 1 && page == 0)
        console_printf("salto: no page below 640 KiB is free to start other CPUs with\n");
    else if (acpi_info.cpu_count > 1)
        start_all(page);
    console_printf("salto: %u of %u CPUs run\n", cpu_count, acpi_info.cpu_count > 1 ? acpi_info.cpu_count : 1);
}

void smp_answer(struct cpu *cpu)
{
    __atomic_fetch_add(&cpu->answers, 1, __ATOMIC_RELEASE);
    apic_end_of_interrupt();
}

static uint32_t count_changed(const uint64_t *before)
{
    uint32_t changed = 0;

    for (uint32_t i = 1; i < cpu_count; i++)
        changed += __atomic_load_n(&cpus[i].answers, __ATOMIC_ACQUIRE) != before[i];
    return changed;
}

uint32_t smp_count_answers(void)
{
    uint64_t before[MAX_CPUS], end;

    for (uint32_t i = 1; i < cpu_count; i++)
        before[i] = __atomic_load_n(&cpus[i].answers, __ATOMIC_ACQUIRE);
    for (uint32_t i = 1; i < cpu_count; i++)
        apic_send_interrupt(cpus[i].apic_id, VECTOR_IPI);
    end = timer_now() + ANSWER_TIMEOUT;
    while (count_changed(before) < cpu_count - 1 && timer_now() < end)
        cpu_pause();
    return count_changed(before);
}
