/* SPDX-License-Identifier: BSD-2-Clause */
/* An IPC with every register marked that ipc_transfer() leaves alone, and a look at them afterwards. Read by
 * assembly. */
#ifndef MARKED_H
#define MARKED_H

#define MARK_RBP 0x7b0b0b0b0b0b0b0b
#define MARK_R12 0x7c12121212121212
#define MARK_R13 0x7d13131313131313
#define MARK_R14 0x7e14141414141414
#define MARK_R15 0x7f15151515151515
#define MARK_FS_BASE 0x0000555512345000

#define FXSAVE_SIZE 512

#ifndef __ASSEMBLER__
#include <salto/server.h>

/*
 * ipc_transfer() with marks in rbp, r12 to r15 and the FS base. `message` must not be writable: the thread stops on a
 * page fault right behind the IPC, with all registers but rcx as the kernel left them, for Thread.registers to show.
 */
void marked_transfer(uint64_t tag, uint64_t handle, const struct ipc_message *message);

/* ipc_transfer() with marks in all vector and x87 registers and controls. `state`, 16-byte aligned, is what `fxsave64`
 * finds right behind the IPC. Comes back with the defaults. */
uint64_t vector_transfer(uint64_t tag, uint64_t handle, struct ipc_message *message, void *state);
#endif

#endif
