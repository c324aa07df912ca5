/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of memory objects and address spaces: seeded random maps, unmaps and deaths of objects against a model of
 * which page shows what, with allocations that fail in turn; after every step the page tables must equal the model. The
 * kernel's own files run over a machine of the host (kernel_parts/). Prints TAP.
 */
#include <stdlib.h>
#include <string.h>

#include "cap/capability.h"
#include "cap/factory.h"
#include "host_tap.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/kernel_space.h"
#include "mem/memory.h"
#include "mem/pcid.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "thread/timeout.h"
#include "x86/cpu.h"

#define QUOTA (40UL << 20)
#define SEED 0x3e3092UL
#define STEPS 20000
#define TASKS 3
#define MEMORIES 6
#define WINDOWS 4 /* parts of the address space, each in page tables of its own, that calls aim at */
#define WINDOW_PAGES 12

static const uint64_t windows[WINDOWS] = {USER_START, 0x200000 - 4 * PAGE_SIZE, PROGRAM_MMAP_BASE,
                                          USER_END - WINDOW_PAGES *PAGE_SIZE};

/* What the model knows of a page: which object shows there, which page of it, and how. */
struct page {
    struct memory *memory;
    uint32_t number, rights;
};

static struct page model[TASKS][WINDOWS][WINDOW_PAGES];
static struct task *tasks[TASKS];
static struct memory *memories[MEMORIES];
static struct capability task_holders[TASKS], memory_holders[MEMORIES];
static struct factory *factory;
static uint64_t state = SEED;
static unsigned mapped, occupied, failed;

static uint64_t random_below(uint64_t limit)
{
    return host_random(&state) % limit;
}

static void hold(struct capability *holder, struct object *object)
{
    *holder = (struct capability){0};
    capability_attach(holder, object, RIGHTS_ALL, 0);
}

/* ---- Comparison -------------------------------------------------------------------------------------------------- */

static uint64_t expected_entry(const struct page *page)
{
    uint64_t flags = PTE_PRESENT | PTE_USER | PTE_MEMORY;
    if (!page->memory)
        return 0;
    flags |= page->rights & RIGHT_WRITE ? PTE_WRITE : 0;
    flags |= page->rights & RIGHT_EXECUTE ? 0 : PTE_NO_EXECUTE;
    return memory_frame(page->memory, page->number) | flags;
}

static bool windows_match(int task)
{
    for (int window = 0; window < WINDOWS; window++)
        for (int page = 0; page < WINDOW_PAGES; page++) {
            const uint64_t *entry = space_entry(&tasks[task]->space, windows[window] + (uint64_t)page * PAGE_SIZE);
            if ((entry ? *entry : 0) != expected_entry(&model[task][window][page]))
                return false;
        }
    return true;
}

/* Counts present entries of the last level, so that nothing is mapped where the model does not look. */
static uint64_t count_pages(uint64_t table, int level)
{
    const uint64_t *entries = physical_to_virtual(table & PTE_ADDRESS);
    uint64_t count = 0;
    for (int i = 0; i < (level == 3 ? 256 : 512); i++)
        if (entries[i] & PTE_PRESENT)
            count += level > 0 ? count_pages(entries[i], level - 1) : 1;
    return count;
}

static uint64_t count_model(int task)
{
    uint64_t count = 0;
    for (int window = 0; window < WINDOWS; window++)
        for (int page = 0; page < WINDOW_PAGES; page++)
            count += model[task][window][page].memory != NULL;
    return count;
}

static bool all_match(void)
{
    for (int task = 0; task < TASKS; task++)
        if (!windows_match(task) || count_pages(tasks[task]->space.pml4, 3) != count_model(task))
            return false;
    return true;
}

/* ---- Operations: each on the kernel and on the model ------------------------------------------------------------- */

static bool range_is_free(const struct page *pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (pages[i].memory)
            return false;
    return true;
}

static bool map(int task, int window, uint32_t first, uint32_t count)
{
    struct memory *memory = memories[random_below(MEMORIES)];
    uint32_t offset = (uint32_t)random_below(memory->pages + 1), rights = (uint32_t)random_below(8);
    struct page *pages = &model[task][window][first];
    enum error expected = ERROR_NONE;
    if (count == 0 || offset + count > memory->pages || (rights & RIGHT_WRITE && rights & RIGHT_EXECUTE))
        expected = ERROR_BAD_ARGUMENT;
    else if (!range_is_free(pages, count))
        expected = ERROR_OCCUPIED;
    enum error error =
        memory_map(memory, tasks[task], windows[window] + (uint64_t)first * PAGE_SIZE, offset, count, rights);
    occupied += error == ERROR_OCCUPIED;
    if (error == ERROR_NO_MEMORY && host_memory_failed())
        return ++failed;
    for (uint32_t i = 0; error == ERROR_NONE && i < count; i++)
        pages[i] = (struct page){memory, offset + i, rights};
    mapped += error == ERROR_NONE;
    return error == expected;
}

/* An unmap must lie within one mapping. Rather than follow mappings, the model trusts a success only where all of the
 * pages show this object, and a refusal only where some page does not, or pages come from more than one mapping. */
static bool unmap(int task, int window, uint32_t first, uint32_t count)
{
    struct page *pages = &model[task][window][first];
    struct memory *memory = pages[0].memory ? pages[0].memory : memories[random_below(MEMORIES)];
    enum error error = host_unmap(memory, tasks[task], windows[window] + (uint64_t)first * PAGE_SIZE, count);
    bool all = count > 0;
    for (uint32_t i = 0; i < count; i++)
        all &= pages[i].memory == memory;
    if (error == ERROR_NO_MEMORY && host_memory_failed())
        return ++failed;
    if (error == ERROR_NONE)
        memset(pages, 0, count * sizeof(*pages));
    return error == ERROR_NONE ? all : error == ERROR_BAD_ADDRESS && (!all || count > 1);
}

/* The object's last capability goes; another takes its place. */
static bool replace(int number)
{
    enum error error;
    struct memory *dead = memories[number];
    for (int task = 0; task < TASKS; task++)
        for (int window = 0; window < WINDOWS; window++)
            for (int page = 0; page < WINDOW_PAGES; page++)
                if (model[task][window][page].memory == dead)
                    model[task][window][page].memory = NULL;
    capability_delete(&memory_holders[number]);
    host_memory_fail_after(-1);
    memories[number] = memory_create(factory, 1 + random_below(20), &error);
    hold(&memory_holders[number], &memories[number]->object);
    return true;
}

static bool random_step(void)
{
    int task = (int)random_below(TASKS), window = (int)random_below(WINDOWS);
    uint32_t first = (uint32_t)random_below(WINDOW_PAGES), count = (uint32_t)random_below(WINDOW_PAGES - first + 1);
    uint64_t kind = random_below(20);
    if (random_below(4) == 0)
        host_memory_fail_after((long)random_below(4));
    bool good = kind < 11   ? map(task, window, first, count)
                : kind < 19 ? unmap(task, window, first, count)
                            : replace((int)random_below(MEMORIES));
    host_memory_fail_after(-1);
    return good;
}

/* ---- Single cases ------------------------------------------------------------------------------------------------ */

static void test_bounds(void)
{
    static const struct {
        uint64_t address;
        uint32_t pages;
        const char *what;
    } bad[] = {
        {0, 1, "page 0"},
        {USER_START - PAGE_SIZE, 2, "below the user half's first page"},
        {USER_START + 1, 1, "misaligned"},
        {USER_END, 1, "the topmost page of the user half"},
        {USER_END - PAGE_SIZE, 2, "a range that reaches it"},
        {UTCB_BASE, 1, "the UTCBs"},
        {UTCB_BASE - PAGE_SIZE, 2, "a range that reaches them"},
        {UTCB_BASE + (MAX_THREADS_PER_TASK - 1UL) * PAGE_SIZE, 1, "the last UTCB"},
        {0x0000800000000000, 1, "the first non-canonical page"},
        {PRIVATE_BASE | 0xffff000000000000, 1, "the kernel's half"},
        {UINT64_MAX - PAGE_SIZE + 1, 1, "the last page of all"},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        host_ok(memory_map(memories[0], tasks[0], bad[i].address, 0, bad[i].pages, RIGHT_READ) == ERROR_BAD_ADDRESS,
                "not mappable: %s", bad[i].what);
    host_ok(host_unmap(memories[0], tasks[0], UTCB_BASE, 1) == ERROR_BAD_ADDRESS, "nor can a UTCB be unmapped");
    host_ok(memory_map(memories[0], tasks[0], USER_START, UINT32_MAX, 1, RIGHT_READ) == ERROR_BAD_ARGUMENT &&
                memory_map(memories[0], tasks[0], USER_START, 1, UINT32_MAX, RIGHT_READ) == ERROR_BAD_ARGUMENT,
            "offsets and sizes beyond the object are refused");
}

static void test_sizes(void)
{
    enum error error = ERROR_NONE;
    host_ok(!memory_create(factory, 0, &error) && error == ERROR_BAD_ARGUMENT, "an object of no page is refused");
    host_ok(!memory_create(factory, MEMORY_MAX_PAGES + 1, &error) && error == ERROR_BAD_ARGUMENT,
            "so is one beyond the largest size");
    uint64_t used = factory->used, frames = host_frames_used();
    host_ok(!memory_create(factory, MEMORY_MAX_PAGES, &error) && error == ERROR_NO_MEMORY && factory->used == used &&
                host_frames_used() == frames,
            "one beyond the quota is refused whole");
}

/* A borrowed object's frames are never freed. */
static void test_borrowed(void)
{
    struct capability holder;
    uint64_t frame = frame_allocate(), used = factory->used;
    struct memory *memory = memory_create_borrowed(factory, frame, 1);
    hold(&holder, &memory->object);
    host_ok(memory_map(memory, tasks[0], STARTUP_TABLE, 0, 1, RIGHT_READ) == ERROR_NONE &&
                (*space_entry(&tasks[0]->space, STARTUP_TABLE) & PTE_ADDRESS) == frame,
            "a borrowed frame is mapped");
    uint64_t flushes = host_flushes;
    capability_delete(&holder);
    host_ok(*space_entry(&tasks[0]->space, STARTUP_TABLE) == 0 && host_flushes > flushes,
            "its mapping goes with it, out of the TLB too");
    frame_free(frame); /* an assertion would fail here if the object had freed it */
    host_ok(factory->used < used + 4 * PAGE_SIZE, "only page tables stay charged");
}

/* The private part: stand-in pages until a page is made; the handed out page is the task's own. */
static void test_private_part(void)
{
    const uint64_t *table = tasks[0]->space.private_table;
    uint64_t slots = (CAPABILITY_SLOTS - PRIVATE_BASE) / PAGE_SIZE;
    bool zeros = true, ones = true;
    for (uint64_t i = 0; i < CAPABILITY_SLOT_PAGES; i++)
        zeros &= table[slots + i] == (page_of_zeros | PTE_PRESENT | PTE_NO_EXECUTE);
    for (uint64_t i = 0; i < IO_BITMAP_PAGES; i++)
        ones &= table[i] == (page_of_ones | PTE_PRESENT | PTE_NO_EXECUTE);
    host_ok(zeros && ones, "a new task sees pages of zeros as slots, of ones as I/O bitmap, read-only");
    void *page = space_private_page(&tasks[0]->space, factory, CAPABILITY_SLOTS + 2 * PAGE_SIZE);
    uint64_t entry = table[slots + 2];
    host_ok(page && (entry & ~PTE_ADDRESS) == (PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE) &&
                physical_to_virtual(entry & PTE_ADDRESS) == page &&
                space_private_page(&tasks[0]->space, factory, CAPABILITY_SLOTS + 2 * PAGE_SIZE) == page,
            "a page of slots is made once, supervisor, not global");
}

/* A thread's creation, with the allocation that fails moved on until none does. */
static void test_every_failure(void)
{
    enum error error = ERROR_NO_MEMORY;
    long attempt = 0;
    bool good = true;
    for (; error != ERROR_NONE && good && attempt < 100; attempt++) {
        uint64_t frames = host_frames_used(), pieces = host_pieces_used(), used = factory->used;
        struct task *task;
        struct capability holder;
        host_memory_fail_after(attempt);
        if ((task = task_create(factory, &error))) {
            hold(&holder, &task->object);
            struct thread *thread = thread_create(factory, task, &error);
            good = (thread != NULL) == (error == ERROR_NONE);
            capability_delete(&holder);
        }
        good &= (error != ERROR_NONE) == host_memory_failed() && host_frames_used() == frames &&
                host_pieces_used() == pieces && factory->used == used && thread_count() == 0;
        host_memory_fail_after(-1);
    }
    host_ok(good && attempt > 9, "each of %ld allocations of a task with a thread may fail", attempt - 1);
}

static void create_all(void)
{
    enum error error;
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = task_create(factory, &error);
        hold(&task_holders[i], &tasks[i]->object);
    }
    for (int i = 0; i < MEMORIES; i++) {
        memories[i] = memory_create(factory, 1 + random_below(20), &error);
        hold(&memory_holders[i], &memories[i]->object);
    }
}

int main(void)
{
    host_kernel_start();
    factory = host_first_factory(QUOTA);
    uint64_t frames = host_frames_used();
    create_all();
    test_bounds();
    test_sizes();
    test_private_part();
    int step = 0;
    while (step < STEPS && random_step() && all_match())
        step++;
    host_ok(step == STEPS, "%d of %d random steps equal the model (seed %#lx)", step, STEPS, SEED);
    host_ok(mapped > STEPS / 40 && occupied > 100 && failed > 10, "%u maps, %u on occupied pages, %u without memory",
            mapped, occupied, failed);
    test_borrowed();
    test_every_failure();
    for (int i = 0; i < TASKS; i++)
        capability_delete(&task_holders[i]);
    for (int i = 0; i < MEMORIES; i++)
        capability_delete(&memory_holders[i]);
    host_ok(factory->used == 0 && host_frames_used() == frames && host_pieces_used() == 0, "everything comes back");
    return host_done();
}
