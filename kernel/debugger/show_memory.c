/* SPDX-License-Identifier: BSD-2-Clause */
/* Hot lines, capabilities, mappings and page tables, as the debugger shows them. See show.h. */
#include "cap/capability.h"
#include "debug/console.h"
#include "debugger/show.h"
#include "ipc/endpoint.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "mem/space.h"
#include "thread/task.h"
#include "thread/thread.h"

#define LEVELS 4
#define LEVEL_SHIFT 9

static const char *const type_names[OBJECT_TYPES] = {
    [OBJECT_DEAD] = "dead",           [OBJECT_FACTORY] = "factory",
    [OBJECT_TASK] = "task",           [OBJECT_THREAD] = "thread",
    [OBJECT_ENDPOINT] = "endpoint",   [OBJECT_MEMORY] = "memory",
    [OBJECT_CONSOLE] = "console",     [OBJECT_CLOCK] = "clock",
    [OBJECT_POWER] = "power",         [OBJECT_DEBUG] = "debug",
    [OBJECT_REPLY] = "reply",         [OBJECT_NOTIFICATION] = "notification",
    [OBJECT_INTERRUPT] = "interrupt", [OBJECT_INTERRUPT_CONTROL] = "interrupt control",
    [OBJECT_PORTS] = "ports",         [OBJECT_PHYSICAL] = "physical addresses",
};

void show_hot_line(const struct thread *thread)
{
    const struct hot_thread *line = thread->hot;
    console_printf("hot line %lx of ", (uint64_t)line);
    print_thread(thread);
    console_printf("\n  rip %016lx rsp %016lx flags %lx\n", line->rip, line->rsp, line->flags);
    console_printf("  fs  %016lx gs  %016lx cr3 %lx\n", line->fs_base, line->user_gs, line->cr3);
    console_printf("  partner %lx waits %lx caller %lx\n", (uint64_t)line->partner, line->waits,
                   (uint64_t)line->caller);
    console_printf("  receive handle %lx endpoint %lx\n", line->receive_handle, line->receive_endpoint);
    console_printf("  save %lx thread %lx gate %lx utcb words %lx reflect %lx\n", line->save, (uint64_t)line->thread,
                   (uint64_t)line->gate, (uint64_t)line->utcb_words, line->reflect);
}

/* What the object is called, where it has a name or a number. */
static void print_object(const struct object *object)
{
    const char *name = object->type < OBJECT_TYPES ? type_names[object->type] : 0;
    console_printf("%s ", name ? name : "?");
    if (object->type == OBJECT_TASK)
        console_printf("%s", ((const struct task *)object)->name);
    else if (object->type == OBJECT_THREAD)
        print_thread((const struct thread *)object);
    else if (object->type == OBJECT_ENDPOINT)
        console_printf("%u", endpoint_line_number((const struct endpoint *)object));
    else
        console_printf("%lx", (uint64_t)object);
}

void show_capabilities(const struct task *task)
{
    for (uint32_t handle = 0; handle < task->table.limit; handle++) {
        const struct capability *capability = capability_find(&task->table, handle);
        if (!capability)
            continue;
        console_printf("%5u: ", handle);
        print_object(capability->object);
        console_printf(", rights %s%s%s%s", capability->rights & RIGHT_READ ? "r" : "-",
                       capability->rights & RIGHT_WRITE ? "w" : "-", capability->rights & RIGHT_EXECUTE ? "x" : "-",
                       capability->rights & RIGHT_COPY ? "c" : "-");
        console_printf(capability->badge ? ", badge %lx\n" : "\n", capability->badge);
    }
}

void show_mappings(const struct task *task)
{
    const struct mapping *mapping;
    for (uint64_t from = 0; (mapping = mapping_find(task, from, USER_END)); from = mapping_end(mapping))
        console_printf("%012lx: %u pages, rights %s%s%s, of memory %lx from page %u on\n", mapping_address(mapping),
                       mapping->pages, mapping->rights & RIGHT_READ ? "r" : "-",
                       mapping->rights & RIGHT_WRITE ? "w" : "-", mapping->rights & RIGHT_EXECUTE ? "x" : "-",
                       (uint64_t)mapping->memory, mapping->offset);
}

static void show_entry(int level, uint64_t index, uint64_t entry)
{
    static const char *const names[LEVELS] = {"PT", "PD", "PDPT", "PML4"};
    console_printf("  %-4s[%3lu] %016lx", names[level], index, entry);
    if (entry & PTE_PRESENT)
        console_printf(" %s%s%s%s%s, frame %lx", entry & PTE_WRITE ? "write " : "read ",
                       entry & PTE_USER ? "user " : "supervisor ", entry & PTE_GLOBAL ? "global " : "",
                       entry & PTE_NO_EXECUTE ? "no-execute" : "execute", level && (entry & PTE_LARGE) ? " large" : "",
                       entry & PTE_ADDRESS);
    console_printf(entry & PTE_PRESENT ? "\n" : " not present\n");
}

/* Intel SDM volume 3, 4.5. */
void show_page_tables(const struct task *task, uint64_t address)
{
    uint64_t table = task->space.pml4;
    for (int level = LEVELS - 1; level >= 0; level--) {
        uint64_t index = address >> (PAGE_SHIFT + level * LEVEL_SHIFT) & 511;
        uint64_t entry = ((const uint64_t *)physical_to_virtual(table))[index];
        show_entry(level, index, entry);
        if (!(entry & PTE_PRESENT) || (level && (entry & PTE_LARGE)))
            return;
        table = entry & PTE_ADDRESS;
    }
}
