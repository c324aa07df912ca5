/* SPDX-License-Identifier: BSD-2-Clause */
/* The first task. */
#ifndef SALTO_BOOT_ROOT_H
#define SALTO_BOOT_ROOT_H

struct thread;

/* Loads `root` and the Linux-call handler `linux` from the boot archive into a new task, gives it the capabilities of
 * abi/startup.h, and makes it ready. Whatever is wrong with the archive is said on the console, and the machine is
 * turned off with status 1. */
void root_start(void);

#endif
