/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor's privileged instructions and registers as inline functions, and the bits of its registers.
 *
 * Nothing here has state or policy. Names and bits are those of the Intel SDM, volume 3, chapter 2 (control registers)
 * and volume 4 (model-specific registers). Whatever orders memory is a compiler barrier too.
 */
#ifndef SALTO_X86_CPU_H
#define SALTO_X86_CPU_H

#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_EM 0x00000004
#define CR0_TS 0x00000008
#define CR0_ET 0x00000010
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000

#define CR4_PAE 0x00000020
#define CR4_MCE 0x00000040
#define CR4_PGE 0x00000080
#define CR4_OSFXSR 0x00000200
#define CR4_OSXMMEXCPT 0x00000400
#define CR4_UMIP 0x00000800
#define CR4_FSGSBASE 0x00010000
#define CR4_PCIDE 0x00020000
#define CR4_OSXSAVE 0x00040000
#define CR4_SMEP 0x00100000
#define CR4_SMAP 0x00200000
#define CR4_PKE 0x00400000

#define MSR_APIC_BASE 0x0000001b
#define MSR_PRED_CMD 0x00000049
#define MSR_FLUSH_CMD 0x0000010b
#define MSR_PAT 0x00000277
#define MSR_SYSENTER_CS 0x00000174
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE 0x001
#define EFER_LME 0x100
#define EFER_LMA 0x400
#define EFER_NXE 0x800

#define RFLAGS_FIXED 0x002 /* always one */
#define RFLAGS_TF 0x100
#define RFLAGS_IF 0x200

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

/* CPUID `leaf`, `subleaf`. What a CPU answers beyond its highest leaf is no good: use cpuid_checked(). */
static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result result;
    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

/* As cpuid(), but all zeros where the CPU does not have the leaf (Intel SDM volume 2, CPUID: highest basic, extended
 * and hypervisor leaf are EAX of leafs 0, 0x80000000 and 0x40000000). */
static inline struct cpuid_result cpuid_checked(uint32_t leaf, uint32_t subleaf)
{
    uint32_t first = leaf & 0xf0000000;
    uint32_t highest = cpuid(first, 0).eax;

    if (leaf > highest || (highest & 0xf0000000) != first)
        return (struct cpuid_result){0, 0, 0, 0};
    return cpuid(leaf, subleaf);
}

/* A model-specific register, which must exist: Intel SDM volume 4. */
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

#define CPU_CONTROL_REGISTER(name)                                          \
    static inline uint64_t read_##name(void)                                \
    {                                                                       \
        uint64_t value;                                                     \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value) : : "memory"); \
        return value;                                                       \
    }                                                                       \
    static inline void write_##name(uint64_t value)                         \
    {                                                                       \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");     \
    }
CPU_CONTROL_REGISTER(cr0)
CPU_CONTROL_REGISTER(cr2)
CPU_CONTROL_REGISTER(cr3)
CPU_CONTROL_REGISTER(cr4)
#undef CPU_CONTROL_REGISTER

#define CPU_PORT(name, type, suffix)                                                    \
    static inline type in_##name(uint16_t port)                                         \
    {                                                                                   \
        type value;                                                                     \
        __asm__ volatile("in" suffix " %1, %0" : "=a"(value) : "Nd"(port) : "memory");  \
        return value;                                                                   \
    }                                                                                   \
    static inline void out_##name(uint16_t port, type value)                            \
    {                                                                                   \
        __asm__ volatile("out" suffix " %0, %1" : : "a"(value), "Nd"(port) : "memory"); \
    }
CPU_PORT(byte, uint8_t, "b")
CPU_PORT(word, uint16_t, "w")
CPU_PORT(long, uint32_t, "l")
#undef CPU_PORT

/* Writes `count` bytes to the port, one after the other (Intel SDM volume 2, OUTS). */
static inline void out_bytes(uint16_t port, const void *bytes, uint64_t count)
{
    __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(port) : "memory");
}

/* The time-stamp counter, not ordered against other instructions. */
static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Forgets the translation of the page of `address`, global ones too, on this CPU. */
static inline void invlpg(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Drops cached translations of a PCID, of one address or of all, as `type` says (Intel SDM volume 2, INVPCID). */
static inline void invalidate_pcid(uint64_t type, uint64_t pcid, uint64_t address)
{
    struct {
        uint64_t pcid, address;
    } descriptor = {pcid, address};
    __asm__ volatile("invpcid %0, %1" : : "m"(descriptor), "r"(type) : "memory");
}

/* One instruction with interrupts on, behind `sti`, which takes effect only then. */
static inline void cpu_no_operation(void)
{
    __asm__ volatile("nop" : : : "memory");
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline void interrupts_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void interrupts_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline bool interrupts_enabled(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags) : : "memory");
    return (flags & RFLAGS_IF) != 0;
}

static inline void cpu_halt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

/* Waits for one interrupt, with interrupts on; `sti` takes effect after `hlt` has begun, so none is missed. */
static inline void cpu_wait_for_interrupt(void)
{
    __asm__ volatile("sti\n\thlt" : : : "memory");
}

/* Stops this CPU for good. */
static inline _Noreturn void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli\n\thlt" : : : "memory");
}

/* Operand of lgdt and lidt. */
struct descriptor_table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static inline void load_gdt(uint64_t base, uint16_t limit)
{
    struct descriptor_table_register gdtr = {limit, base};
    __asm__ volatile("lgdt %0" : : "m"(gdtr) : "memory");
}

static inline void load_idt(uint64_t base, uint16_t limit)
{
    struct descriptor_table_register idtr = {limit, base};
    __asm__ volatile("lidt %0" : : "m"(idtr) : "memory");
}

static inline void load_task_register(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline uint64_t read_fs_base(void)
{
    uint64_t base;
    __asm__ volatile("rdfsbase %0" : "=r"(base) : : "memory");
    return base;
}

/* `base` must be canonical, else this faults. The same holds for write_gs_base(). */
static inline void write_fs_base(uint64_t base)
{
    __asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

static inline uint64_t read_gs_base(void)
{
    uint64_t base;
    __asm__ volatile("rdgsbase %0" : "=r"(base) : : "memory");
    return base;
}

static inline void write_gs_base(uint64_t base)
{
    __asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
}
#endif

#endif
