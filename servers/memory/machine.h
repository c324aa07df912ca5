/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the memory server asks of the kernel; a host test puts a machine of its own in its place. Numbers that are
 * answered are 0 or -ERROR_*, as stubs answer them.
 */
#ifndef SALTO_MEMORY_MACHINE_H
#define SALTO_MEMORY_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/addresses.h"

#define CHUNK_PAGES 64
#define CHUNK_SIZE (CHUNK_PAGES * (uint64_t)PAGE_SIZE)

/* Makes a chunk of zeroed pages and maps it in the server's own address space, at machine_window() + number *
 * CHUNK_SIZE. Answers its handle, or 0 if the server's own quota has not enough. */
uint32_t machine_make_chunk(uint32_t number);

/* The same for a block: 2 MiB that lie together in physical memory and are aligned to that, in the place of eight
 * chunks from `number`, a multiple of eight, on. 0 too if the machine has no such memory. */
uint32_t machine_make_block(uint32_t number);
void machine_free_block(uint32_t number, uint32_t handle);

/* Gives a chunk back, and takes it away from wherever it is mapped. */
void machine_free_chunk(uint32_t number, uint32_t handle);

/* Where chunk 0 would lie. */
extern uint8_t *const machine_window_start;
static inline uint8_t *machine_window(void)
{
    return machine_window_start;
}

/* Maps `pages` frames, from `frame` on, into a client's task: frames of one chunk, or, where they are not to be
 * executed, of one block. `frame` is page `page` of the kernel's object `chunk`. */
int machine_map(uint32_t chunk, uint32_t page, uint32_t frame, uint32_t task, uint64_t address, uint32_t pages,
                uint32_t rights);

/* A new object of the kernel, whose pages lie together in physical memory from `*address` on, a multiple of
 * `alignment`, and below `below`; 0 if there is none. It is mapped nowhere. */
uint32_t machine_make_contiguous(uint64_t pages, uint64_t alignment, uint64_t below, uint64_t *address);

/* May the server know where memory lies? */
bool machine_may_locate(void);

/* Does the handle name a memory object of the kernel that may be read? How many pages has it, and with which rights may
 * it be mapped? */
bool machine_is_memory(uint32_t handle, uint64_t *pages, uint32_t *rights);

/* Maps `pages` pages of an object of the kernel, from page `page` on, into a client's task. */
int machine_map_object(uint32_t handle, uint64_t page, uint32_t task, uint64_t address, uint32_t pages,
                       uint32_t rights);

/* What machine_map_list() maps: frames of one chunk. */
struct machine_run {
    uint32_t frame, pages, rights;
    uint64_t address;
};

#define MACHINE_RUNS 8

/* As machine_map() for each of `count` runs, MACHINE_RUNS at most, in their order, up to the first that cannot be
 * mapped; answers how many were. */
uint32_t machine_map_list(uint32_t task, const struct machine_run *runs, uint32_t count);

/* Takes rights to frames of a chunk or a block from all but the server: from clients, and those whom they mapped them
 * on to, or granted them, of which the server does not know. RIGHT_READ takes all. What was mapped with the right to
 * execute is meant with `executed`, all else without. Where a task's quota has no record for what is mapped on both
 * sides, that may go, too. */
void machine_recall(uint32_t frame, uint32_t pages, uint32_t take, bool executed);

/* The answer to the page fault that is being served maps the page at `bytes`, of a chunk, with `rights`: those that the
 * server itself has, or fewer. */
void machine_answer_page(const void *bytes, uint32_t rights);

/* Takes away whatever a client's task has mapped in the range. -ERROR_NO_MEMORY: nothing was done, since one mapping
 * reaches beyond both ends, and the task's quota has no record for the second part. */
int machine_unmap(uint32_t task, uint64_t address, uint64_t pages);

/* Deletes a capability of the server's own table. */
void machine_release(uint32_t handle);

/* A capability to the server's endpoint with this badge, which is to be handed out; 0 if there is none. */
uint32_t machine_mint(uint64_t badge);

/* The badge of a capability that came in; 0, which none has, if it is not one to the server's endpoint. */
uint64_t machine_identify(uint32_t handle);

/* Does the handle name a task that may be mapped into? */
bool machine_is_task(uint32_t handle);

/* What a task is called: zero bytes behind it. Nothing is written if that cannot be had. */
#define MACHINE_NAME_SIZE 32
void machine_task_name(uint32_t task, uint8_t name[MACHINE_NAME_SIZE]);

/* Where a page of a chunk is mapped: as Memory.derived of the kernel tells it. False if there are fewer. */
struct machine_mapping {
    uint64_t address;
    uint32_t depth, pages, rights, cache;
    uint8_t name[MACHINE_NAME_SIZE];
};
bool machine_mapping(uint32_t chunk, uint32_t page, uint32_t number, struct machine_mapping *mapping);

#endif
