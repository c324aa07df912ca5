/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large pages: where alignment lets them, memory is mapped 2 MiB at a time, by Memory.map and by page items; where a
 * part of a large page goes, or its rights do, it is divided, and its other pages stay as they were. Strings cross
 * them.
 */
#include <salto/string_item.h>
#include <string.h>

#include "../common/taker.h"
#include "../common/waiting.h"

#define ONE_LOG2 21
#define MANY 24 /* large pages: more than are mapped in one go */
#define MANY_LOG2 26
#define READ KERNEL_RIGHTS_READ
#define WRITE (KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE)
#define AT(address) (*(volatile uint64_t *)(address))

static kernel_memory_t large_memory(uint32_t count)
{
    kernel_memory_t memory = {0};
    EXPECT_EQUAL(kernel_factory_create_large_memory(own_factory, count * LARGE_PAGE_PAGES, &memory), 0);
    return memory;
}

/* `count` large pages at HERE. */
static kernel_memory_t map_here(uint32_t count)
{
    kernel_memory_t memory = large_memory(count);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, count * LARGE_PAGE_PAGES, WRITE), 0);
    return memory;
}

static bool is_large(kernel_task_t task, uint64_t address)
{
    return page_entry_of(task, address) & PTE_LARGE;
}

static uint64_t used_of_quota(kernel_factory_t factory)
{
    uint64_t limit = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    return used;
}

/* Do all page tables agree with the kernel's records? */
static void expect_walk(void)
{
    uint64_t tables, pages, wrong = UINT64_MAX;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    EXPECT_EQUAL(wrong, 0);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static void memory_is_together(void)
{
    kernel_memory_t memory = map_here(2), none = {0};
    uint64_t first = page_entry_of(own_task, HERE), second = page_entry_of(own_task, HERE + LARGE_PAGE_SIZE);
    EXPECT((first & PTE_LARGE) && (second & PTE_LARGE));
    EXPECT_EQUAL((first & PTE_FRAME) % LARGE_PAGE_SIZE, 0);
    EXPECT_EQUAL((second & PTE_FRAME) % LARGE_PAGE_SIZE, 0);
    EXPECT((first & PTE_FRAME) != (second & PTE_FRAME));
    for (uint64_t i = 0; i < 2 * LARGE_PAGE_SIZE; i += PAGE_SIZE - sizeof(uint64_t))
        if (!EXPECT_EQUAL(AT(HERE + i), 0))
            break;
    EXPECT_ERROR(kernel_factory_create_large_memory(own_factory, 0, &none), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_factory_create_large_memory(own_factory, 1, &none), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_factory_create_large_memory(own_factory, 513, &none), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_factory_create_large_memory(own_factory, 1U << 31, &none), BAD_ARGUMENT);
    guest_delete(memory.handle);
}

/* What was written into a large frame is not there for the next one who gets it; a quota that has not enough for
 * one. */
static void memory_is_zeroed_and_charged(void)
{
    kernel_factory_t factory;
    kernel_memory_t memory = map_here(1);
    memset((void *)HERE, 0xa5, LARGE_PAGE_SIZE);
    guest_delete(memory.handle);
    memory = map_here(1);
    for (uint64_t i = 0; i < LARGE_PAGE_SIZE; i += sizeof(uint64_t))
        if (!EXPECT_EQUAL(AT(HERE + i), 0))
            break;
    guest_delete(memory.handle);
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, LARGE_PAGE_SIZE, &factory), 0);
    EXPECT_ERROR(kernel_factory_create_large_memory(factory, LARGE_PAGE_PAGES, &memory), NO_MEMORY);
    EXPECT_EQUAL(used_of_quota(factory), 0);
    guest_delete(factory.handle);
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, LARGE_PAGE_SIZE + 2 * PAGE_SIZE, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_large_memory(factory, LARGE_PAGE_PAGES, &memory), 0);
    EXPECT_EQUAL(used_of_quota(factory), LARGE_PAGE_SIZE + 2 * PAGE_SIZE);
    guest_delete(memory.handle);
    EXPECT_EQUAL(used_of_quota(factory), 0);
    guest_delete(factory.handle);
}

/* Any memory of 2 MiB or more is large as far as it can be, and its last pages single. */
static void other_memory(void)
{
    kernel_memory_t memory = {guest_memory(LARGE_PAGE_PAGES + 3)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, LARGE_PAGE_PAGES + 3, WRITE), 0);
    EXPECT(is_large(own_task, HERE));
    EXPECT(page_is_mapped(own_task, HERE + LARGE_PAGE_SIZE) && !is_large(own_task, HERE + LARGE_PAGE_SIZE));
    AT(HERE + LARGE_PAGE_SIZE - PAGE_SIZE) = VALUE;
    AT(HERE + LARGE_PAGE_SIZE + 2 * PAGE_SIZE) = VALUE + 1;
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, WINDOW, LARGE_PAGE_PAGES - 1, 4, READ), 0);
    EXPECT_EQUAL(AT(WINDOW), VALUE);
    EXPECT_EQUAL(AT(WINDOW + 3 * PAGE_SIZE), VALUE + 1);
    guest_delete(memory.handle);
}

/* ---- Where alignment lets them ----------------------------------------------------------------------------------- */

/* Both ends of what is mapped at `address` are those pages of the object. */
static void expect_ends(kernel_memory_t memory, uint64_t address, uint32_t offset, uint32_t pages)
{
    AT(address) = VALUE + address;
    AT(address + (pages - 1) * PAGE_SIZE) = VALUE + pages;
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, WINDOW, offset, 1, READ), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, WINDOW + PAGE_SIZE, offset + pages - 1, 1, READ), 0);
    EXPECT_EQUAL(AT(WINDOW), VALUE + address);
    EXPECT_EQUAL(AT(WINDOW + PAGE_SIZE), VALUE + pages);
    expect_walk();
    EXPECT_EQUAL(kernel_task_unmap(own_task, WINDOW, 2), 0);
}

static void alignment(void)
{
    kernel_memory_t memory = large_memory(3);
    const struct {
        uint64_t address;
        uint32_t offset, pages;
        uint64_t large, single; /* places in it */
    } cases[] = {
        {HERE, 0, 3 * LARGE_PAGE_PAGES, 2 * LARGE_PAGE_SIZE, UINT64_MAX},
        {HERE, LARGE_PAGE_PAGES, 2 * LARGE_PAGE_PAGES - 1, 0, LARGE_PAGE_SIZE},
        {HERE - PAGE_SIZE, LARGE_PAGE_PAGES - 1, LARGE_PAGE_PAGES + 2, PAGE_SIZE, 0},
        {HERE - PAGE_SIZE, LARGE_PAGE_PAGES - 1, LARGE_PAGE_PAGES + 2, PAGE_SIZE, LARGE_PAGE_SIZE + PAGE_SIZE},
        {HERE + PAGE_SIZE, 0, 2 * LARGE_PAGE_PAGES, UINT64_MAX, LARGE_PAGE_SIZE - PAGE_SIZE},
        {HERE, 1, 2 * LARGE_PAGE_PAGES, UINT64_MAX, 0},
        {HERE, 0, LARGE_PAGE_PAGES - 1, UINT64_MAX, 0},
    };
    for (unsigned i = 0; i < COUNT(cases); i++) {
        uint64_t address = cases[i].address;
        EXPECT_EQUAL(kernel_memory_map(memory, own_task, address, cases[i].offset, cases[i].pages, WRITE), 0);
        if (cases[i].large != UINT64_MAX)
            EXPECT(is_large(own_task, address + cases[i].large));
        if (cases[i].single != UINT64_MAX)
            EXPECT(page_is_mapped(own_task, address + cases[i].single) &&
                   !is_large(own_task, address + cases[i].single));
        expect_ends(memory, address, cases[i].offset, cases[i].pages);
        EXPECT_EQUAL(kernel_task_unmap(own_task, address, cases[i].pages), 0);
        EXPECT(!page_is_mapped(own_task, address) &&
               !page_is_mapped(own_task, address + (cases[i].pages - 1) * PAGE_SIZE));
    }
    guest_delete(memory.handle);
}

/* Empty page tables in the way go, and are paid back. */
static void tables_go(void)
{
    kernel_factory_t factory;
    kernel_task_t task;
    kernel_memory_t memory = large_memory(2);
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, MEBIBYTE, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_task(factory, &task), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, HERE, 0, LARGE_PAGE_PAGES - 1, READ), 0);
    uint64_t with_table = used_of_quota(factory);
    EXPECT_EQUAL(kernel_task_unmap(task, HERE, LARGE_PAGE_PAGES - 1), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, HERE, 0, LARGE_PAGE_PAGES, READ), 0);
    EXPECT(is_large(task, HERE));
    EXPECT_EQUAL(used_of_quota(factory), with_table - PAGE_SIZE);
    expect_walk();
    EXPECT_EQUAL(kernel_task_unmap(task, HERE, LARGE_PAGE_PAGES), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, HERE, 1, LARGE_PAGE_PAGES, READ), 0);
    EXPECT(page_is_mapped(task, HERE) && !is_large(task, HERE));
    expect_walk();
    guest_delete(task.handle);
    guest_delete(memory.handle);
    guest_delete(factory.handle);
}

/* ---- Page items -------------------------------------------------------------------------------------------------- */

/* One large page, mapped, mapped on, granted, and given by an answer: large everywhere. */
static void items(void)
{
    struct taker first, second;
    uint64_t words[6] = {THERE, ONE_LOG2, RIGHT_READ};
    kernel_memory_t memory = map_here(1);
    taker_create(&second, ONE_LOG2, 0);
    taker_create(&first, ONE_LOG2, &second);
    AT(HERE + 300 * PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, ONE_LOG2, RW), 0);
    EXPECT(is_large(first.worker.task, THERE) && page_is_writable(first.worker.task, THERE));
    EXPECT_EQUAL(taker_ask(&first, REQUEST_READ, THERE + 300 * PAGE_SIZE, 0, 0), VALUE);
    EXPECT(message_is_tag(taker_ask(&first, REQUEST_MAP_ON, THERE, ONE_LOG2, RIGHT_READ)));
    EXPECT(is_large(second.worker.task, THERE) && !page_is_writable(second.worker.task, THERE));
    EXPECT_EQUAL(taker_ask(&second, REQUEST_READ, THERE + 300 * PAGE_SIZE, 0, 0), VALUE);
    ipc_window((void *)WINDOW, ONE_LOG2);
    EXPECT(message_is_tag(ipc_call(tag_of(REQUEST_GIVE, MESSAGE_CALL, 3, 0), second.endpoint, words)));
    EXPECT(is_large(own_task, WINDOW));
    EXPECT_EQUAL(AT(WINDOW + 300 * PAGE_SIZE), VALUE);
    expect_walk();
    taker_revoke(HERE, LARGE_PAGE_PAGES, RIGHT_READ);
    EXPECT(!page_is_mapped(own_task, WINDOW) && !page_is_mapped(first.worker.task, THERE + 300 * PAGE_SIZE));
    EXPECT(is_large(own_task, HERE));
    EXPECT_EQUAL(taker_give(&first, ITEM_GRANT, HERE, ONE_LOG2, RW), 0);
    EXPECT(is_large(first.worker.task, THERE) && !page_is_mapped(own_task, HERE));
    EXPECT_EQUAL(taker_ask(&first, REQUEST_READ, THERE + 300 * PAGE_SIZE, 0, 0), VALUE);
    ipc_window(0, 0);
    taker_destroy(&first);
    taker_destroy(&second);
    guest_delete(memory.handle);
}

/* More than are mapped in one go, by two mappings of the giver, one of which has single pages in it: the rest that
 * arrives is large. */
static void many(void)
{
    struct taker taker;
    kernel_memory_t memory = map_here(MANY);
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE + LARGE_PAGE_SIZE, 1), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE + LARGE_PAGE_SIZE, LARGE_PAGE_PAGES, 1, WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE + MANY * LARGE_PAGE_SIZE, 0, 8 * LARGE_PAGE_PAGES, WRITE), 0);
    taker_create(&taker, MANY_LOG2, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, MANY_LOG2, RW), 0);
    for (uint64_t i = 0; i < MANY + 8; i++)
        EXPECT_EQUAL(is_large(taker.worker.task, THERE + i * LARGE_PAGE_SIZE), i != 1);
    AT(HERE + LARGE_PAGE_SIZE + 8) = VALUE;
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + LARGE_PAGE_SIZE + 8, 0, 0), VALUE);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, MANY_LOG2, RW), ERROR_OCCUPIED);
    expect_walk();
    taker_revoke(HERE, (MANY + 8) * LARGE_PAGE_PAGES, RIGHT_READ);
    for (uint64_t i = 0; i < MANY + 8; i++)
        EXPECT(!page_is_mapped(taker.worker.task, THERE + i * LARGE_PAGE_SIZE + PAGE_SIZE));
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE, (MANY + 8) * LARGE_PAGE_PAGES), 0);
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* Two large pages at HERE are mapped on, used as `request` says, and taken back: how they were used is told, once. */
static void expect_use(const struct taker *taker, uint32_t request, uint32_t use)
{
    EXPECT_EQUAL(taker_give(taker, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0);
    EXPECT(is_large(taker->worker.task, THERE) && is_large(taker->worker.task, THERE + LARGE_PAGE_SIZE));
    taker_ask(taker, request, THERE + LARGE_PAGE_SIZE + 5 * PAGE_SIZE, VALUE, 0);
    EXPECT_EQUAL(taker_revoke(HERE, 2 * LARGE_PAGE_PAGES, RIGHT_READ), use);
    EXPECT(!page_is_mapped(taker->worker.task, THERE) && !page_is_mapped(taker->worker.task, THERE + LARGE_PAGE_SIZE));
    EXPECT(is_large(own_task, HERE) && is_large(own_task, HERE + LARGE_PAGE_SIZE));
    EXPECT_EQUAL(taker_revoke(HERE, 2 * LARGE_PAGE_PAGES, RIGHT_READ), 0);
    expect_walk();
}

/* A few large pages are mapped on and taken back as often as one likes: by one mapping, by two of the same pages, by
 * one of a part of them. */
static void few(void)
{
    struct taker first, second;
    kernel_memory_t memory = map_here(2);
    taker_create(&first, ONE_LOG2 + 1, 0);
    taker_create(&second, ONE_LOG2 + 1, 0);
    taker_revoke(HERE, 2 * LARGE_PAGE_PAGES, RIGHT_READ);
    expect_use(&first, REQUEST_READ, KERNEL_PAGE_USE_ACCESSED);
    expect_use(&first, REQUEST_WRITE, KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_give(&second, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0);
    expect_use(&first, REQUEST_READ, KERNEL_PAGE_USE_ACCESSED);
    EXPECT(!page_is_mapped(second.worker.task, THERE));
    EXPECT_EQUAL(taker_give(&second, ITEM_MAP, HERE + LARGE_PAGE_SIZE, ONE_LOG2, RW), 0);
    taker_revoke(HERE, LARGE_PAGE_PAGES, RIGHT_READ);
    EXPECT(is_large(second.worker.task, THERE + LARGE_PAGE_SIZE));
    EXPECT_EQUAL(taker_revoke(HERE, 2 * LARGE_PAGE_PAGES, RIGHT_READ), 0);
    EXPECT(!page_is_mapped(second.worker.task, THERE + LARGE_PAGE_SIZE));
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0);
    taker_revoke(HERE, LARGE_PAGE_PAGES, RIGHT_READ);
    EXPECT(!page_is_mapped(first.worker.task, THERE) && is_large(first.worker.task, THERE + LARGE_PAGE_SIZE));
    taker_revoke(HERE + LARGE_PAGE_SIZE, LARGE_PAGE_PAGES, RIGHT_READ);
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, ONE_LOG2 + 2, RW), ERROR_NO_WINDOW);
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, ONE_LOG2 + 1, RW | RIGHT_EXECUTE), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, ONE_LOG2 + 1, RIGHT_READ | RIGHT_EXECUTE), ERROR_NO_RIGHT);
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE + LARGE_PAGE_SIZE, LARGE_PAGE_PAGES), 0);
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), ERROR_BAD_ADDRESS);
    expect_walk();
    taker_destroy(&first);
    taker_destroy(&second);
    guest_delete(memory.handle);
}

/* Pages of large frames that are no large pages, since they begin elsewhere in them; and large ones where page tables
 * are in the way. */
static void few_that_are_not(void)
{
    struct taker taker;
    kernel_memory_t memory = large_memory(3);
    taker_create(&taker, ONE_LOG2 + 1, 0);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 2 * LARGE_PAGE_PAGES, WRITE), 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0); /* the page directory is there then */
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE, 2 * LARGE_PAGE_PAGES), 0);
    EXPECT_EQUAL(kernel_task_unmap(taker.worker.task, THERE, 2 * LARGE_PAGE_PAGES), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 1, 2 * LARGE_PAGE_PAGES, WRITE), 0);
    AT(HERE + PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0);
    EXPECT(page_is_mapped(taker.worker.task, THERE) && !is_large(taker.worker.task, THERE));
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + PAGE_SIZE, 0, 0), VALUE);
    expect_walk();
    taker_revoke(HERE, 2 * LARGE_PAGE_PAGES, RIGHT_READ);
    EXPECT(!page_is_mapped(taker.worker.task, THERE));
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE, 2 * LARGE_PAGE_PAGES), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 2 * LARGE_PAGE_PAGES, WRITE), 0);
    AT(HERE + 2 * PAGE_SIZE) = VALUE + 1;
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0); /* empty page tables are in the way */
    EXPECT(is_large(taker.worker.task, THERE) && is_large(taker.worker.task, THERE + LARGE_PAGE_SIZE));
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + 2 * PAGE_SIZE, 0, 0), VALUE + 1);
    expect_walk();
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* A single page of a large one is mapped on by itself, and two are granted. */
static void single_items(void)
{
    struct taker taker;
    kernel_memory_t memory = map_here(1);
    taker_create(&taker, ONE_LOG2, 0);
    AT(HERE + 7 * PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE + 7 * PAGE_SIZE, PAGE_SHIFT, RIGHT_READ), 0);
    EXPECT(is_large(own_task, HERE) && !is_large(taker.worker.task, THERE + 7 * PAGE_SIZE));
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + 7 * PAGE_SIZE, 0, 0), VALUE);
    EXPECT_EQUAL(taker_give(&taker, ITEM_GRANT, HERE + 8 * PAGE_SIZE, PAGE_SHIFT + 1, RW), 0);
    EXPECT(!page_is_mapped(own_task, HERE + 8 * PAGE_SIZE) && !page_is_mapped(own_task, HERE + 9 * PAGE_SIZE));
    EXPECT(page_is_writable(own_task, HERE + 10 * PAGE_SIZE) && page_is_mapped(own_task, HERE + 511 * PAGE_SIZE));
    EXPECT_EQUAL(AT(HERE + 7 * PAGE_SIZE), VALUE);
    expect_walk();
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* ---- A part of one ----------------------------------------------------------------------------------------------- */

static void unmapped_in_part(void)
{
    kernel_memory_t memory = map_here(2);
    for (uint64_t page = 0; page < 2 * LARGE_PAGE_PAGES; page++)
        AT(HERE + page * PAGE_SIZE) = VALUE + page;
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE + 100 * PAGE_SIZE, 3), 0);
    EXPECT(!is_large(own_task, HERE) && is_large(own_task, HERE + LARGE_PAGE_SIZE));
    expect_walk();
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, HERE + 900 * PAGE_SIZE, 10), 0);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, HERE + 1000 * PAGE_SIZE, 24), 0);
    for (uint64_t page = 0; page < 2 * LARGE_PAGE_PAGES; page++) {
        bool gone = (page >= 100 && page < 103) || (page >= 900 && page < 910) || page >= 1000;
        if (!EXPECT_EQUAL(page_is_mapped(own_task, HERE + page * PAGE_SIZE), !gone) ||
            (!gone && !EXPECT_EQUAL(AT(HERE + page * PAGE_SIZE), VALUE + page)))
            break;
    }
    expect_walk();
    guest_delete(memory.handle);
}

/* The giver takes a page out of another task's large page, and rights from some. */
static void taken_in_part(void)
{
    struct taker taker;
    kernel_memory_t memory = map_here(2);
    taker_create(&taker, ONE_LOG2 + 1, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2 + 1, RW), 0);
    taker_revoke(HERE + 5 * PAGE_SIZE, 1, RIGHT_READ);
    EXPECT(is_large(own_task, HERE) && is_large(taker.worker.task, THERE + LARGE_PAGE_SIZE));
    EXPECT(!page_is_mapped(taker.worker.task, THERE + 5 * PAGE_SIZE));
    EXPECT(page_is_writable(taker.worker.task, THERE + 4 * PAGE_SIZE) &&
           page_is_writable(taker.worker.task, THERE + 6 * PAGE_SIZE));
    taker_revoke(HERE + 510 * PAGE_SIZE, 4, RIGHT_WRITE);
    for (uint64_t page = 508; page < 516; page++)
        EXPECT_EQUAL(page_is_writable(taker.worker.task, THERE + page * PAGE_SIZE), page < 510 || page >= 514);
    EXPECT(page_is_writable(own_task, HERE + 511 * PAGE_SIZE));
    expect_walk();
    taker_revoke(HERE, 2 * LARGE_PAGE_PAGES, RIGHT_WRITE);
    EXPECT(!page_is_writable(taker.worker.task, THERE) && page_is_mapped(taker.worker.task, THERE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* Rights of a whole large page are taken without dividing it. */
static void taken_whole(void)
{
    struct taker taker;
    kernel_memory_t memory = map_here(1);
    taker_create(&taker, ONE_LOG2, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2, RW), 0);
    taker_revoke(HERE, LARGE_PAGE_PAGES, RIGHT_WRITE);
    EXPECT(is_large(taker.worker.task, THERE) && !page_is_writable(taker.worker.task, THERE));
    expect_walk();
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* Where the quota of a task has no page table for it, it cannot divide its own page; from others it goes whole. */
static void without_memory(void)
{
    struct taker taker;
    kernel_factory_t factory;
    kernel_memory_t memory = map_here(1), rest = {0};
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, MEBIBYTE, &factory), 0);
    worker_create_charged(&taker.worker, factory);
    taker_prepare(&taker, ONE_LOG2, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2, RW), 0);
    uint32_t left = (uint32_t)((MEBIBYTE - used_of_quota(factory)) / PAGE_SIZE);
    while (left > 0 && kernel_factory_create_memory(factory, left, &rest) != 0)
        left--;
    EXPECT_ERROR(kernel_task_unmap(taker.worker.task, THERE + 3 * PAGE_SIZE, 1), NO_MEMORY);
    EXPECT(is_large(taker.worker.task, THERE));
    taker_revoke(HERE + 3 * PAGE_SIZE, 1, RIGHT_READ);
    EXPECT(!page_is_mapped(taker.worker.task, THERE) && is_large(own_task, HERE));
    expect_walk();
    guest_delete(rest.handle);
    taker_destroy(&taker);
    guest_delete(factory.handle);
    guest_delete(memory.handle);
}

/* ---- How they were used ------------------------------------------------------------------------------------------ */

static void use_is_known(void)
{
    struct taker taker;
    kernel_memory_t memory = map_here(1);
    taker_create(&taker, ONE_LOG2, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, ONE_LOG2, RW), 0);
    EXPECT_EQUAL(taker_revoke(HERE, LARGE_PAGE_PAGES, 0), 0);
    taker_ask(&taker, REQUEST_READ, THERE + 9 * PAGE_SIZE, 0, 0);
    EXPECT_EQUAL(taker_revoke(HERE, LARGE_PAGE_PAGES, 0), KERNEL_PAGE_USE_ACCESSED);
    EXPECT_EQUAL(taker_revoke(HERE, LARGE_PAGE_PAGES, 0), 0);
    taker_ask(&taker, REQUEST_WRITE, THERE + 9 * PAGE_SIZE, VALUE, 0);
    /* Of a part, it is told of all and stands: it may be that of the others. */
    EXPECT_EQUAL(taker_revoke(HERE + 20 * PAGE_SIZE, 1, 0), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_revoke(HERE + 9 * PAGE_SIZE, 1, 0), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_revoke(HERE, LARGE_PAGE_PAGES, 0), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_revoke(HERE, LARGE_PAGE_PAGES, 0), 0);
    /* What is unmapped was used where it came from; here, in single pages. */
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE + 500 * PAGE_SIZE, 1), 0);
    taker_ask(&taker, REQUEST_WRITE, THERE + 9 * PAGE_SIZE, VALUE + 1, 0);
    taker_destroy(&taker);
    EXPECT_EQUAL(taker_revoke(HERE, 500, 0), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_revoke(HERE, 500, 0), 0);
    EXPECT_EQUAL(AT(HERE + 9 * PAGE_SIZE), VALUE + 1);
    guest_delete(memory.handle);
}

/* ---- Strings ----------------------------------------------------------------------------------------------------- */

/* A worker_function: takes strings on values[0], values[1] bytes into its window, up to values[2]. */
static void take_strings(struct area *area)
{
    struct ipc_message message = {0};
    ipc_string_buffer(0, (void *)(THERE + area->values[1]), area->values[2]);
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[0], &message);
    while (message_is_tag(tag)) {
        area->done++;
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), area->values[0], &message);
    }
}

/* From `from` bytes into the test's large pages to `to` bytes into the worker's; both are large, or one is not. */
static void string(uint64_t from, uint64_t to, uint64_t length, uint64_t misaligned)
{
    struct worker worker;
    uint64_t words[6] = {0};
    uint32_t endpoint = guest_endpoint();
    kernel_memory_t sent = map_here(2), taken = large_memory(2);
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_memory_map(taken, own_task, WINDOW, 0, 2 * LARGE_PAGE_PAGES, READ), 0);
    EXPECT_EQUAL(kernel_memory_map(taken, worker.task, THERE + misaligned, 0, 2 * LARGE_PAGE_PAGES, WRITE), 0);
    EXPECT_EQUAL(is_large(worker.task, THERE + misaligned), misaligned == 0);
    worker.area->values[0] = worker_give(&worker, endpoint, RIGHTS_ALL);
    worker.area->values[1] = to + misaligned;
    worker.area->values[2] = length;
    worker_start(&worker, take_strings);
    for (uint64_t i = 0; i < length; i++)
        *(uint8_t *)(HERE + from + i) = (uint8_t)(i * 7 + i / PAGE_SIZE);
    ipc_string(0, (void *)(HERE + from), (uint32_t)length);
    EXPECT(message_is_tag(ipc_call(tag_of(0, MESSAGE_CALL, 0, 1), endpoint, words)));
    EXPECT_EQUAL(worker.area->done, 1);
    EXPECT(memcmp((void *)(HERE + from), (void *)(WINDOW + to), length) == 0);
    EXPECT_EQUAL(AT(WINDOW + ((to + length + 7) & ~7UL)), 0);
    worker_destroy(&worker);
    guest_delete(endpoint);
    guest_delete(sent.handle);
    guest_delete(taken.handle);
}

static void strings(void)
{
    string(0, 0, 100, 0);
    string(LARGE_PAGE_SIZE - 50, LARGE_PAGE_SIZE - 20, 100, 0);
    string(LARGE_PAGE_SIZE - 100000, 1000, 200000, 0);
    string(4096, LARGE_PAGE_SIZE - 300003, LARGE_PAGE_SIZE, 0);
    string(LARGE_PAGE_SIZE - 8192, 0, 65536, PAGE_SIZE);
    string(1, LARGE_PAGE_SIZE - 5000, 10001, PAGE_SIZE);
}

static const struct guest_test tests[] = {
    {"large memory lies together and is aligned", memory_is_together},
    {"it is zeroed, and charged", memory_is_zeroed_and_charged},
    {"other memory is large as far as it can be", other_memory},
    {"pages are large where alignment lets them", alignment},
    {"empty page tables in the way go", tables_go},
    {"page items keep a large page large", items},
    {"many large pages, one of which is not", many},
    {"a few large pages are mapped on and taken back", few},
    {"a few pages of large frames that are not large", few_that_are_not},
    {"a single page of a large one is mapped on", single_items},
    {"a part of a large page is unmapped", unmapped_in_part},
    {"a part of another task's large page is taken back", taken_in_part},
    {"rights are taken from a whole large page", taken_whole},
    {"a large page that cannot be divided", without_memory},
    {"the giver learns how a large page was used", use_is_known},
    {"strings from and to large pages", strings},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
