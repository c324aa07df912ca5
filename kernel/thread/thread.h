/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads. What the fast path writes (instruction and stack pointer, who waits for whom) is in the thread's hot line
 * and nowhere else; here is the rest.
 *
 * A thread is in exactly one place: on one endpoint's queue (SENDING, RECEIVING), waiting for signals alone (WAITING;
 * or, where it has a deadline too or is stopped, RECEIVING without an endpoint), kept by a reply object (KEPT), waiting
 * while another thread copies its message (TRANSFER; ipc/transfer.h), not to run (NEW, FAULTED, DEAD), or ACTIVE: then
 * it can run, or waits as its hot line says (`waits` or `partner` is set). `stopped` comes on top: the thread then does
 * not run, while what it waits for goes on. Who runs when is said by scheduling contexts (schedule.h).
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
#include "cap/capability.h"
#include "cap/object.h"
#include "debug/trap_frame.h"
#include "ipc/kernel_call.h"
#include "ipc/transfer.h"
#include "mem/frame.h"
#include "thread/schedule.h"
#include "trampoline/layout.h"

struct endpoint;
struct mapping;
struct memory;
struct notification;
struct reply;
struct task;

enum thread_state {
    THREAD_NEW,
    THREAD_ACTIVE,
    THREAD_SENDING,
    THREAD_RECEIVING,
    THREAD_WAITING,
    THREAD_KEPT,
    THREAD_TRANSFER,
    THREAD_FAULTED,
    THREAD_DEAD,
};

enum thread_sends {
    SENDS_OWN,     /* its own message */
    SENDS_FAULT,   /* the call about its fault, or waits for the answer */
    SENDS_PAGE,    /* the same about a page that a transfer needs: goes on with its system call then */
    SENDS_ONE_WAY, /* `message`, for the supervisor, and stays stopped afterwards */
};

/* What a thread that is chosen to run has to do before it goes on. */
enum thread_restarts {
    RESTARTS_NOTHING,
    RESTARTS_OPERATION, /* carries out the request in `message` (again) */
    RESTARTS_TRANSFER,  /* goes on with the transfer that it drives */
};

struct thread {
    struct object object;
    struct kernel_call call; /* rax, rdi and the six words of the system call it is in */
    struct trap_frame frame; /* if interrupted: all its registers */
    union {
        uint8_t vector_state[512] __attribute__((aligned(16))); /* if interrupted: fxsave image */
        struct transfer transfer;                               /* while it is in one: never interrupted */
    };
    struct hot_thread *hot;
    uint32_t interrupted; /* resume by frame and iretq, not by hot line and sysret */
    enum thread_state state;
    enum thread_sends sends;
    uint32_t number;    /* within its task: UTCB and save slot */
    bool stopped;       /* by Thread.stop */
    bool stepping;      /* stops after one instruction */
    bool paged;         /* its fault handler is a pager */
    bool takes_signals; /* while it waits: the wait is open to its notification */
    uint8_t restarting; /* enum thread_restarts */
    uint64_t badge;     /* SENDING: badge of the capability used */
    uint64_t fault_address;
    uint64_t utcb_frame;
    struct save_slot *save; /* its slot of the save area, in the kernel's map */
    struct task *task;
    struct endpoint *endpoint;         /* SENDING, RECEIVING: whose queue */
    struct queue_node node;            /* in that queue */
    struct notification *notification; /* bound to it */
    struct reply *reply;               /* KEPT */
    struct thread *transfer_partner;   /* the other thread of the transfer that it is in */
    uint64_t wait_handle;              /* on which it received from an endpoint last */
    uint64_t strings_looked;           /* bytes of its message that were there when it was sent last; see string.h */
    struct memory *makes;              /* half made by the operation that it carries out; see memory.h */
    struct mapping *made;              /* mapped by its operation so far; see mapping.h */
    uint32_t found;                    /* by its revocation so far: PTE_USE */
    bool visited;                      /* its revocation has visited all that was derived */
    bool maps;                         /* the four around here, or one of them, are not zero */
    uint64_t progress;                 /* of the operation that it carries out, as that counts it; 0: it begins */
    enum error failure;                /* why the operation that it carries out fails, once all is taken back */
    struct timeout deadline;           /* of what it waits for */
    struct context context;            /* its own */
    struct context *ran_on;            /* last, as far as it was preempted or chosen */
    struct priority_queue parked;      /* contexts that lead here */
    struct capability fault_handler;
    struct thread *task_next, *task_previous; /* threads of the task */
    struct kernel_call message;               /* the kernel's, or the one to be restarted */
};

_Static_assert(__builtin_offsetof(struct thread, call) == THREAD_CALL, "entry.S stores the words there");
_Static_assert(__builtin_offsetof(struct thread, frame) == THREAD_FRAME, "entry.S stores the registers there");
_Static_assert(__builtin_offsetof(struct thread, vector_state) == THREAD_VECTOR_STATE, "entry.S stores xmm there");
_Static_assert(__builtin_offsetof(struct thread, hot) == THREAD_HOT, "entry.S finds the line there");
_Static_assert(__builtin_offsetof(struct thread, interrupted) == THREAD_INTERRUPTED, "entry.S writes it");
_Static_assert(THREAD_VECTOR_STATE % 16 == 0, "fxsave needs alignment");

/* The thread's UTCB in the kernel's map. */
static inline struct utcb *thread_utcb(const struct thread *thread)
{
    return physical_to_virtual(thread->utcb_frame);
}

/* The client of the transfer that `thread` drives, or 0. */
static inline struct thread *transfer_client(const struct thread *thread)
{
    return thread->restarting == RESTARTS_TRANSFER ? thread->transfer_partner : 0;
}

/* A new thread of `task`, charged to `payer`; 0 and `*error` if that fails. */
struct thread *thread_create(struct factory *payer, struct task *task, enum error *error);

/* Starts a new thread: see Thread.start. */
void thread_start(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t second);

/* Takes back that `thread` carries out an operation again, and gives up what that had half done. */
void thread_forget_operation(struct thread *thread);

/* Ends a thread for good: whoever waits for it is told (DEAD), it is on no queue afterwards. Idempotent. */
void thread_end(struct thread *thread);

/* The thread's last capability is gone, or its task is: stops it and frees all that it has. Is it gone? It is by the
 * first piece, unless many contexts were put aside with it. */
bool thread_destroy_piece(struct thread *thread);

/* Frees a thread that destroyed itself, now that another is chosen. */
void thread_bury(void);

/* Does nothing keep `thread` from running? */
static inline bool thread_can_run(const struct thread *thread)
{
    return thread->state == THREAD_ACTIVE && !thread->stopped && !thread->hot->waits && !thread->hot->partner;
}

/* Is it the thread that entered the kernel? */
bool thread_is_current(const struct thread *thread);

/* Threads that exist. */
uint32_t thread_count(void);
#endif

#endif
