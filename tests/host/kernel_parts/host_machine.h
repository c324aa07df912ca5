/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for parts of the kernel that run in a host test: physical memory, the shared part, panics that are caught.
 *
 * Physical memory is a file in memory, mapped where the kernel believes its map of it; pages of the shared part are the
 * same file mapped again, so that both views are one as in the machine.
 */
#ifndef SALTO_TESTS_HOST_MACHINE_H
#define SALTO_TESTS_HOST_MACHINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"
#include "abi/errors.h"

#define HOST_MEMORY_START 0x100000UL
#define HOST_MEMORY_END 0x4000000UL /* 64 MiB */

struct factory;
struct memory;
struct task;

/* Makes physical memory. Once, before anything else. */
void host_machine_start(void);

/* Runs `body`; did the kernel panic in it? A panic outside of it ends the test with "Bail out!". */
bool host_panics(void (*body)(void));

/* Text of the last panic that host_panics() caught. */
const char *host_panic_text(void);

/* ---- Only with host_memory.c, which takes the place of the kernel's frame and slab allocators -------------------- */

/* The allocation after the next `successes` fails, then all go well again; negative: none fails. */
void host_memory_fail_after(long successes);

/* Did an allocation fail since host_memory_fail_after()? */
bool host_memory_failed(void);

/* Frames and slab pieces that are handed out. */
uint64_t host_frames_used(void);
uint64_t host_pieces_used(void);

/* Brings up what every test of kernel objects needs: the line of nobody, stand-in pages, the line of the first CPU. */
void host_kernel_start(void);

/* Not 0: at each preemption point of this number, the operation should stop. */
extern unsigned host_preempt_every;

/* Memory.unmap, all pieces of it. */
enum error host_unmap(struct memory *memory, struct task *task, uint64_t address, uint32_t pages);

/* Deletes a capability of some task, as whoever kills by hand does: tasks that hold each other live on otherwise. Was
 * there one? */
bool host_delete_something(void);

/* The first factory, with all hot lines. */
struct factory *host_first_factory(uint64_t limit);

#endif
