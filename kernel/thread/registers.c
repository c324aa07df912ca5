/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of threads that do not run. See registers.h. */
#include "thread/registers.h"

#include "debug/panic.h"
#include "x86/cpu.h"

/* Carry, parity, adjust, zero, sign, trap, direction, overflow, alignment check, identification (Intel SDM volume 1,
 * 3.4.3). Interrupts are always on, and I/O privilege is never given. */
#define USER_FLAGS 0x240dd5UL
#define FIXED_FLAGS 0x202UL
#define CANONICAL_END 0x0000800000000000UL
#define FXSAVE_CONTROL 0 /* Intel SDM volume 1, 10.5.1 */
#define FXSAVE_MXCSR 24

/* Both begin with the general registers, in the same order. */
#define GENERAL_SIZE 120
_Static_assert(__builtin_offsetof(struct trap_frame, vector) == GENERAL_SIZE, "general registers come first");
_Static_assert(__builtin_offsetof(struct kernel_registers, rip) == GENERAL_SIZE, "general registers come first");
_Static_assert(__builtin_offsetof(struct trap_frame, rax) == __builtin_offsetof(struct kernel_registers, rax) &&
                   __builtin_offsetof(struct trap_frame, r12) == __builtin_offsetof(struct kernel_registers, r12),
               "in one order");

static void copy_general(void *to, const void *from)
{
    uint64_t count = GENERAL_SIZE / sizeof(uint64_t);
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

/* The frame that an interrupt of a thread which goes on from a system call would have. */
static struct trap_frame frame_of_call(const struct thread *thread)
{
    const struct hot_thread *line = thread->hot;
    const struct kernel_call *call = &thread->call;
    return (struct trap_frame){
        .r15 = thread->save->r15,
        .r14 = thread->save->r14,
        .r13 = thread->save->r13,
        .r12 = thread->save->r12,
        .rbp = thread->save->rbp,
        .rbx = call->words[5],
        .r11 = line->flags,
        .r10 = call->words[4],
        .r9 = call->words[3],
        .r8 = call->words[2],
        .rdi = call->handle,
        .rsi = call->words[0],
        .rdx = call->words[1],
        .rcx = line->rip,
        .rax = call->tag,
        .rip = line->rip,
        .cs = SELECTOR_USER_CODE,
        .rflags = line->flags,
        .rsp = line->rsp,
        .ss = SELECTOR_USER_DATA,
    };
}

void registers_clean_vectors(struct thread *thread)
{
    __builtin_memset(thread->vector_state, 0, sizeof(thread->vector_state));
    *(uint16_t *)(thread->vector_state + FXSAVE_CONTROL) = 0x037f;
    *(uint32_t *)(thread->vector_state + FXSAVE_MXCSR) = 0x1f80;
}

void registers_to_frame(struct thread *thread)
{
    if (thread->interrupted)
        return;
    thread->frame = frame_of_call(thread);
    registers_clean_vectors(thread); /* as every IPC leaves them */
    thread->interrupted = 1;
}

void registers_read(const struct thread *thread, struct kernel_registers *registers)
{
    struct trap_frame built;
    const struct trap_frame *frame = &thread->frame;
    if (!thread->interrupted) {
        built = frame_of_call(thread);
        frame = &built;
    }
    copy_general(registers, frame);
    registers->rip = frame->rip;
    registers->rsp = frame->rsp;
    registers->rflags = frame->rflags;
    registers->fs_base = thread->hot->fs_base;
}

enum error registers_check(const struct kernel_registers *registers)
{
    if (registers->rip < USER_START || registers->rip >= USER_END)
        return ERROR_BAD_ADDRESS;
    if (registers->fs_base + CANONICAL_END >= 2 * CANONICAL_END)
        return ERROR_BAD_ADDRESS;
    return ERROR_NONE;
}

void registers_write(struct thread *thread, const struct kernel_registers *registers)
{
    assert(thread->state != THREAD_SENDING && registers_check(registers) == ERROR_NONE);
    registers_to_frame(thread);
    copy_general(&thread->frame, registers);
    thread->frame.rip = registers->rip;
    thread->frame.rsp = registers->rsp;
    thread->frame.rflags = (registers->rflags & USER_FLAGS) | FIXED_FLAGS;
    thread->hot->fs_base = registers->fs_base;
}
