/* SPDX-License-Identifier: BSD-2-Clause */
/* Barriers between tasks. See barriers.h. */
#include "x86/barriers.h"

#include "x86/cpu.h"
#include "x86/features.h"

#define PRED_CMD_IBPB 1 /* AMD's MSR 0x49 has the same bit */
#define FLUSH_CMD_L1D 1
#define RETURN_STACK_CALLS 32 /* as deep as any processor's return stack */
#define CALLS_AT_ONCE 2

/* Calls that are never returned from: behind each stands what stops speculation that returns there. */
static void overwrite_return_stack(void)
{
    uint64_t rounds = RETURN_STACK_CALLS / CALLS_AT_ONCE;
    __asm__ volatile("1:\tcall 2f\n\t"
                     "int3\n"
                     "2:\tcall 3f\n\t"
                     "int3\n"
                     "3:\tdec %0\n\t"
                     "jnz 1b\n\t"
                     "add %1, %%rsp\n\t"
                     "lfence"
                     : "+r"(rounds)
                     : "i"(RETURN_STACK_CALLS * 8)
                     : "memory", "cc");
}

/* Only the form with a memory operand clears buffers; the selector must be that of a writable segment (Intel SDM volume
 * 2, VERW). */
static void clear_buffers(void)
{
    static const uint16_t selector = SELECTOR_KERNEL_DATA;
    __asm__ volatile("verw %0" : : "m"(selector) : "memory", "cc");
}

/* MSRs: Intel SDM volume 4, 2.1; AMD APM volume 2, 3.2.9. */
void barriers_issue(struct cpu *cpu)
{
    overwrite_return_stack();
    cpu->barriers.crossings++;
    cpu->barriers.predictors += features.predictor_barrier;
    cpu->barriers.caches += features.cache_flush;
    cpu->barriers.buffers += features.buffer_clearing;
    if (features.predictor_barrier)
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    if (features.cache_flush)
        wrmsr(MSR_FLUSH_CMD, FLUSH_CMD_L1D);
    if (features.buffer_clearing)
        clear_buffers();
}
