/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calibration and the one-shot timer. See timer.h.
 *
 * The time-stamp counter's frequency comes from CPUID where that is to be had (Intel SDM volume 2, CPUID leaf 0x15;
 * hypervisors' leaf 0x40000010), else it is measured against the ACPI power-management timer or the 8254's channel 2.
 * A measurement reads both clocks together, several times, and takes the reading that was interrupted the least; so it
 * stays good where an emulator is stopped and continued in between. All is written once, at boot.
 */
#include "x86/timer.h"

#include <stdbool.h>

#include "debug/panic.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/apic_registers.h"
#include "x86/cpu.h"

#define NANOSECONDS 1000000000UL
#define PM_TIMER_HERTZ 3579545
#define PIT_HERTZ 1193182
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61           /* bit 0 lets channel 2 count, bit 1 leads it to the speaker */
#define PIT_COMMAND_MODE_2 0xb4 /* channel 2, both bytes, rate generator, which counts down by one */
#define PIT_COMMAND_LATCH 0x80

#define MEASURE_SECONDS_PARTS 100 /* measure for 1/100 s: less than the 8254's 55 ms to wrap around */
#define MEASURE_APIC_PARTS 200    /* and the APIC timer for 1/200 s */
#define MEASURE_READINGS 8
#define STANDSTILL_READINGS 10000
#define MULTIPLIER_SHIFT 32

/* A clock of known frequency. */
struct reference {
    uint32_t (*read)(void);
    uint32_t mask; /* it counts up, modulo mask + 1 */
    uint32_t hertz;
};

/* What two clocks showed at one moment. */
struct reading {
    uint64_t tsc;
    uint32_t count;
};

static uint64_t hertz;             /* of the time-stamp counter */
static uint64_t hertz_multiplier;  /* ticks of the time-stamp counter in a nanosecond, times 2^32 */
static uint64_t start;             /* its value at boot */
static uint64_t counts_multiplier; /* counts of the APIC timer in a tick of the time-stamp counter, times 2^32 */

/* a * b / c, with 128 bits in between. The result must fit 64 bits: else this faults. */
static uint64_t multiply_divide(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t high;

    __asm__("mulq %2\n\tdivq %3" : "+a"(a), "=&d"(high) : "rm"(b), "rm"(c) : "cc");
    return a;
}

static uint32_t read_pm_timer(void)
{
    return in_long(acpi_info.timer_port);
}

static uint32_t read_pit(void)
{
    uint32_t count;

    out_byte(PIT_COMMAND, PIT_COMMAND_LATCH);
    count = in_byte(PIT_CHANNEL_2);
    count |= (uint32_t)in_byte(PIT_CHANNEL_2) << 8;
    return ~count; /* it counts down */
}

static void start_pit(void)
{
    out_byte(PIT_GATE, (uint8_t)((in_byte(PIT_GATE) & ~2) | 1));
    out_byte(PIT_COMMAND, PIT_COMMAND_MODE_2);
    out_byte(PIT_CHANNEL_2, 0); /* 65,536 */
    out_byte(PIT_CHANNEL_2, 0);
}

/* The APIC timer, started at its highest count, as a clock to measure. */
static uint32_t read_apic_timer(void)
{
    return ~apic_read(APIC_TIMER_CURRENT);
}

static bool runs(const struct reference *reference)
{
    uint32_t first = reference->read() & reference->mask;

    for (int i = 0; i < STANDSTILL_READINGS; i++)
        if ((reference->read() & reference->mask) != first)
            return true;
    return false;
}

static struct reference find_reference(void)
{
    struct reference pm_timer = {read_pm_timer, acpi_info.timer_32_bits ? 0xffffffff : 0xffffff, PM_TIMER_HERTZ};
    struct reference pit = {read_pit, 0xffff, PIT_HERTZ};

    if (acpi_info.timer_port != 0 && runs(&pm_timer))
        return pm_timer;
    start_pit();
    if (!runs(&pit))
        panic("neither the ACPI timer nor the 8254 counts: no clock to measure the CPU's against");
    return pit;
}

/* Reads both clocks, taking the try in which the two time-stamps around the other clock lie closest together. */
static struct reading read_both(uint32_t (*read)(void))
{
    struct reading best = {0, 0};
    uint64_t closest = UINT64_MAX;

    for (int i = 0; i < MEASURE_READINGS; i++) {
        uint64_t before = rdtsc();
        uint32_t count = read();
        uint64_t after = rdtsc();

        if (after - before < closest) {
            closest = after - before;
            best = (struct reading){before + closest / 2, count};
        }
    }
    return best;
}

static uint64_t measure_tsc(void)
{
    struct reference reference = find_reference();
    struct reading first = read_both(reference.read), last;
    uint32_t wanted = reference.hertz / MEASURE_SECONDS_PARTS, counted;

    do {
        cpu_pause();
        counted = (reference.read() - first.count) & reference.mask;
    } while (counted < wanted);
    last = read_both(reference.read);
    counted = (last.count - first.count) & reference.mask;
    return multiply_divide(last.tsc - first.tsc, reference.hertz, counted);
}

/* What CPUID says, or 0. */
static uint64_t tsc_hertz_from_cpuid(void)
{
    struct cpuid_result crystal = cpuid_checked(0x15, 0);
    struct cpuid_result hypervisor = {0, 0, 0, 0};

    if (crystal.eax != 0 && crystal.ebx != 0 && crystal.ecx != 0)
        return (uint64_t)crystal.ecx * crystal.ebx / crystal.eax;
    if (cpuid(1, 0).ecx >> 31)
        hypervisor = cpuid_checked(0x40000010, 0);
    return (uint64_t)hypervisor.eax * 1000;
}

/* Sets `counts_multiplier` from the ticks that the APIC timer makes. */
static void measure_apic_timer(void)
{
    struct reading first, last;
    uint32_t ticks;

    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    first = read_both(read_apic_timer);
    while (rdtsc() - first.tsc < hertz / MEASURE_APIC_PARTS)
        cpu_pause();
    last = read_both(read_apic_timer);
    ticks = last.count - first.count;
    if (ticks == 0)
        panic("the local APIC's timer does not count");
    counts_multiplier = ((uint64_t)ticks << MULTIPLIER_SHIFT) / (last.tsc - first.tsc);
    timer_disarm();
}

void timer_initialise(void)
{
    start = rdtsc();
    hertz = tsc_hertz_from_cpuid();
    if (hertz == 0)
        hertz = measure_tsc();
    hertz_multiplier = multiply_divide(hertz, 1UL << MULTIPLIER_SHIFT, NANOSECONDS);
    measure_apic_timer();
}

uint64_t tsc_start(void)
{
    return start;
}

uint64_t tsc_hertz(void)
{
    return hertz;
}

uint64_t timer_now(void)
{
    return multiply_divide(rdtsc() - start, NANOSECONDS, hertz);
}

void timer_delay(uint64_t nanoseconds)
{
    uint64_t end = timer_now() + nanoseconds;

    while (timer_now() < end)
        cpu_pause();
}

void timer_arm_at(uint64_t when)
{
    uint64_t now = rdtsc(), distance = when > now ? when - now : 0;
    unsigned __int128 counts = (unsigned __int128)distance * counts_multiplier >> MULTIPLIER_SHIFT;
    uint32_t count = counts < UINT32_MAX ? (uint32_t)counts : UINT32_MAX - 1;

    apic_write(APIC_TIMER_INITIAL, count + 1);
}

uint64_t timer_ticks(uint64_t nanoseconds)
{
    unsigned __int128 ticks = (unsigned __int128)nanoseconds * hertz_multiplier >> MULTIPLIER_SHIFT;

    return ticks >> 64 ? UINT64_MAX : (uint64_t)ticks;
}

uint64_t timer_at(uint64_t nanoseconds)
{
    uint64_t ticks = timer_ticks(nanoseconds);

    return ticks > UINT64_MAX - start ? UINT64_MAX : start + ticks;
}

void timer_disarm(void)
{
    apic_write(APIC_TIMER_INITIAL, 0); /* stops it */
}
