/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads. What the fast path writes (instruction and stack pointer, who waits for whom) is in the thread's hot line and
 * nowhere else; here is the rest.
 *
 * A thread is in exactly one place: on the ready queue (READY), on one endpoint's queue (SENDING, RECEIVING), stopped
 * (NEW, FAULTED, DEAD), or ACTIVE: then it runs, or waits as its hot line says (HOT_WAITS or HOT_PARTNER is set).
 */
#ifndef SALTO_THREAD_THREAD_H
#define SALTO_THREAD_THREAD_H

/* Offsets that entry.S uses; asserted below. */
#define THREAD_CALL 48
#define THREAD_FRAME 112
#define THREAD_VECTOR_STATE 288
#define THREAD_HOT 800
#define THREAD_INTERRUPTED 808

#ifndef __ASSEMBLER__
#include <stdbool.h>

#include "abi/errors.h"
#include "abi/message.h"
#include "cap/object.h"
#include "debug/trap_frame.h"
#include "ipc/kernel_call.h"
#include "trampoline/layout.h"

struct endpoint;
struct task;

enum thread_state {
    THREAD_NEW,
    THREAD_ACTIVE,
    THREAD_READY,
    THREAD_SENDING,
    THREAD_RECEIVING,
    THREAD_FAULTED,
    THREAD_DEAD,
};

struct thread {
    struct object object;
    struct kernel_call call;                                /* rax, rdi and the six words of the system call it is in */
    struct trap_frame frame;                                /* if interrupted: all its registers */
    uint8_t vector_state[512] __attribute__((aligned(16))); /* if interrupted: fxsave image */
    struct hot_thread *hot;
    uint32_t interrupted; /* resume by frame and iretq, not by hot line and sysret */
    enum thread_state state;
    uint32_t number;     /* within its task: UTCB and save slot */
    bool kernel_message; /* SENDING: what is sent is `message`, which the kernel wrote */
    uint64_t badge;      /* SENDING: badge of the capability used */
    uint64_t utcb_frame;
    struct save_slot *save; /* its slot of the save area, in the kernel's map */
    struct task *task;
    struct endpoint *endpoint;                /* SENDING, RECEIVING: whose queue */
    struct thread *next, *previous;           /* ready queue or endpoint queue */
    struct thread *task_next, *task_previous; /* threads of the task */
    struct kernel_call message; /* kernel_message: apart from `call`, into which an operation's answer is written yet */
};

_Static_assert(__builtin_offsetof(struct thread, call) == THREAD_CALL, "entry.S stores the words there");
_Static_assert(__builtin_offsetof(struct thread, frame) == THREAD_FRAME, "entry.S stores the registers there");
_Static_assert(__builtin_offsetof(struct thread, vector_state) == THREAD_VECTOR_STATE, "entry.S stores xmm there");
_Static_assert(__builtin_offsetof(struct thread, hot) == THREAD_HOT, "entry.S finds the line there");
_Static_assert(__builtin_offsetof(struct thread, interrupted) == THREAD_INTERRUPTED, "entry.S writes it");
_Static_assert(THREAD_VECTOR_STATE % 16 == 0, "fxsave needs alignment");

/* The thread's UTCB in the kernel's map. */
struct utcb *thread_utcb(struct thread *thread);

/* A new thread of `task`, charged to `payer`; 0 and `*error` if that fails. */
struct thread *thread_create(struct factory *payer, struct task *task, enum error *error);

/* Starts a new thread: see Thread.start. */
void thread_start(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t second);

/* Stops a thread for good: whoever waits for it is told (DEAD), it is on no queue afterwards. Idempotent. */
void thread_stop(struct thread *thread);

/* The thread's last capability is gone, or its task is: stops it and frees all that it has. */
void thread_destroy(struct thread *thread);

/* Frees a thread that destroyed itself, now that another is chosen. */
void thread_bury(void);

/* Ends the wait of `thread` in a system call with `error`, and makes it ready. */
void thread_fail(struct thread *thread, enum error error);

/* Threads that exist. */
uint32_t thread_count(void);
#endif

#endif
