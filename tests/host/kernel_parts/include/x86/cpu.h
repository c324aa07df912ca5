/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of the kernel's x86/cpu.h in host tests: the few privileged instructions that the parts under test use. The
 * GS base, which the host's programs do not use, is the line of the thread that "runs"; flushes of the TLB are counted.
 */
#ifndef SALTO_X86_CPU_H
#define SALTO_X86_CPU_H

#include <asm/prctl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RFLAGS_TF 0x100

/* The timer interrupts, if it is armed; else nothing is left to do, and host_kernel.c panics. */
void cpu_wait_for_interrupt(void);
void interrupts_enable(void);
void interrupts_disable(void);
void cpu_no_operation(void);

/* A clock of the host's own: each look at it is a tick later. */
uint64_t rdtsc(void);

/* Ports: tests of what drives a device have a model of it. */
uint8_t in_byte(uint16_t port);
void out_byte(uint16_t port, uint8_t value);
void out_bytes(uint16_t port, const void *bytes, uint64_t count);

extern uint64_t host_gs_base, host_flushes;

/* A model of a processor that is told of each INVPCID, or 0. */
extern void (*host_invalidate)(uint64_t type, uint64_t pcid, uint64_t address);

static inline uint64_t read_gs_base(void)
{
    return host_gs_base;
}

static inline void write_gs_base(uint64_t base)
{
    syscall(SYS_arch_prctl, ARCH_SET_GS, base);
    host_gs_base = base;
}

static inline void invalidate_pcid(uint64_t type, uint64_t pcid, uint64_t address)
{
    host_flushes++;
    if (host_invalidate)
        host_invalidate(type, pcid, address);
}

#endif
