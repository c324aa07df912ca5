/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start-up table: what a program was granted, by name. The loader (root) writes it, and maps it read-only at
 * STARTUP_TABLE before the program's first instruction. The program holds no capability that is not in it.
 */
#ifndef SALTO_ABI_STARTUP_H
#define SALTO_ABI_STARTUP_H

#include <stdint.h>

#define STARTUP_MAGIC 0x6f746c6153UL /* "Salto" */
#define STARTUP_NAME_SIZE 24
#define STARTUP_MAX_GRANTS 120

/* By what messages to an endpoint go (docs/transports.md). */
#define STARTUP_OVER_KERNEL 0
#define STARTUP_OVER_LOCAL 1
#define STARTUP_OVER_SHARED 2
#define STARTUP_SERVED 0x80 /* an endpoint that the program serves */

/* One granted capability. Several programs can be linked into one image: each has its own lines. */
struct startup_grant {
    char name[STARTUP_NAME_SIZE]; /* as the manifest names it, with zeros behind it, one at least */
    uint32_t handle;
    uint16_t interface; /* interface id from the IDL file, 0 if unknown */
    uint8_t program;    /* whose line it is: 0 the image's own program, 1 and up those linked into it */
    uint8_t over;       /* STARTUP_OVER_*; or STARTUP_SERVED with a bit 1 << STARTUP_OVER_* for each by which programs
                         * of the set call it */
};

/* The table: one page. */
struct startup_table {
    uint64_t magic;
    uint32_t grants_count;
    uint32_t process;       /* its number at the process server, 0 if that did not start it */
    uint64_t tsc_hertz;     /* frequency of the time-stamp counter, for clocks that need no IPC */
    uint64_t tsc_start;     /* its value at the time that Clock.now calls 0 */
    uint64_t program_entry; /* first instruction of the program itself; the Linux-call handler starts it */
    uint64_t has_rings;     /* 1: what abi/rings.h tells of stands at RINGS_TABLE */
    struct startup_grant grants[STARTUP_MAX_GRANTS];
};

_Static_assert(sizeof(struct startup_table) <= 4096, "the start-up table is one page");

/*
 * What the kernel gives root, in these handles of root's table. Root's start-up table, which the kernel fills in, names
 * them "task", "factory", "console", "log", "clock", "power", "debug", "archive", "ports",
 * "interrupts" and "physical".
 */
enum root_handle {
    ROOT_TASK = 1,    /* root's own task, all rights */
    ROOT_FACTORY = 2, /* quota: all memory that the kernel does not use */
    ROOT_CONSOLE = 3, /* the serial line COM1 */
    ROOT_LOG = 4,     /* the debug port 0xe9, another Console object: TAP and benchmark output */
    ROOT_CLOCK = 5,
    ROOT_POWER = 6,
    ROOT_DEBUG = 7,
    ROOT_ARCHIVE_MEMORY = 8, /* memory object of the boot archive, rights read and execute; mapped at ROOT_ARCHIVE */
    ROOT_PORTS = 9,          /* all I/O ports */
    ROOT_INTERRUPTS = 10,    /* makes the objects of interrupt lines */
    ROOT_PHYSICAL = 11,      /* all physical addresses */
    ROOT_HANDLES
};

/* The kernel starts root, as root starts every program, at the Linux-call handler's entry point: rsi = the program's
 * first instruction, rdi = its initial Linux stack, which for root is 0: the handler makes it. */

#endif
