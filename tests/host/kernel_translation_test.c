/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of translations: tasks and mappings come and go at random (seeded), over a model of a processor that
 * remembers every translation as long as it may. What neither QEMU nor Bochs shows is seen here: each access must find,
 * remembered or not, what the page tables say now.
 *
 * The model (Intel SDM volume 3, 4.10): a load of CR3 without bit 63 drops what was remembered under its PCID, one with
 * it drops nothing; INVPCID drops one address or a whole PCID; an entry that is not present is never remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "mem/pcid.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"

#define QUOTA (40UL << 20)
#define SEED 0x7a51a7UL
#define STEPS 200000
#define TASKS 4
#define MEMORIES 3
#define MEMORY_PAGES 8
#define USER_PAGES 8
#define PRIVATE_PAGES 4 /* of capability slots */
#define UTCB_PAGES 2    /* of threads, which a task has none, one or two of */
#define PAGES (USER_PAGES + PRIVATE_PAGES + UTCB_PAGES)
#define BASE PROGRAM_MMAP_BASE
#define PCIDS 4096
#define INVALIDATE_ADDRESS 0 /* INVPCID types, Intel SDM volume 2 */
#define INVALIDATE_CONTEXT 1

static struct task *tasks[TASKS];
static struct memory *memories[MEMORIES];
static struct capability task_holders[TASKS], memory_holders[MEMORIES];
static struct capability thread_holders[TASKS][UTCB_PAGES];
static struct factory *factory;
static uint64_t state = SEED;
static unsigned accesses, remembered_accesses, stale;

/* By PCID, and page: the user pages, then the slots, then the UTCBs. 0: nothing remembered. */
static uint64_t remembered[PCIDS][PAGES];

static uint64_t address_of(unsigned page)
{
    if (page < USER_PAGES)
        return BASE + page * PAGE_SIZE;
    page -= USER_PAGES;
    return page < PRIVATE_PAGES ? CAPABILITY_SLOTS + page * PAGE_SIZE : UTCB_BASE + (page - PRIVATE_PAGES) * PAGE_SIZE;
}

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

/* ---- The processor ----------------------------------------------------------------------------------------------- */

static void drop(uint64_t type, uint64_t pcid, uint64_t address)
{
    for (unsigned page = 0; page < PAGES; page++)
        if (type != INVALIDATE_ADDRESS || address_of(page) == address)
            remembered[pcid][page] = 0;
}

static uint64_t table_entry(struct task *task, unsigned page)
{
    if (page >= USER_PAGES && page < USER_PAGES + PRIVATE_PAGES)
        return task->space.private_table[(address_of(page) - PRIVATE_BASE) / PAGE_SIZE];
    const uint64_t *entry = space_entry(&task->space, address_of(page));
    return entry ? *entry : 0;
}

/* The task runs and looks at a page. */
static void look(struct task *task, unsigned page)
{
    uint64_t cr3 = task->space.cr3, *known = &remembered[cr3 & CR3_PCID_MASK][page];
    uint64_t entry = table_entry(task, page);
    if (!(cr3 & CR3_NO_FLUSH))
        drop(INVALIDATE_CONTEXT, cr3 & CR3_PCID_MASK, 0);
    accesses++;
    remembered_accesses += *known != 0;
    stale += *known != 0 && *known != entry;
    *known = entry & PTE_PRESENT ? entry : 0;
}

/* ---- What happens ------------------------------------------------------------------------------------------------ */

static void create_task(unsigned number)
{
    enum error error;
    tasks[number] = task_create(factory, &error);
    task_holders[number] = (struct capability){0};
    capability_attach(&task_holders[number], &tasks[number]->object, RIGHTS_ALL, 0);
}

/* A thread comes, or goes, and its UTCB with it. */
static void change_thread(unsigned number, uint64_t which)
{
    struct capability *holder = &thread_holders[number][which];
    enum error error;
    if (holder->object) {
        capability_delete(holder);
        return;
    }
    struct thread *thread = thread_create(factory, tasks[number], &error);
    *holder = (struct capability){0};
    if (!thread)
        abort();
    capability_attach(holder, &thread->object, RIGHTS_ALL, 0);
}

static void delete_task(unsigned number)
{
    for (unsigned i = 0; i < UTCB_PAGES; i++)
        if (thread_holders[number][i].object)
            capability_delete(&thread_holders[number][i]);
    capability_delete(&task_holders[number]);
}

static void create_memory(unsigned number)
{
    enum error error;
    memories[number] = memory_create(factory, MEMORY_PAGES, &error);
    memory_holders[number] = (struct capability){0};
    capability_attach(&memory_holders[number], &memories[number]->object, RIGHTS_ALL, 0);
}

static void step(void)
{
    unsigned number = (unsigned)random_below(TASKS), memory = (unsigned)random_below(MEMORIES);
    uint32_t page = (uint32_t)random_below(USER_PAGES), count = 1 + (uint32_t)random_below(USER_PAGES - page);
    switch (random_below(64)) {
    case 0:
        delete_task(number);
        create_task(number);
        break;
    case 1:
        capability_delete(&memory_holders[memory]);
        create_memory(memory);
        break;
    case 2:
        (void)space_private_page(&tasks[number]->space, factory, address_of(USER_PAGES + page % PRIVATE_PAGES));
        break;
    case 17 ... 18:
        change_thread(number, random_below(UTCB_PAGES));
        break;
    case 3 ... 9:
        (void)memory_map(memories[memory], tasks[number], address_of(page), 0, count,
                         random_below(2) ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE);
        break;
    case 10 ... 16:
        (void)host_unmap(memories[memory], tasks[number], address_of(page), count);
        break;
    default:
        look(tasks[number], (unsigned)random_below(PAGES));
    }
}

static void run(const char *what, bool remembers)
{
    accesses = remembered_accesses = stale = 0;
    for (unsigned i = 0; i < TASKS; i++)
        create_task(i);
    for (unsigned i = 0; i < MEMORIES; i++)
        create_memory(i);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    for (unsigned i = 0; i < TASKS; i++)
        delete_task(i);
    for (unsigned i = 0; i < MEMORIES; i++)
        capability_delete(&memory_holders[i]);
    host_ok(stale == 0, "%s: %u accesses, %u by remembered translations, %u stale (seed %#lx)", what, accesses,
            remembered_accesses, stale, SEED);
    host_ok(remembers ? remembered_accesses > accesses / 16 : remembered_accesses == 0,
            "%s: translations are %s crossings", what, remembers ? "remembered across" : "all dropped at");
}

/* With all PCIDs but `left` taken, in the model by nobody. */
static void run_with_few(unsigned left, const char *what)
{
    static uint64_t taken[PCIDS];
    unsigned count = 0;
    while ((taken[count] = pcid_take(0)) & CR3_NO_FLUSH)
        count++;
    for (unsigned i = 0; i < left; i++)
        pcid_release(taken[--count]);
    run(what, left > 1);
    while (count > 0)
        pcid_release(taken[--count]);
}

int main(void)
{
    host_kernel_start();
    host_invalidate = drop;
    factory = host_first_factory(QUOTA);
    run("PCIDs for all", true);
    run_with_few(2, "PCIDs for two of four");
    run_with_few(0, "no PCID left");
    run("PCIDs for all again", true);
    host_ok(factory->used == 0, "everything comes back");
    return host_done();
}
