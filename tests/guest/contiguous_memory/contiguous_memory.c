/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous memory, for devices that read and write memory themselves: that it lies together where the kernel says, is
 * zeroed and charged, comes back whole, and that nobody else is told where it lies.
 */
#include <salto/startup.h>

#include "../common/taker.h"
#include "../common/waiting.h"
#include "idl/physical.h"

#define AT(address) (*(volatile uint64_t *)(address))
#define PTE_CACHE 0x18UL
#define FOUR_GIGABYTES 0x100000000UL
#define LOW_END 0x1000000UL /* what is handed out last: 16 MiB */
#define ANYWHERE UINT64_MAX
#define READ KERNEL_RIGHTS_READ
#define WRITE (KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE)
#define MANY 40

static kernel_physical_t physical;

struct run {
    kernel_memory_t memory;
    uint64_t address;
};

static struct run contiguous(uint32_t pages, uint64_t alignment, uint64_t below)
{
    struct run run = {{0}, 0};
    EXPECT_EQUAL(kernel_physical_contiguous(physical, own_factory, pages, alignment, below, &run.memory, &run.address),
                 0);
    return run;
}

static uint64_t used_of_quota(kernel_factory_t factory)
{
    uint64_t limit = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    return used;
}

static uint64_t free_frames(void)
{
    uint64_t frames = 0;
    EXPECT_EQUAL(kernel_debug_free_frames(debug, &frames), 0);
    return frames;
}

static void expect_walk(void)
{
    uint64_t tables, pages, wrong = UINT64_MAX;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    EXPECT_EQUAL(wrong, 0);
}

/* Where a page of the test lies, by the page tables. */
static uint64_t frame_at(uint64_t address)
{
    uint64_t entry = page_entry_of(own_task, address);
    return entry & PTE_LARGE ? (entry & PTE_FRAME) + address % LARGE_PAGE_SIZE : entry & PTE_FRAME;
}

/* ---- What it is -------------------------------------------------------------------------------------------------- */

/* Maps it, EXPECTs that it is what was asked for, and leaves rubbish there for those who get it next. */
static void use(uint32_t pages, uint64_t alignment, uint64_t below)
{
    struct run run = contiguous(pages, alignment, below);
    uint64_t together = 0, zeros = 0;
    EXPECT(run.address % alignment == 0 && run.address + pages * PAGE_SIZE <= below);
    EXPECT_EQUAL(kernel_memory_map(run.memory, own_task, HERE, 0, pages, WRITE), 0);
    for (uint32_t i = 0; i < pages; i++)
        together += frame_at(HERE + i * PAGE_SIZE) == run.address + i * PAGE_SIZE;
    for (uint64_t at = HERE; at < HERE + pages * PAGE_SIZE; at += sizeof(uint64_t)) {
        zeros += AT(at) == 0;
        AT(at) = VALUE;
    }
    EXPECT_EQUAL(together, pages);
    EXPECT_EQUAL(zeros, pages * PAGE_SIZE / sizeof(uint64_t));
    EXPECT_EQUAL(page_entry_of(own_task, HERE) & PTE_CACHE, 0);
    expect_walk();
    guest_delete(run.memory.handle);
    EXPECT(!page_is_mapped(own_task, HERE));
}

static void sizes(void)
{
    static const uint32_t pages[] = {1, 2, 63, 64, 65, 511, 512, 513, 1100};
    for (unsigned i = 0; i < COUNT(pages); i++)
        use(pages[i], PAGE_SIZE, ANYWHERE);
}

static void alignments(void)
{
    for (uint64_t alignment = PAGE_SIZE; alignment <= 64 * MEBIBYTE; alignment *= 4)
        use(3, alignment, ANYWHERE);
    use(512, LARGE_PAGE_SIZE, FOUR_GIGABYTES);
    struct run run = contiguous(1024, LARGE_PAGE_SIZE, ANYWHERE);
    EXPECT_EQUAL(kernel_memory_map(run.memory, own_task, HERE, 0, 1024, WRITE), 0);
    EXPECT(page_entry_of(own_task, HERE) & PTE_LARGE);
    EXPECT_EQUAL(page_entry_of(own_task, HERE + LARGE_PAGE_SIZE) & PTE_FRAME, run.address + LARGE_PAGE_SIZE);
    guest_delete(run.memory.handle);
}

/* What old devices reach is there after everything else was handed out first. */
static void bounds(void)
{
    use(16, PAGE_SIZE, LOW_END);
    use(16, 65536, LOW_END); /* a DMA channel of the ISA bus */
    use(100, PAGE_SIZE, FOUR_GIGABYTES);
    struct run high = contiguous(1, PAGE_SIZE, ANYWHERE);
    EXPECT(high.address >= LOW_END);
    struct run below = contiguous(1, PAGE_SIZE, high.address + 1), exact = contiguous(2, PAGE_SIZE, high.address);
    EXPECT(below.address < high.address && exact.address + 2 * PAGE_SIZE <= high.address);
    guest_delete(high.memory.handle);
    guest_delete(below.memory.handle);
    guest_delete(exact.memory.handle);
}

/* Many at a time, given back in another order: no two overlap, and all of it comes back, to be had in one piece
 * again. */
static void many(void)
{
    struct run runs[MANY];
    uint64_t before = free_frames(), largest = 0;
    for (unsigned i = 0; i < MANY; i++)
        runs[i] = contiguous(1 + i * 7 % 90, i % 3 ? PAGE_SIZE : 65536, i % 5 ? ANYWHERE : LOW_END);
    for (unsigned i = 0; i < MANY; i++)
        for (unsigned j = 0; j < i; j++)
            EXPECT(runs[i].address + (1 + i * 7 % 90) * PAGE_SIZE <= runs[j].address ||
                   runs[j].address + (1 + j * 7 % 90) * PAGE_SIZE <= runs[i].address);
    for (unsigned i = 0; i < MANY; i++)
        guest_delete(runs[i * 17 % MANY].memory.handle);
    EXPECT_EQUAL(free_frames(), before);
    for (unsigned i = 0; i < 2; i++) { /* 64 MiB of 512: there is no such place if they have left holes everywhere */
        struct run run = contiguous(64 * MEBIBYTE / PAGE_SIZE, PAGE_SIZE, ANYWHERE);
        EXPECT(i == 0 || run.address == largest);
        largest = run.address;
        guest_delete(run.memory.handle);
    }
}

/* Large frames that were freed are put together for a run, where there is no other place for it. */
static void large_frames_are_gathered(void)
{
    kernel_memory_t large[24] = {{0}};
    unsigned count = 0;
    uint64_t before = free_frames();
    while (count < COUNT(large) &&
           kernel_factory_create_large_memory(own_factory, LARGE_PAGE_PAGES, &large[count]) == 0)
        count++;
    EXPECT_EQUAL(count, COUNT(large));
    while (count > 0)
        guest_delete(large[--count].handle);
    struct run run = contiguous(24 * LARGE_PAGE_PAGES, PAGE_SIZE, ANYWHERE);
    guest_delete(run.memory.handle);
    EXPECT_EQUAL(free_frames(), before);
}

/* ---- Rights and errors ------------------------------------------------------------------------------------------- */

static void memory_as_any(void)
{
    struct taker taker;
    struct run run = contiguous(4, PAGE_SIZE, ANYWHERE);
    taker_create(&taker, LOG2, 0);
    EXPECT_EQUAL(guest_rights(run.memory.handle), RW | RIGHT_COPY);
    EXPECT_ERROR(kernel_memory_map(run.memory, own_task, HERE, 0, 1, KERNEL_RIGHTS_EXECUTE), NO_RIGHT);
    EXPECT_EQUAL(kernel_memory_map(run.memory, own_task, HERE, 0, 4, WRITE), 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT + 2, RW), 0);
    taker_ask(&taker, REQUEST_WRITE, THERE + PAGE_SIZE, VALUE, 0);
    EXPECT_EQUAL(AT(HERE + PAGE_SIZE), VALUE);
    taker_revoke(HERE, 4, READ);
    EXPECT(!page_is_mapped(taker.worker.task, THERE));
    EXPECT_EQUAL(frame_at(HERE + 3 * PAGE_SIZE), run.address + 3 * PAGE_SIZE); /* it stays where it is */
    taker_destroy(&taker);
    guest_delete(run.memory.handle);
}

static void bad_arguments(void)
{
    static const struct {
        uint64_t alignment, below;
        uint32_t pages, error;
    } bad[] = {
        {PAGE_SIZE, ANYWHERE, 0, ERROR_BAD_ARGUMENT},
        {PAGE_SIZE, ANYWHERE, 262145, ERROR_BAD_ARGUMENT},
        {PAGE_SIZE, ANYWHERE, UINT32_MAX, ERROR_BAD_ARGUMENT},
        {0, ANYWHERE, 1, ERROR_BAD_ARGUMENT},
        {2048, ANYWHERE, 1, ERROR_BAD_ARGUMENT},
        {3 * PAGE_SIZE, ANYWHERE, 1, ERROR_BAD_ARGUMENT},
        {UINT64_MAX, ANYWHERE, 1, ERROR_BAD_ARGUMENT},
        {1UL << 63, ANYWHERE, 1, ERROR_NO_MEMORY},
        {PAGE_SIZE, 0, 1, ERROR_NO_MEMORY},
        {PAGE_SIZE, PAGE_SIZE, 1, ERROR_NO_MEMORY},
        {PAGE_SIZE, MEBIBYTE, 1, ERROR_NO_MEMORY}, /* what lies there is kept for other CPUs to start in */
        {PAGE_SIZE, 3 * MEBIBYTE, 1024, ERROR_NO_MEMORY},
        {PAGE_SIZE, ANYWHERE, 262144, ERROR_NO_MEMORY},
    };
    uint64_t before = used_of_quota(own_factory), frames = free_frames(), address;
    kernel_memory_t none = {0};
    for (unsigned i = 0; i < COUNT(bad); i++)
        EXPECT_EQUAL(kernel_physical_contiguous(physical, own_factory, bad[i].pages, bad[i].alignment, bad[i].below,
                                                &none, &address),
                     -(int64_t)bad[i].error);
    EXPECT_EQUAL(used_of_quota(own_factory), before);
    EXPECT_EQUAL(free_frames(), frames);
}

/* Who cannot read is not told; who can read cannot make devices' memory. */
static void rights(void)
{
    kernel_physical_t none = {guest_copy(physical.handle, RIGHT_COPY)};
    kernel_memory_t memory = {0};
    uint64_t address = 0;
    EXPECT_ERROR(kernel_physical_contiguous(none, own_factory, 1, PAGE_SIZE, ANYWHERE, &memory, &address), NO_RIGHT);
    EXPECT_ERROR(kernel_physical_device(physical, own_factory, 1UL << 38, 1, 0, &memory), NO_RIGHT);
    EXPECT_EQUAL(address, 0);
    guest_delete(none.handle);
}

/* With each quota, from none to enough, all or nothing is made. */
static void quotas(void)
{
    uint64_t needed = 0, address;
    for (uint64_t bytes = 0; needed == 0 && bytes < 64 * PAGE_SIZE; bytes += PAGE_SIZE) {
        kernel_factory_t factory = {0};
        kernel_memory_t memory = {0};
        EXPECT_EQUAL(kernel_factory_create_factory(own_factory, bytes, &factory), 0);
        uint64_t used = used_of_quota(factory), frames = free_frames();
        int result = kernel_physical_contiguous(physical, factory, 20, PAGE_SIZE, ANYWHERE, &memory, &address);
        if (result == 0) {
            needed = bytes;
            guest_delete(memory.handle);
        } else {
            EXPECT_ERROR(result, NO_MEMORY);
        }
        EXPECT_EQUAL(used_of_quota(factory), used);
        EXPECT_EQUAL(free_frames(), frames);
        guest_delete(factory.handle);
    }
    EXPECT_EQUAL(needed, 23 * PAGE_SIZE); /* a slab, addresses of tables, a table, and the pages */
}

/* ---- Interrupted ------------------------------------------------------------------------------------------------- */

/* A worker_function: makes contiguous memory of 16 MiB as long as there is any: values[0] is `physical`, values[1] a
 * factory. */
static void make_for_ever(struct area *area)
{
    kernel_physical_t all = {(uint32_t)area->values[0]};
    kernel_factory_t factory = {(uint32_t)area->values[1]};
    for (;;) {
        kernel_memory_t memory;
        uint64_t address;
        area->begun++;
        area->done += kernel_physical_contiguous(all, factory, 4096, PAGE_SIZE, ANYWHERE, &memory, &address) == 0;
    }
}

/* Whoever is killed on the way leaves nothing behind. */
static void makers_die(void)
{
    for (unsigned i = 0; i < 8; i++) {
        struct worker worker;
        kernel_factory_t factory = {0};
        uint64_t before = free_frames(), used = used_of_quota(own_factory);
        EXPECT_EQUAL(kernel_factory_create_factory(own_factory, 32 * MEBIBYTE, &factory), 0);
        worker_create(&worker, true);
        worker.area->values[0] = worker_give(&worker, physical.handle, RIGHT_READ);
        worker.area->values[1] = worker_give(&worker, factory.handle, RW);
        worker_spins(&worker);
        worker_start(&worker, make_for_ever);
        sleep_for((1 + i * i) * 77 * MICROSECOND); /* one takes about 2,500 */
        EXPECT(worker.area->begun > 0);
        worker_destroy(&worker);
        guest_delete(factory.handle);
        EXPECT_EQUAL(used_of_quota(own_factory), used);
        EXPECT_EQUAL(free_frames(), before);
    }
    expect_walk();
}

static const struct guest_test tests[] = {
    {"of any size it lies together, where the kernel says, and is zeroed", sizes},
    {"alignments, and large pages", alignments},
    {"bounds", bounds},
    {"many pieces, and they grow together again", many},
    {"large frames are gathered", large_frames_are_gathered},
    {"it is mapped as any memory, and stays where it is", memory_as_any},
    {"bad arguments", bad_arguments},
    {"rights", rights},
    {"quotas", quotas},
    {"who makes it is killed on the way", makers_die},
};

int main(void)
{
    physical = (kernel_physical_t){salto_grant("physical")};
    return guest_run(tests, COUNT(tests));
}
