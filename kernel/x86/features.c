/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU features. See features.h. Bits: Intel SDM volume 2, CPUID; volume 3, 2.5 (control registers) and 2.2.1 (EFER).
 *
 * CR4 is set as a whole, so that nothing that firmware or loader turned on stays: OSXSAVE and PKE off mean that
 * programs see x87 and SSE alone, which the trampoline's wipe relies on.
 */
#include "x86/features.h"

#include <stddef.h>

#include "debug/console.h"
#include "x86/acpi.h"
#include "x86/cpu.h"

#define STATUS_LACKING 255

struct features features;

enum cpuid_register { EAX, EBX, ECX, EDX };

/* A bit of CPUID that the kernel needs. */
struct requirement {
    uint32_t leaf;
    enum cpuid_register in;
    uint8_t bit;
    const char *name;
};

static const struct requirement requirements[] = {
    {0x00000001, EDX, 13, "PGE (global pages)"},
    {0x00000001, EDX, 9, "APIC (local interrupt controller)"},
    {0x00000001, EDX, 24, "FXSR (fxsave)"},
    {0x00000001, EDX, 26, "SSE2"},
    {0x80000001, EDX, 11, "SYSCALL"},
    {0x80000001, EDX, 20, "NX (no-execute pages)"},
    {0x00000007, EBX, 0, "FSGSBASE (rdfsbase and its like; Intel Ivy Bridge, AMD Steamroller or later)"},
};

static bool has(uint32_t leaf, enum cpuid_register in, unsigned bit)
{
    struct cpuid_result result = cpuid_checked(leaf, 0);
    const uint32_t values[] = {[EAX] = result.eax, [EBX] = result.ebx, [ECX] = result.ecx, [EDX] = result.edx};

    return (values[in] >> bit & 1) != 0;
}

/* Names everything that is missing, not only the first. */
static void require_all(void)
{
    bool lacking = false;

    for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
        const struct requirement *required = &requirements[i];

        if (!has(required->leaf, required->in, required->bit)) {
            console_printf("salto: this CPU lacks %s, which Salto needs\n", required->name);
            lacking = true;
        }
    }
    if (lacking)
        power_off(STATUS_LACKING);
}

/* Intel SDM volume 2, CPUID, leaf 7: EDX bits 26 (IBRS and IBPB), 10 (MD_CLEAR), 28 (L1D_FLUSH). AMD APM volume 3,
 * CPUID Fn8000_0008_EBX bit 12 (IBPB) and Fn8000_0021_EAX bit 5 (VERW_CLEAR). */
static void detect_barriers(void)
{
    features.predictor_barrier = has(7, EDX, 26) || has(0x80000008, EBX, 12);
    features.buffer_clearing = has(7, EDX, 10) || has(0x80000021, EAX, 5);
    features.cache_flush = has(7, EDX, 28);
}

static void detect(void)
{
    features.machine_check = has(1, EDX, 7) && has(1, EDX, 14);
    features.pcid = has(1, ECX, 17) && has(7, EBX, 10);
    features.smep = has(7, EBX, 7);
    features.smap = has(7, EBX, 20);
    features.umip = has(7, ECX, 2);
    features.gib_pages = has(0x80000001, EDX, 26);
    detect_barriers();
}

/* What is on, as the processor itself says. */
static void report(void)
{
    uint64_t cr4 = read_cr4();

    console_printf("salto: CPU: NX WP FSGSBASE%s%s%s%s on; 1 GiB pages %s\n", cr4 & CR4_SMEP ? " SMEP" : "",
                   cr4 & CR4_SMAP ? " SMAP" : "", cr4 & CR4_UMIP ? " UMIP" : "", cr4 & CR4_PCIDE ? " PCID" : "",
                   features.gib_pages ? "there" : "missing");
    console_printf("salto: barriers for guarded tasks: return stack%s%s%s\n",
                   features.predictor_barrier ? ", predictors (IBPB)" : "",
                   features.buffer_clearing ? ", buffers (VERW)" : "",
                   features.cache_flush ? ", first-level cache (L1D_FLUSH)" : "");
}

/* On another CPU than the first: it must have what the first one has. */
static void check_same(void)
{
    struct features first = features;

    detect();
    if (first.smep != features.smep || first.smap != features.smap || first.umip != features.umip ||
        first.pcid != features.pcid) {
        console_printf("salto: the CPUs differ in SMEP, SMAP, UMIP or PCID\n");
        power_off(STATUS_LACKING);
    }
}

/* Page attribute table, Intel SDM volume 3, 12.12: what the bits PWT and PCD of an entry choose. As after reset, but
 * that PWT alone means write-combining, and not write-through. space.h names the entries that are in use. */
#define PAT_VALUE 0x0007010600070106UL

void features_enable(void)
{
    static bool detected; /* written once, before other CPUs run */
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE;

    require_all();
    if (detected)
        check_same();
    else
        detect();
    cr4 |= features.smep ? CR4_SMEP : 0;
    cr4 |= features.smap ? CR4_SMAP : 0;
    cr4 |= features.umip ? CR4_UMIP : 0;
    cr4 |= features.pcid ? CR4_PCIDE : 0; /* CR3 names no PCID yet, as turning it on demands */
    cr4 |= features.machine_check ? CR4_MCE : 0;
    wrmsr(MSR_PAT, PAT_VALUE);
    wrmsr(MSR_EFER, (rdmsr(MSR_EFER) & ~(uint64_t)EFER_LMA) | EFER_SCE | EFER_LME | EFER_NXE);
    write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    write_cr4(cr4);
    if (!detected)
        report();
    detected = true;
}
