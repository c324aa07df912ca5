/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of a Linux program, its futexes, and the handler's own locks. Internal to the Linux-call handler.
 *
 * Each Linux thread is a thread of the task, found by its number, which the place of its UTCB tells. Invariants: the
 * record of a thread is written by that thread alone, but for `waits_for`, `bits`, `next` and `woken`, which the futex
 * table's lock guards, and before the thread starts. Lock order: the lock of clone, that of memory, that of the
 * console, the futex table's; nobody waits for an IPC of another program while he has the last.
 */
#ifndef SALTO_LINUX_THREADS_H
#define SALTO_LINUX_THREADS_H

#include "keep.h"
#include "linux.h"

#pragma GCC visibility push(hidden) /* one image: names need no global offset table */

#define THREADS_MAX 128 /* threads of a task beyond these cannot wait for a futex, and clone makes no such */
#define LEADER 0        /* number of the first thread, which others have capabilities to */

/* Where a thread's number stands in what Linux calls it; the process's number stands below. */
#define LINUX_THREAD_SHIFT 16

struct linux_thread {
    uint32_t thread;             /* handle; 0: not made by clone */
    uint32_t notification;       /* bound to it, once it has waited; 0 before */
    uint64_t mask;               /* of signals; kept for the program to read back */
    uint64_t clear;              /* where a zero goes and who is waiting wakes when the thread ends; 0: nowhere */
    uint64_t unmap, unmap_bytes; /* of its stack, which it gave back while it still ran on it */
    uint64_t waits_for;          /* a futex's address, while it stands in the list of those who wait */
    struct linux_thread *next;   /* who waits behind it, for whatever futex */
    uint32_t bits;               /* by which it can be woken */
    uint32_t woken;
};

/* The one behind the last is shared by all threads with higher numbers, which wait for nothing. */
extern struct linux_thread linux_threads[THREADS_MAX + 1];

static inline uint32_t linux_number(void)
{
    uint64_t number = ((uint64_t)own_utcb() - UTCB_BASE) / PAGE_SIZE;
    return number < THREADS_MAX ? (uint32_t)number : THREADS_MAX;
}

static inline struct linux_thread *linux_self(void)
{
    return &linux_threads[linux_number()];
}

/* All registers of a program, as entry.S pushes them for clone; the lowest address first. */
struct linux_registers {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    struct linux_frame frame;
};

/* What a thread or a process that clone made finds on its stack. */
struct linux_birth {
    struct linux_vectors vectors;
    struct linux_registers *registers;
    uint64_t fs_base;
    /* Of a forked process: */
    uint64_t tell;  /* where its number goes, 0: nowhere */
    uint64_t clear; /* as in struct linux_thread */
    uint64_t mask;  /* the same */
    uint32_t parent;
};

/* ---- threads.c --------------------------------------------------------------------------------------------------- */
/* The program has one thread, which is this one. */
void linux_threads_prepare(void);

/* clone, fork and vfork: `registers` are those of who calls. Called by entry.S. */
int64_t linux_clone(struct linux_registers *registers);

/* The first thing that a thread or process made so does; answers where its registers lie. `process` is the number of a
 * forked process, 0 for a thread. Called by entry.S. */
struct linux_registers *linux_child_begins(struct linux_birth *birth, uint32_t process);

/* Notes what the child needs besides. */
void linux_birth_prepare(struct linux_birth *birth, struct linux_registers *registers);

/* Puts all that the child needs on the stack that ends at `top`. */
struct linux_birth *linux_birth_place(uint64_t top, const struct linux_registers *registers);

/* Taken by whoever makes a thread or a process. */
extern uint32_t linux_clone_lock;

/* Number of a thread as Linux has it. */
uint32_t linux_thread_number(uint32_t number);

/* entry.S. */
void linux_child(void);
_Noreturn void linux_switch_stack(void *stack, void (*function)(void));
_Noreturn void linux_last_call(uint64_t tag, uint64_t handle, uint64_t word, uint32_t *lock, uint32_t *thread);
_Noreturn void linux_start_anew(uint64_t stack, uint64_t entry);

/* Goes on at `function` as the only thread of the program, on the handler's stack. The caller has the lock of clone. */
_Noreturn void linux_go_on_alone(void (*function)(void));

/* ---- processes.c ------------------------------------------------------------------------------------------------- */
/* fork, vfork, and clone of processes. */
int64_t linux_fork(struct linux_registers *registers);

/* The process is `number`, which `parent` made; both 0 where the start-up table and the process server are to be
 * asked. */
void linux_set_process(uint32_t number, uint32_t parent);

/* The process's number, as getpid() tells it. */
uint32_t linux_process_number(void);

/* A child that has ended; number 0: none. */
struct linux_ended {
    uint32_t number, status;
    bool signalled;
};

/* The process stays what it is, and begins with another program; nobody waits. */
void linux_process_begins_anew(void);

/* ---- process.c: sends a signal to the process itself. */
int64_t linux_signal_self(uint64_t signal);

/* ---- processes_ipc.c: operations of idl/process.idl on the process itself, as the functions of ipc.c ------------- */
int ipc_process_fork(uint64_t entry, uint64_t stack, uint32_t *number);
int ipc_process_wait(uint32_t child, struct linux_ended *ended);
int ipc_process_poll(uint32_t child, struct linux_ended *ended);
int ipc_process_end(uint32_t number, uint32_t signal);
int ipc_process_parent(uint32_t *number);
int ipc_process_replace(const uint8_t file[32]);
int ipc_process_append(const uint8_t text[256], bool environment);

/* ---- futex.c ----------------------------------------------------------------------------------------------------- */
/* Nobody waits, and no lock of the table is held. */
void futex_prepare(void);

/* Wakes at most `count` threads that wait for the word at `address`. Answers how many. */
uint32_t futex_wake(uint64_t address, uint32_t count, uint32_t bits);

/* A lock of the handler's own: 0 free, 1 taken, 2 taken and waited for. */
void linux_lock(uint32_t *lock);
void linux_unlock(uint32_t *lock);

/* Takes a lock that may not be waited for by futex: looks again now and then. Set to 0 to give it back. */
void linux_lock_spinning(uint32_t *lock);

/* ---- memory_calls.c ---------------------------------------------------------------------------------------------- */
/* There is no heap, and nobody has the lock. */
void linux_memory_prepare(void);

/* Whoever has this does, no other thread changes the program's memory by a call. */
void linux_memory_stop(void);
void linux_memory_go_on(void);

/* Nobody has the lock: in a copy of a process that held it for that. */
void linux_memory_forked(void);

/* ---- console.c --------------------------------------------------------------------------------------------------- */
/* Nobody has the lock. */
void linux_console_prepare(void);

/* Forgets what was typed and not read, which the process that was copied will read. */
void linux_console_forked(void);

/* ---- threads_ipc.c: as the functions of ipc.c -------------------------------------------------------------------- */
int ipc_create_thread(uint32_t *thread, uint32_t *number);
int ipc_start_thread(uint32_t thread, uint64_t entry, uint64_t stack);
int ipc_end_thread(uint32_t thread);
int ipc_create_notification(uint32_t thread, uint32_t *notification);
void ipc_signal_thread(uint32_t notification);

/* Waits until the thread's notification is signalled, or `deadline`, in nanoseconds since boot. */
void ipc_wait_signal(uint32_t notification, uint64_t deadline);
void ipc_sleep(uint64_t deadline);

#pragma GCC visibility pop

#endif
