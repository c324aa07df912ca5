/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What trampoline and kernel agree on: the hot state of threads and endpoints, the per-CPU area with its entry stacks
 * and gates, and the trampoline's entry points. Read by C and assembly; every offset is asserted below.
 *
 * Hot state is the only copy of what the fast path writes. A thread's line and an endpoint's line are type-stable: once
 * mapped, such a page never becomes anything else, so that a stale pointer to a line is harmless (the checks fail).
 */
#ifndef SALTO_TRAMPOLINE_LAYOUT_H
#define SALTO_TRAMPOLINE_LAYOUT_H

#include "abi/addresses.h"
#include "abi/capability.h"

/* ---- A thread's hot line: HOT_THREADS + number * HOT_THREAD_SIZE. The kernel's GS base is the current thread's. -- */
#define HOT_RIP 0      /* where `syscall` returns to */
#define HOT_RSP 8      /* user stack pointer */
#define HOT_FLAGS 16   /* user flags */
#define HOT_FS_BASE 24 /* saved at each crossing */
#define HOT_USER_GS 32 /* user GS base: the UTCB; fixed when the thread is created */
#define HOT_CR3 40     /* address space */
#define HOT_SAVE 48    /* this thread's slot of its task's register save area (private part) */
#define HOT_PARTNER \
    56                /* who may answer this caller: the line of the thread that received its call; else 0. In this word
                        * and the next, bit 0 is set where only the kernel may end the wait */
#define HOT_WAITS 64  /* offset of the endpoint on which this thread waits for a plain message; else 0 */
#define HOT_CALLER 72 /* line of the last caller received; it may be answered while its partner is this thread */
#define HOT_RECEIVE_HANDLE 80   /* handle with which a fast reply-and-wait may wait on HOT_RECEIVE_ENDPOINT; else -1 */
#define HOT_RECEIVE_ENDPOINT 88 /* offset of that endpoint, whose waiter word names this thread */
#define HOT_THREAD 96           /* the kernel's struct thread (kernel address) */
#define HOT_GATE 104            /* gate of the CPU that this thread belongs to; equal gates, same CPU */
#define HOT_UTCB_WORDS 112      /* the UTCB's words[6] in the kernel's map of physical memory */
#define HOT_REFLECT 120         /* where Linux calls go; 0: nowhere */

/* ---- An endpoint's hot line: HOT_ENDPOINTS + offset. Offset 0 is an endpoint on which nobody ever waits. --------- */
#define ENDPOINT_WAITER 0 /* line of the thread whose HOT_WAITS may name this endpoint; never 0: NOBODY_LINE if none */

/* Line 0 is nobody: waits on nothing (HOT_WAITS is all ones), is nobody's caller. */
#define NOBODY_LINE HOT_THREADS

/* ---- Per-CPU area: CPU_AREA + cpu * CPU_AREA_SIZE ---------------------------------------------------------------- */
#define CPU_IDT 0x0000
#define CPU_GDT 0x1000
#define CPU_ENTRY_STACK 0x2000 /* TSS.RSP0 */
#define CPU_DEBUG_STACK 0x3000 /* IST 1: #DB */
#define CPU_NMI_STACK 0x4000   /* IST 2: NMI */
#define CPU_FAULT_STACK 0x5000 /* IST 3: double fault */
#define CPU_CHECK_STACK 0x6000 /* IST 4: machine check */
#define IST_DEBUG 1
#define IST_NMI 2
#define IST_DOUBLE_FAULT 3
#define IST_MACHINE_CHECK 4
/* Each stack is a page whose last GATE_SIZE bytes are a gate; the stack proper begins below it. */
#define GATE_SIZE 64
#define GATE_OFFSET (PAGE_SIZE - GATE_SIZE)
#define GATE_KERNEL_CR3 0
#define GATE_KERNEL_STACK 8 /* top of the kernel stack to switch to: the IST stacks have one each */
#define GATE_SYSTEM_CALL 16 /* kernel's entry points */
#define GATE_INTERRUPT 24
#define GATE_RING0 32 /* kernel's entry point for whatever interrupts ring 0 */
#define GATE_CPU 40   /* the kernel's struct cpu (kernel address) */

/* ---- Segments. No 32-bit user segment. --------------------------------------------------------------------------- */
#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b /* STAR[63:48] is 0x13: sysret takes SS = +8, CS = +16 */
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS 0x28

/* Flags cleared by `syscall` (SFMASK): TF, IF, DF, IOPL, NT, RF, AC. */
#define SYSCALL_FLAGS_MASK 0x57700
#define VECTOR_STUB_SIZE 16 /* vector n enters at trampoline_vectors + n * VECTOR_STUB_SIZE */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct cpu;
struct thread;

struct gate {
    uint64_t kernel_cr3;
    uint64_t kernel_stack;
    uint64_t system_call;
    uint64_t interrupt;
    uint64_t ring0;
    struct cpu *cpu;
    uint64_t reserved[2];
};

struct hot_thread {
    uint64_t rip, rsp, flags, fs_base;
    uint64_t user_gs, cr3, save;
    struct hot_thread *partner;
    uint64_t waits;
    struct hot_thread *caller;
    uint64_t receive_handle, receive_endpoint;
    struct thread *thread;
    struct gate *gate;
    uint64_t *utcb_words;
    uint64_t reflect;
};

struct hot_endpoint {
    struct hot_thread *waiter;
    uint64_t reserved[7]; /* stack pool of the migrating call to come */
};

/* A slot of a task's register save area. */
struct save_slot {
    uint64_t rbp, r12, r13, r14, r15;
    uint64_t reserved[3]; /* entry point and stack of the activation upcall to come */
};

struct hot_slot {
    uint64_t endpoint; /* SLOT_ENDPOINT */
    uint64_t badge;    /* SLOT_BADGE */
};

#define LAYOUT_ASSERT(type, field, offset) \
    _Static_assert(offsetof(struct type, field) == (offset), #type "." #field " is where assembly looks for it")
LAYOUT_ASSERT(hot_thread, rip, HOT_RIP);
LAYOUT_ASSERT(hot_thread, rsp, HOT_RSP);
LAYOUT_ASSERT(hot_thread, flags, HOT_FLAGS);
LAYOUT_ASSERT(hot_thread, fs_base, HOT_FS_BASE);
LAYOUT_ASSERT(hot_thread, user_gs, HOT_USER_GS);
LAYOUT_ASSERT(hot_thread, cr3, HOT_CR3);
LAYOUT_ASSERT(hot_thread, save, HOT_SAVE);
LAYOUT_ASSERT(hot_thread, partner, HOT_PARTNER);
LAYOUT_ASSERT(hot_thread, waits, HOT_WAITS);
LAYOUT_ASSERT(hot_thread, caller, HOT_CALLER);
LAYOUT_ASSERT(hot_thread, receive_handle, HOT_RECEIVE_HANDLE);
LAYOUT_ASSERT(hot_thread, receive_endpoint, HOT_RECEIVE_ENDPOINT);
LAYOUT_ASSERT(hot_thread, thread, HOT_THREAD);
LAYOUT_ASSERT(hot_thread, gate, HOT_GATE);
LAYOUT_ASSERT(hot_thread, utcb_words, HOT_UTCB_WORDS);
LAYOUT_ASSERT(hot_thread, reflect, HOT_REFLECT);
LAYOUT_ASSERT(hot_endpoint, waiter, ENDPOINT_WAITER);
LAYOUT_ASSERT(hot_slot, endpoint, SLOT_ENDPOINT);
LAYOUT_ASSERT(hot_slot, badge, SLOT_BADGE);
LAYOUT_ASSERT(gate, kernel_cr3, GATE_KERNEL_CR3);
LAYOUT_ASSERT(gate, kernel_stack, GATE_KERNEL_STACK);
LAYOUT_ASSERT(gate, system_call, GATE_SYSTEM_CALL);
LAYOUT_ASSERT(gate, interrupt, GATE_INTERRUPT);
LAYOUT_ASSERT(gate, ring0, GATE_RING0);
LAYOUT_ASSERT(gate, cpu, GATE_CPU);
_Static_assert(sizeof(struct hot_thread) == HOT_THREAD_SIZE, "a thread's line is two cache lines");
_Static_assert(sizeof(struct hot_endpoint) == HOT_ENDPOINT_SIZE, "an endpoint's line is one cache line");
_Static_assert(sizeof(struct hot_slot) == CAPABILITY_SLOT_SIZE, "the trampoline scales handles by 16");
_Static_assert(sizeof(struct save_slot) == SAVE_SLOT_SIZE, "a save slot is one cache line");
_Static_assert(sizeof(struct gate) == GATE_SIZE, "the gate fills the top of a stack page");
#endif

#endif
