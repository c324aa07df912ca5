/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port ranges and I/O bitmaps. See ports.h. The bitmap: Intel SDM volume 1, 19.5.2 (a port is open if the bits of all
 * its bytes are zero); the processor finds it through the TSS in the private part of the current address space.
 */
#include "irq/ports.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/slab.h"
#include "mem/space.h"
#include "thread/task.h"

#define PORTS_PER_PAGE (PAGE_SIZE * 8U)
#define WORD_BITS 64
#define FORGOTTEN_AT_ONCE 16

_Static_assert(PORTS_COUNT / PORTS_PER_PAGE < IO_BITMAP_PAGES, "the bits fit, and the last page stays all ones");

struct ports *ports_all(void)
{
    static struct ports all = {.object = {.type = OBJECT_PORTS}, .end = PORTS_COUNT};
    return &all;
}

struct ports *ports_create(struct factory *payer, const struct ports *parent, uint32_t first, uint32_t count,
                           enum error *error)
{
    *error = ERROR_BAD_ARGUMENT;
    if (count == 0 || first < parent->first || first >= parent->end || count > parent->end - first)
        return 0;
    struct ports *ports = object_allocate(payer, OBJECT_PORTS, sizeof(struct ports));
    *error = ERROR_NO_MEMORY;
    if (!ports)
        return 0;
    *error = ERROR_NONE;
    ports->first = first;
    ports->end = first + count;
    return ports;
}

/* ---- Bitmap ---------------------------------------------------------------------------------------------------- */

/* The address of the bitmap page for `port`. */
static uint64_t bitmap_address(uint32_t port)
{
    return IO_BITMAP + (uint64_t)(port / PORTS_PER_PAGE) * PAGE_SIZE;
}

/* The task's own bitmap page for `port`; 0 if it has none and cannot get one. A new one is zeroed. */
static uint64_t *bitmap_page(struct task *task, uint32_t port)
{
    return space_private_page(&task->space, task->object.payer, bitmap_address(port));
}

/* Opens or closes ports within one word of the bitmap: bits `first` to `end` - 1. */
static void change_word(uint64_t *word, uint32_t first, uint32_t end, bool open)
{
    uint64_t mask = ~0UL << first & ~0UL >> (WORD_BITS - end);
    *word = open ? *word & ~mask : *word | mask;
}

/* Opens or closes ports of one page: bits `first` to `end` - 1, perhaps none. */
static void change_page(uint64_t *page, uint32_t first, uint32_t end, bool open)
{
    uint32_t word = first / WORD_BITS, last = (end - 1) / WORD_BITS;
    if (first == end)
        return;
    if (word == last)
        return change_word(&page[word], first % WORD_BITS, (end - 1) % WORD_BITS + 1, open);
    change_word(&page[word], first % WORD_BITS, WORD_BITS, open);
    __builtin_memset(&page[word + 1], open ? 0 : 0xff, (last - word - 1) * sizeof(uint64_t));
    change_word(&page[last], 0, (end - 1) % WORD_BITS + 1, open);
}

/* Closes ports `first` to `end` - 1, whose bitmap pages exist. */
static void close_ports(struct task *task, uint32_t first, uint32_t end)
{
    while (first < end) {
        uint32_t base = first / PORTS_PER_PAGE * PORTS_PER_PAGE;
        uint32_t stop = end - base < PORTS_PER_PAGE ? end : base + PORTS_PER_PAGE;
        change_page(bitmap_page(task, first), first - base, stop - base, false);
        first = stop;
    }
}

/* Closes those of the ports `first` to `end` - 1 that no grant of the task covers. The list is sorted, so what lies
 * before a grant's first port and behind all earlier ones' ends is covered by none. */
static void close_uncovered(struct task *task, uint32_t first, uint32_t end)
{
    for (const struct port_grant *grant = task->port_grants; grant && first < end; grant = grant->task_next) {
        uint32_t gap_end = grant->ports->first < end ? grant->ports->first : end;
        if (first < gap_end)
            close_ports(task, first, gap_end);
        if (first < grant->ports->end)
            first = grant->ports->end;
    }
    if (first < end)
        close_ports(task, first, end);
}

/* Opens bits `first` to `end` - 1 of the page that begins with port `base`. A new page, whose zeros leave all ports
 * open, is filled around them; interrupts are off, so nobody sees it before. */
static bool open_in_page(struct task *task, uint32_t base, uint32_t first, uint32_t end)
{
    bool fresh = space_is_stand_in(&task->space, bitmap_address(base));
    uint64_t *page = bitmap_page(task, base);
    if (!page)
        return false;
    if (fresh) {
        change_page(page, 0, first, false);
        change_page(page, end, PORTS_PER_PAGE, false);
    } else {
        change_page(page, first, end, true);
    }
    return true;
}

/* Opens ports `first` to `end` - 1; false without memory for a page, and then no port has changed. */
static bool open_ports(struct task *task, uint32_t first, uint32_t end)
{
    for (uint32_t at = first; at < end;) {
        uint32_t base = at / PORTS_PER_PAGE * PORTS_PER_PAGE;
        uint32_t stop = end - base < PORTS_PER_PAGE ? end : base + PORTS_PER_PAGE;
        if (!open_in_page(task, base, at - base, stop - base)) {
            close_uncovered(task, first, at);
            return false;
        }
        at = stop;
    }
    return true;
}

/* ---- Grants ---------------------------------------------------------------------------------------------------- */

static struct port_grant *find_grant(const struct ports *ports, const struct task *task)
{
    for (struct port_grant *grant = task->port_grants; grant; grant = grant->task_next)
        if (grant->ports == ports)
            return grant;
    return 0;
}

static void link_to_ports(struct port_grant *grant)
{
    struct ports *ports = grant->ports;
    grant->ports_next = ports->grants;
    if (ports->grants)
        ports->grants->ports_previous = grant;
    ports->grants = grant;
}

/* Behind all that begin earlier. */
static void link_to_task(struct port_grant *grant)
{
    struct task *task = grant->task;
    struct port_grant *before = 0, *after = task->port_grants;
    for (; after && after->ports->first < grant->ports->first; after = after->task_next)
        before = after;
    grant->task_previous = before;
    grant->task_next = after;
    if (after)
        after->task_previous = grant;
    if (before)
        before->task_next = grant;
    else
        task->port_grants = grant;
    task->port_grants_count++;
}

static void unlink_grant(struct port_grant *grant)
{
    if (grant->ports_next)
        grant->ports_next->ports_previous = grant->ports_previous;
    if (grant->ports_previous)
        grant->ports_previous->ports_next = grant->ports_next;
    else
        grant->ports->grants = grant->ports_next;
    if (grant->task_next)
        grant->task_next->task_previous = grant->task_previous;
    if (grant->task_previous)
        grant->task_previous->task_next = grant->task_next;
    else
        grant->task->port_grants = grant->task_next;
    grant->task->port_grants_count--;
}

static void free_grant(struct port_grant *grant)
{
    unlink_grant(grant);
    slab_free(grant);
}

static void drop_grant(struct port_grant *grant)
{
    struct task *task = grant->task;
    const struct ports *ports = grant->ports;
    free_grant(grant);
    close_uncovered(task, ports->first, ports->end);
}

/* A record, charged to the task that the ports are granted to. */
static struct port_grant *grant_allocate(struct task *task)
{
    return slab_allocate(task->object.payer, sizeof(struct port_grant));
}

enum error ports_grant(struct ports *ports, struct task *task)
{
    if (find_grant(ports, task))
        return ERROR_OCCUPIED;
    if (task->port_grants_count == PORT_GRANTS_MOST)
        return ERROR_NO_SLOT;
    struct port_grant *grant = grant_allocate(task);
    if (!grant)
        return ERROR_NO_MEMORY;
    if (!open_ports(task, ports->first, ports->end)) {
        slab_free(grant);
        return ERROR_NO_MEMORY;
    }
    grant->ports = ports;
    grant->task = task;
    link_to_ports(grant);
    link_to_task(grant);
    return ERROR_NONE;
}

enum error ports_withdraw(struct ports *ports, struct task *task)
{
    struct port_grant *grant = find_grant(ports, task);
    if (!grant)
        return ERROR_BAD_ARGUMENT;
    drop_grant(grant);
    return ERROR_NONE;
}

void ports_forget_task_piece(struct task *task)
{
    for (int i = 0; i < FORGOTTEN_AT_ONCE && task->port_grants; i++)
        free_grant(task->port_grants);
}

void ports_destroy_piece(struct ports *ports)
{
    if (ports->grants)
        return drop_grant(ports->grants);
    object_free(&ports->object);
}
