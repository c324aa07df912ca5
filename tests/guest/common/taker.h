/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of page items: workers in tasks of their own that take pages, map them on and give them back, as they are
 * told by messages; and looks at page tables.
 */
#ifndef TESTS_GUEST_TAKER_H
#define TESTS_GUEST_TAKER_H

#include <salto/page_item.h>

#include "abi/addresses.h"
#include "worker.h"

#define HERE 0x300000000000UL   /* where the test has pages */
#define WINDOW 0x310000000000UL /* where it takes some */
#define THERE 0x320000000000UL  /* the workers' windows */
#define LOG2 16
#define PAGES 16
#define LARGE_LOG2 22
#define LARGE_PAGES 1024
#define VALUE 0xfeedfacecafe
#define PTE_PRESENT 1UL
#define PTE_WRITE 2UL
#define PTE_LARGE 0x80UL
#define PTE_FRAME 0x000ffffffffff000UL
#define PTE_NO_EXECUTE (1UL << 63)
#define RW (RIGHT_READ | RIGHT_WRITE)

/* What a worker is asked to do, by the label of a message. */
enum request { REQUEST_TAKE = 1, REQUEST_READ, REQUEST_WRITE, REQUEST_MAP_ON, REQUEST_GIVE };

/* A worker that takes pages, and the endpoint on which it does. */
struct taker {
    struct worker worker;
    uint32_t endpoint;
};

/* A worker_function: values[0] is the endpoint, [1] and [2] the window, [3] whom it maps on to. Where an answer fails,
 * values[4] says how, and another one is given; who is broken off receives again. The window moves by values[5] after
 * each message. `done` counts messages. */
void taker_serve(struct area *area);

/* Starts the worker of `taker`, which exists, with a window of 1 << log2 bytes at THERE; it maps on to `next`, if there
 * is one. */
void taker_prepare(struct taker *taker, uint32_t log2, const struct taker *next);

/* The same with a new worker, in a task of its own. */
void taker_create(struct taker *taker, uint32_t log2, const struct taker *next);
void taker_destroy(struct taker *taker);

/* A request with words; answers word 0. */
uint64_t taker_ask(const struct taker *taker, uint32_t request, uint64_t word0, uint64_t word1, uint64_t word2);

/* Sends a flexpage. Answers 0, or the error. */
uint64_t taker_give(const struct taker *taker, uint32_t kind, uint64_t address, uint32_t log2, uint32_t rights);

/* Starts a new worker, in a task of its own, in `touch`; answers the endpoint on which its page faults arrive. */
uint32_t pager_start(struct worker *worker, worker_function *touch);

/* Answers the page fault received last with a flexpage; answers what the reply returned. */
uint64_t pager_answer(uint64_t address, uint32_t log2, uint32_t rights);

/* The entry that maps a page, of a page table or directory, 0 if there is none; and what it says. */
uint64_t page_entry_of(kernel_task_t task, uint64_t address);
bool page_is_mapped(kernel_task_t task, uint64_t address);
bool page_is_writable(kernel_task_t task, uint64_t address);

/* Maps new memory at HERE. */
kernel_memory_t taker_map_here(uint32_t pages, uint32_t rights);

/* What was derived from the test's pages is taken; answers how they were used. */
uint32_t taker_revoke(uint64_t address, uint32_t pages, uint32_t take);

#endif
