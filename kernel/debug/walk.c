/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks page tables by the hardware's rules, not by the kernel's own records. See walk.h. */
#include "debug/walk.h"

#include <stdbool.h>

#include "debug/console.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/kernel_space.h"
#include "mem/space.h"
#include "thread/task.h"

#define ENTRIES 512
#define TOP_LEVEL 3
#define CANONICAL_SIGN 0xffff000000000000UL

extern const char kernel_end[];

struct walk {
    struct walk_result result;
    const struct task *task; /* whose tables, or 0 */
    uint64_t value, found;   /* what is searched for in supervisor pages */
};

typedef void (*visit)(struct walk *walk, uint64_t address, uint64_t entry, bool user);

static void complain(struct walk *walk, uint64_t address, uint64_t entry, const char *reason)
{
    walk->result.wrong++;
    console_printf("salto: page walk: task \"%s\": %lx, entry %lx: %s\n", walk->task ? walk->task->name : "", address,
                   entry, reason);
}

static void visit_tables(struct walk *walk, uint64_t table, int level, uint64_t base, bool user, visit visit)
{
    const uint64_t *entries = physical_to_virtual(table & PTE_ADDRESS);
    walk->result.tables++;
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t address = base | i << (PAGE_SHIFT + 9 * level);
        if (level == TOP_LEVEL && i >= ENTRIES / 2)
            address |= CANONICAL_SIGN;
        if (!(entries[i] & PTE_PRESENT))
            continue;
        bool user_here = user && (entries[i] & PTE_USER);
        if (level > 0 && !(entries[i] & PTE_LARGE))
            visit_tables(walk, entries[i], level - 1, address, user_here, visit);
        else
            visit(walk, address, entries[i], user_here);
    }
}

static void check_supervisor(struct walk *walk, uint64_t address, uint64_t entry)
{
    const struct supervisor_pages *row = inventory_find(address);
    uint64_t frame = entry & PTE_ADDRESS;
    bool stand_in = frame == page_of_zeros || frame == page_of_ones;
    walk->result.supervisor_pages++;
    if (!row)
        complain(walk, address, entry, "a supervisor page that the inventory does not list");
    else if (stand_in && (!row->stand_in || (entry & INVENTORY_FLAGS) != PTE_NO_EXECUTE))
        complain(walk, address, entry, "a stand-in page that is not read-only, or not allowed here");
    else if (!stand_in && (entry & INVENTORY_FLAGS) != row->flags)
        complain(walk, address, entry, "other rights than the inventory says");
}

static void check_user(struct walk *walk, uint64_t address, uint64_t entry)
{
    uint64_t frame = entry & PTE_ADDRESS;
    walk->result.user_pages++;
    if (address >= USER_END)
        complain(walk, address, entry, "a user page outside the user half, or at its last page");
    if (entry & PTE_GLOBAL)
        complain(walk, address, entry, "a global user page");
    if ((entry & PTE_WRITE) && !(entry & PTE_NO_EXECUTE))
        complain(walk, address, entry, "writable and executable");
    if (frame >= KERNEL_LOAD_ADDRESS && frame < KERNEL_LOAD_ADDRESS + ((uint64_t)kernel_end - KERNEL_IMAGE_BASE))
        complain(walk, address, entry, "a user page of the kernel's image");
}

static void check(struct walk *walk, uint64_t address, uint64_t entry, bool user)
{
    if (user)
        check_user(walk, address, entry);
    else
        check_supervisor(walk, address, entry);
}

struct walk_result walk_all_tasks(void)
{
    struct walk walk = {.task = task_first()};
    for (; walk.task; walk.task = walk.task->next)
        visit_tables(&walk, walk.task->space.pml4, TOP_LEVEL, 0, true, check);
    return walk.result;
}

static void search(struct walk *walk, uint64_t address, uint64_t entry, bool user)
{
    const uint64_t *page = physical_to_virtual(entry & PTE_ADDRESS);
    (void)address, (void)user;
    for (uint64_t i = 0; i < PAGE_SIZE / sizeof(uint64_t); i++)
        walk->found += page[i] == walk->value;
}

uint64_t walk_search_shared(uint64_t value)
{
    struct walk walk = {.value = value};
    visit_tables(&walk, shared_directory, 1, SHARED_BASE, false, search);
    return walk.found;
}
