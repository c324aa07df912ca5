/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux-call handler: an image of its own that the loader maps into every task, and to which the trampoline bounces
 * each `syscall` that carries a Linux number. It turns the call into operations of what the program was granted.
 *
 * Invariants. The handler runs on the program's stack, below the red zone, in the program's own task, so it can do
 * nothing that the program could not do itself, and a bad pointer faults here as it would there. It uses neither FS nor
 * vector registers; around each IPC it keeps the program's vector registers and UTCB words (ipc.c). Its variables are
 * the task's own, and its threads' in common: threads.h says which lock guards what.
 */
#ifndef SALTO_LINUX_LINUX_H
#define SALTO_LINUX_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "abi/startup.h"

/* Data that most programs do not use, or use the beginning of: behind all else, so that it costs them no page. */
#define LINUX_LARGE __attribute__((section(".bss.large")))

/* Of that, what begins with something that all programs use: it comes first, right behind all else. */
#define LINUX_LARGE_FIRST __attribute__((section(".bss.first")))

#pragma GCC visibility push(hidden) /* one image: names need no global offset table */

/* What entry.S pushes: the call as the program made it. Arguments stand in the order of the registers. */
struct linux_frame {
    uint64_t r9, r8, r10, rdx, rsi, rdi;
    uint64_t number; /* rax */
    uint64_t rip;    /* rcx: behind the program's `syscall` */
    uint64_t flags;  /* r11 */
};

/* A handler of one call: answers its result, or a negated errno. */
typedef int64_t linux_function(const struct linux_frame *frame);

/* What the program was granted, found in the start-up table when it starts; handle 0 where it was not. */
struct linux_grants {
    uint32_t task, thread, factory, console;
    uint32_t memory; /* at the memory server, which pages this task; 0 if it has memory of its factory alone */
    uint32_t pager;  /* the fault handler of its threads; 0 if they have none */
    uint32_t pager_interface;
    uint32_t process; /* at the process server, which started it; 0 if that was another */
};

extern struct linux_grants linux_grants;
extern const char *linux_program_name; /* argv[0] */

/* ---- start.c, dispatch.c: called by entry.S ---------------------------------------------------------------------- */
/* Prepares the program, and answers its first stack pointer: `stack` as the loader prepared it, or, if that is 0 (only
 * the kernel starts root so), an initial stack made in the `LINUX_ROOT_STACK_SIZE` bytes at `room`. */
uint64_t linux_prepare(uint64_t stack, uint64_t *room);

/* Looks up what the program was granted. */
void linux_find_grants(void);

/* Carries out the call in `frame`; what it answers goes to the program in rax. */
int64_t linux_call(const struct linux_frame *frame);

/* Answers the start-up table, which is mapped before the first instruction. */
static inline const struct startup_table *linux_startup_table(void)
{
    return (const struct startup_table *)STARTUP_TABLE;
}

/* Could `length` bytes at `address` be the program's own? An obviously bad pointer is EFAULT; one that is merely not
 * mapped faults, as if the program had used it itself. */
bool linux_pointer_is_plausible(uint64_t address, uint64_t length);

/* ---- ipc.c: operations of the grants. They answer 0 or an error as stubs do, and keep vector registers and UTCB. - */
int ipc_console_write(const uint8_t *text, uint32_t length); /* at most IPC_CONSOLE_LONG bytes */
int ipc_console_read(uint8_t text[40], uint32_t *length);
int ipc_create_memory(uint32_t pages, uint32_t *memory);
int ipc_map(uint32_t memory, uint64_t address, uint32_t offset, uint32_t pages, uint32_t rights);
int ipc_unmap(uint32_t memory, uint64_t address, uint32_t pages);
int ipc_delete(uint32_t handle);
/* Those of the memory server; sizes in pages. A positive answer is one of its errors. */
int ipc_space_allocate(uint64_t address, uint64_t pages, uint32_t rights, uint32_t how, uint64_t *start);
int ipc_space_detach(uint64_t address, uint64_t pages);
int ipc_space_protect(uint64_t address, uint64_t pages, uint32_t rights);
int ipc_space_discard(uint64_t address, uint64_t pages);
int ipc_space_resize(uint64_t address, uint64_t pages, bool move, uint64_t *start);
int ipc_space_region(uint64_t address, uint64_t *start, uint64_t *pages);
void ipc_yield(void);
_Noreturn void ipc_exit(uint32_t status);

#define IPC_CONSOLE_SHORT 40
#define IPC_CONSOLE_LONG 480

/* ---- Calls, by subject ----------------------------------------------------------------------------------------- */
linux_function linux_read, linux_readv, linux_write, linux_writev, linux_ioctl, linux_lseek, linux_close;
linux_function linux_mmap, linux_mprotect, linux_munmap, linux_brk, linux_madvise, linux_mremap;

/* Rights for a PROT_ value; false if it cannot be had (memory is never writable and executable). */
bool linux_protection_rights(uint64_t protection, uint32_t *rights);
linux_function linux_clock_gettime, linux_clock_getres, linux_gettimeofday, linux_time, linux_nanosleep;
linux_function linux_clock_nanosleep;
linux_function linux_arch_prctl, linux_set_tid_address, linux_exit, linux_getpid, linux_exit_group, linux_sched_yield;
linux_function linux_rt_sigaction, linux_rt_sigprocmask, linux_kill, linux_tkill, linux_tgkill, linux_uname,
    linux_prlimit;
linux_function linux_getrandom, linux_futex, linux_gettid, linux_zero, linux_set_robust_list, linux_getppid;
linux_function linux_wait4, linux_waitid, linux_execve;

/* Fills `length` bytes with numbers from RDRAND where the processor has it, else with a mix of the time-stamp counter,
 * which is no secret. */
void linux_random_bytes(uint8_t *bytes, size_t length);

/* Nanoseconds since boot, as deadlines of IPCs count them; and the same for a time of Linux' clocks. */
uint64_t linux_nanoseconds(void);
uint64_t linux_boot_time(uint64_t time);

/* Reads the time-stamp counter. */
static inline uint64_t linux_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#pragma GCC visibility pop

#endif
