/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that are mapped on: how they are cached, what is told of where they are, Task.map_on; and what happens at every
 * moment of a mapping to those who take part in it.
 */
#include "page_life.h"

#include <string.h>

#include "../common/taker.h"
#include "../common/waiting.h"

#define PTE_CACHE 0x18UL /* page attribute table: bits write-through and cache-disable */
#define PTE_CACHE_COMBINING 0x08UL
#define PTE_CACHE_NONE 0x18UL
#define CACHE_IN_LOG2 6 /* of an item: how it is cached stands above the flexpage's size */
#define TOLD 16         /* mappings of a page */

/* ---- How pages are cached ---------------------------------------------------------------------------------------- */

static uint64_t cache_of(const struct taker *taker, uint64_t address)
{
    return page_entry_of(taker->worker.task, address) & PTE_CACHE;
}

/* A page at HERE for `first`, which maps it on to `second`; how each asks for it, and how it is cached then. */
static void chain(uint32_t asked_first, uint32_t asked_second, uint64_t expected_first, uint64_t expected_second,
                  uint64_t error)
{
    struct taker first, second;
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&second, LOG2, 0);
    taker_create(&first, LOG2, &second);
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, PAGE_SHIFT | asked_first << CACHE_IN_LOG2, RW), 0);
    EXPECT_EQUAL(cache_of(&first, THERE), expected_first);
    uint64_t result = taker_ask(&first, REQUEST_MAP_ON, THERE, PAGE_SHIFT | asked_second << CACHE_IN_LOG2, RW);
    if (error) {
        EXPECT_EQUAL(result, error);
        EXPECT(!page_is_mapped(second.worker.task, THERE));
    } else {
        EXPECT(message_is_tag(result));
        EXPECT_EQUAL(cache_of(&second, THERE), expected_second);
        taker_ask(&second, REQUEST_WRITE, THERE, VALUE, 0);
        EXPECT_EQUAL(*(volatile uint64_t *)HERE, VALUE);
    }
    taker_destroy(&first);
    taker_destroy(&second);
    guest_delete(memory.handle);
}

static void caches(void)
{
    chain(PAGE_WRITE_BACK, PAGE_WRITE_BACK, 0, 0, 0);
    chain(PAGE_WRITE_BACK, PAGE_UNCACHED, 0, PTE_CACHE_NONE, 0);
    chain(PAGE_WRITE_COMBINING, PAGE_WRITE_COMBINING, PTE_CACHE_COMBINING, PTE_CACHE_COMBINING, 0);
    chain(PAGE_WRITE_COMBINING, PAGE_UNCACHED, PTE_CACHE_COMBINING, PTE_CACHE_NONE, 0);
    chain(PAGE_UNCACHED, PAGE_UNCACHED, PTE_CACHE_NONE, PTE_CACHE_NONE, 0);
}

static void caches_bounded(void)
{
    chain(PAGE_UNCACHED, PAGE_WRITE_COMBINING, PTE_CACHE_NONE, 0, ERROR_NO_RIGHT);
    /* Who asks for nothing gets what there is. */
    chain(PAGE_UNCACHED, PAGE_WRITE_BACK, PTE_CACHE_NONE, PTE_CACHE_NONE, 0);
    chain(PAGE_WRITE_COMBINING, PAGE_WRITE_BACK, PTE_CACHE_COMBINING, PTE_CACHE_COMBINING, 0);
}

/* ---- What is told ------------------------------------------------------------------------------------------------ */

struct told {
    uint32_t depth, pages, cache;
    kernel_rights_t rights;
    uint64_t address;
    uint8_t name[32];
};

static int tell(kernel_memory_t memory, uint32_t page, uint32_t number, struct told *told)
{
    return kernel_memory_derived(memory, page, number, &told->depth, &told->address, &told->pages, &told->rights,
                                 &told->cache, told->name);
}

static void expect_told(kernel_memory_t memory, uint32_t number, uint32_t depth, uint64_t address, uint32_t rights)
{
    struct told told = {0};
    EXPECT_EQUAL(tell(memory, 2, number, &told), 0);
    EXPECT_EQUAL(told.depth, depth);
    EXPECT_EQUAL(told.address, address);
    EXPECT_EQUAL(told.rights & (RIGHT_WRITE | RIGHT_EXECUTE), rights & RIGHT_WRITE);
}

/* From the test to the first, from there to the second; and to the test itself once more. */
static void trees(void)
{
    struct taker first, second;
    struct told told = {0};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&second, LOG2, 0);
    taker_create(&first, LOG2, &second);
    EXPECT_EQUAL(taker_give(&first, ITEM_MAP, HERE, PAGE_SHIFT + 2, RW), 0);
    EXPECT(message_is_tag(taker_ask(&first, REQUEST_MAP_ON, THERE + 2 * PAGE_SIZE, PAGE_SHIFT, RIGHT_READ)));
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, WINDOW, 0, PAGES, RIGHT_READ), 0);
    for (int more = 0; more < 2; more++) {
        bool itself_first = tell(memory, 2, 0, &told) == 0 && told.address == WINDOW + 2 * PAGE_SIZE;
        uint32_t number = itself_first ? 1 : 0;
        expect_told(memory, itself_first ? 0 : 3 - (uint32_t)more, 0, WINDOW + 2 * PAGE_SIZE, RIGHT_READ);
        expect_told(memory, number, 0, HERE + 2 * PAGE_SIZE, RW);
        if (more == 0)
            expect_told(memory, number + 1, 1, THERE + 2 * PAGE_SIZE, RW);
        expect_told(memory, number + 2 - (uint32_t)more, 2 - (uint32_t)more, THERE + 2 * PAGE_SIZE, RIGHT_READ);
        EXPECT_ERROR(tell(memory, 2, 4 - (uint32_t)more, &told), BAD_ADDRESS);
        EXPECT_EQUAL(kernel_task_unmap(first.worker.task, THERE, PAGES), 0);
    }
    EXPECT_ERROR(tell(memory, 2, TOLD, &told), BAD_ARGUMENT);
    EXPECT_ERROR(tell(memory, PAGES, 0, &told), BAD_ARGUMENT);
    uint32_t readable = guest_copy(memory.handle, RIGHT_READ);
    EXPECT_ERROR(tell((kernel_memory_t){readable}, 2, 0, &told), NO_RIGHT);
    guest_delete(readable);
    taker_destroy(&first);
    taker_destroy(&second);
    guest_delete(memory.handle);
}

static void names(void)
{
    const uint8_t name[32] = "somebody\n";
    uint8_t found[32];
    kernel_task_t task = guest_new_task();
    EXPECT_EQUAL(kernel_task_set_name(task, name), 0);
    EXPECT_EQUAL(kernel_task_name(task, found), 0);
    EXPECT(memcmp(found, "somebody?", 10) == 0 && found[31] == 0);
    guest_delete(task.handle);
}

/* ---- Mapping on without a message -------------------------------------------------------------------------------- */

static void mapped_on(void)
{
    kernel_memory_t memory = taker_map_here(LARGE_PAGES, RW);
    kernel_task_t task = guest_new_task();
    const uint32_t most = LARGE_PAGES - 1;
    *(volatile uint64_t *)(HERE + 5 * PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE + PAGE_SIZE, task, THERE, most, RIGHT_READ), 0);
    EXPECT(page_is_mapped(task, THERE + (most - 1) * PAGE_SIZE) && !page_is_writable(task, THERE));
    EXPECT(!page_is_mapped(task, THERE + most * PAGE_SIZE));
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE + 5 * PAGE_SIZE, own_task, WINDOW, 1, RW), 0);
    EXPECT_EQUAL(*(volatile uint64_t *)WINDOW, VALUE);
    taker_revoke(HERE, LARGE_PAGES, RIGHT_READ);
    EXPECT(!page_is_mapped(task, THERE) && !page_is_mapped(task, THERE + (most - 1) * PAGE_SIZE));
    EXPECT(!page_is_mapped(own_task, WINDOW) && page_is_mapped(own_task, HERE));
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

static void mapped_on_refused(void)
{
    kernel_memory_t memory = taker_map_here(PAGES, RIGHT_READ);
    kernel_task_t task = guest_new_task();
    const struct {
        uint64_t source, address;
        uint32_t pages, rights;
        int error;
    } bad[] = {
        {HERE, THERE, 1, RW, ERROR_NO_RIGHT},
        {HERE, THERE, 1, RIGHT_EXECUTE, ERROR_NO_RIGHT},
        {HERE, THERE, 1, RIGHT_COPY, ERROR_BAD_ARGUMENT},
        {HERE, THERE, 0, RIGHT_READ, ERROR_BAD_ARGUMENT},
        {HERE + 1, THERE, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, THERE + 1, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, THERE, PAGES + 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE - PAGE_SIZE, THERE, 2, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, THERE, UINT32_MAX, RIGHT_READ, ERROR_BAD_ADDRESS},
        {UTCB_BASE, THERE, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {SHARED_BASE, THERE, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, UTCB_BASE, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, SHARED_BASE, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, 0, 1, RIGHT_READ, ERROR_BAD_ADDRESS},
    };
    for (unsigned i = 0; i < COUNT(bad); i++)
        EXPECT_EQUAL(kernel_task_map_on(own_task, bad[i].source, task, bad[i].address, bad[i].pages, bad[i].rights),
                     -bad[i].error);
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE, task, THERE, 1, RIGHT_READ), 0);
    EXPECT_ERROR(kernel_task_map_on(own_task, HERE, task, THERE, PAGES, RIGHT_READ), OCCUPIED);
    EXPECT(!page_is_mapped(task, THERE + PAGE_SIZE));
    uint32_t readable = guest_copy(task.handle, RIGHT_READ);
    EXPECT_ERROR(kernel_task_map_on(own_task, HERE, (kernel_task_t){readable}, THERE, 1, RIGHT_READ), NO_RIGHT);
    if (readable)
        guest_delete(readable);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

static const struct guest_test tests[] = {
    {"pages are cached as is asked for", caches},
    {"and as strictly as the giver's at least", caches_bounded},
    {"the derivation tree of a page is told", trees},
    {"names of tasks are told", names},
    {"pages are mapped on without a message", mapped_on},
    {"what cannot be mapped on is refused", mapped_on_refused},
    {"who sends many pages is broken off", sender_is_broken_off},
    {"and sends them again at once: what has arrived is in nobody's way", sender_sends_again},
    {"who sends many pages ends", sender_ends},
    {"with its task", sender_task_ends},
    {"who receives many pages is broken off", receiver_is_broken_off},
    {"who receives many pages ends", receiver_ends},
    {"with its task", receiver_task_ends},
    {"many pages are revoked while they are sent", source_is_revoked},
    {"their memory goes", memory_goes},
    {"pages are revoked while they are faulted in", revoked_while_faulting},
    {"pages are revoked while they are copied from", revoked_while_copied_from},
    {"or copied to: nothing is written behind the revoke", revoked_while_copied_to},
    {"a hundred clients with silent pagers beside an honest one", hundred_silent_pagers},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
