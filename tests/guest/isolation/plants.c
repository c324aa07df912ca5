/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wrong pages, planted one at a time in a task that never runs, and taken back: the walk of all page tables must report
 * each, and nothing before and after.
 */
#include "plants.h"

#include "../common/guest.h"
#include "abi/addresses.h"

/* Bits of an entry, Intel SDM volume 3, 4.5. */
#define PTE_PRESENT 0x1UL
#define PTE_WRITE 0x2UL
#define PTE_USER 0x4UL
#define PTE_GLOBAL 0x100UL
#define PTE_NO_EXECUTE (1UL << 63)

#define DATA 0x300000000000UL /* a page that may be written */
#define CONSTANT (DATA + PAGE_SIZE)
#define UNMAPPED (DATA + 2 * PAGE_SIZE)
#define LAST_PAGE (USER_END - PAGE_SIZE)
#define PRIVATE_GAP (IO_BITMAP + IO_BITMAP_PAGES * PAGE_SIZE) /* listed nowhere */
#define SHARED_GAP (TRAMPOLINE_TEXT + TRAMPOLINE_TEXT_PAGES * PAGE_SIZE)
#define LAST_SLOTS (CAPABILITY_SLOTS + (CAPABILITY_SLOT_PAGES - 1) * PAGE_SIZE)
#define KERNEL_IMAGE 1UL /* in place of the address of a page: the frame of the kernel's image */
#define FREE_FRAME 2UL   /* a frame that nobody uses */

/* The entry for `address` becomes what it is for the page at `source`, with some bits set and some cleared. */
struct plant {
    const char *name;
    uint64_t address, source;
    uint64_t set, clear;
};

static const struct plant plants[] = {
    {"writable and executable", DATA, DATA, 0, PTE_NO_EXECUTE},
    {"a global user page", DATA, DATA, PTE_GLOBAL, 0},
    {"a page in the user half without the user bit", DATA, DATA, 0, PTE_USER},
    {"a page that may be written, mapped read-only", CONSTANT, CONSTANT, PTE_WRITE, 0},
    {"a page that may be executed, mapped as data", CONSTANT, CONSTANT, 0, PTE_NO_EXECUTE},
    {"a user page that was never mapped", UNMAPPED, DATA, 0, 0},
    {"the topmost page of the user half", USER_END, LAST_PAGE, 0, 0},
    {"a user page with another frame", DATA, CONSTANT, PTE_WRITE, 0},
    {"a user page that shows the save area", DATA, SAVE_AREA, PTE_USER, 0},
    {"a user page that shows hot state", DATA, HOT_THREADS, PTE_USER, PTE_GLOBAL},
    {"a user page that shows the trampoline", CONSTANT, TRAMPOLINE_TEXT, PTE_USER | PTE_NO_EXECUTE, PTE_GLOBAL},
    {"a user page that shows the kernel's image", DATA, KERNEL_IMAGE, PTE_USER | PTE_WRITE | PTE_NO_EXECUTE, 0},
    {"a user page that shows a free frame", DATA, FREE_FRAME, 0, 0},
    {"a UTCB that may be executed", UTCB_BASE, UTCB_BASE, 0, PTE_NO_EXECUTE},
    {"a UTCB with another frame", UTCB_BASE, DATA, 0, 0},
    {"a supervisor page that the inventory does not list", PRIVATE_GAP, SAVE_AREA, 0, 0},
    {"a supervisor page that shows a program's", PRIVATE_GAP, DATA, 0, PTE_USER},
    {"a second page with the same frame of the save area", SAVE_AREA + PAGE_SIZE, SAVE_AREA, 0, 0},
    {"a save area that may be executed", SAVE_AREA, SAVE_AREA, 0, PTE_NO_EXECUTE},
    {"a save area with the user bit", SAVE_AREA, SAVE_AREA, PTE_USER, 0},
    {"a private page that is global", SAVE_AREA, SAVE_AREA, PTE_GLOBAL, 0},
    {"a stand-in page that may be written", LAST_SLOTS, LAST_SLOTS, PTE_WRITE, 0},
    {"a stand-in page that may be executed", IO_BITMAP, IO_BITMAP, 0, PTE_NO_EXECUTE},
    {"a stand-in page in place of the TSSs", TSS_AREA + PAGE_SIZE, IO_BITMAP, PTE_GLOBAL, 0},
    {"a shared page that the inventory does not list", SHARED_GAP, TRAMPOLINE_TEXT, PTE_NO_EXECUTE, 0},
    {"a trampoline that may be written", TRAMPOLINE_TEXT, TRAMPOLINE_TEXT, PTE_WRITE, 0},
    {"hot state that may be executed", HOT_THREADS, HOT_THREADS, 0, PTE_NO_EXECUTE},
    {"hot state with the user bit", HOT_THREADS, HOT_THREADS, PTE_USER, 0},
    {"a CPU's area that is not global", CPU_AREA, CPU_AREA, 0, PTE_GLOBAL},
};

static uint64_t entry_of(kernel_task_t task, uint64_t address)
{
    uint64_t entry = 0;
    EXPECT_EQUAL(kernel_debug_page_entry(debug, task, address, &entry), 0);
    return entry;
}

static void set_entry(kernel_task_t task, uint64_t address, uint64_t entry)
{
    EXPECT_EQUAL(kernel_debug_set_page_entry(debug, task, address, entry, true), 0);
}

uint64_t walk_wrong_pages(void)
{
    uint64_t tables = 0, supervisor_pages = 0, wrong = ~0UL;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &supervisor_pages, &wrong), 0);
    EXPECT(tables > 4 && supervisor_pages > 4);
    return wrong;
}

static uint64_t source_entry(kernel_task_t task, uint64_t source, uint64_t free_entry)
{
    if (source == KERNEL_IMAGE)
        return KERNEL_LOAD_ADDRESS | PTE_PRESENT;
    return source == FREE_FRAME ? free_entry : entry_of(task, source);
}

static void plant_one(kernel_task_t task, const struct plant *plant, uint64_t free_entry)
{
    uint64_t before = entry_of(task, plant->address);
    uint64_t entry = (source_entry(task, plant->source, free_entry) | plant->set) & ~plant->clear;
    EXPECT(entry != before);
    set_entry(task, plant->address, entry);
    if (!EXPECT(walk_wrong_pages() >= 1))
        guest_expect(false, plant->name, __LINE__, "was not reported");
    set_entry(task, plant->address, before);
    if (!EXPECT_EQUAL(walk_wrong_pages(), 0))
        guest_expect(false, plant->name, __LINE__, "was not taken back");
}

/* An entry with a frame that is free as long as nobody asks for memory. */
static uint64_t make_free_entry(kernel_task_t task)
{
    kernel_memory_t memory = {guest_memory(1)};
    EXPECT_EQUAL(kernel_memory_map(memory, task, UNMAPPED, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    uint64_t entry = entry_of(task, UNMAPPED);
    guest_delete(memory.handle);
    EXPECT_EQUAL(entry_of(task, UNMAPPED), 0);
    return entry;
}

void walk_reports_plants(void)
{
    kernel_task_t task = guest_new_task();
    kernel_memory_t memory = {guest_memory(3)};
    kernel_thread_t thread;
    uint32_t number;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, task, &thread, &number), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, DATA, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, CONSTANT, 1, 1, KERNEL_RIGHTS_READ), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, task, LAST_PAGE, 2, 1, KERNEL_RIGHTS_READ), 0);
    uint64_t free_entry = make_free_entry(task);
    EXPECT_EQUAL(walk_wrong_pages(), 0);
    for (unsigned i = 0; i < sizeof(plants) / sizeof(plants[0]); i++)
        plant_one(task, &plants[i], free_entry);
    guest_delete(thread.handle);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

/* A private page of one task in another: each by itself is as the inventory says. */
void walk_reports_second_user(void)
{
    kernel_task_t tasks[2] = {guest_new_task(), guest_new_task()};
    kernel_thread_t threads[2];
    uint32_t number;
    for (int i = 0; i < 2; i++)
        EXPECT_EQUAL(kernel_factory_create_thread(own_factory, tasks[i], &threads[i], &number), 0);
    uint64_t own = entry_of(tasks[1], SAVE_AREA);
    set_entry(tasks[1], SAVE_AREA, entry_of(tasks[0], SAVE_AREA));
    EXPECT(walk_wrong_pages() >= 1);
    set_entry(tasks[1], SAVE_AREA, own);
    EXPECT_EQUAL(walk_wrong_pages(), 0);
    for (int i = 0; i < 2; i++) {
        guest_delete(threads[i].handle);
        guest_delete(tasks[i].handle);
    }
}

void entries_that_are_not_there(void)
{
    kernel_task_t task = guest_new_task();
    uint64_t entry;
    static const uint64_t addresses[] = {0, DATA, USER_END, 0x0000800000000000, 0x7fff800000000000, PHYSICAL_MAP};
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        EXPECT_ERROR(kernel_debug_page_entry(debug, task, addresses[i], &entry), BAD_ADDRESS);
        EXPECT_ERROR(kernel_debug_set_page_entry(debug, task, addresses[i], 0, false), BAD_ADDRESS);
    }
    guest_delete(task.handle);
}
