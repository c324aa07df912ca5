/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts root. The kernel loads only the two files that every start needs; root loads all other programs. A file with
 * anything wrong is refused whole, with a reason, before anything is made of it.
 */
#include "boot/root.h"

#include "abi/capability.h"
#include "abi/startup.h"
#include "boot/archive.h"
#include "boot/boot.h"
#include "boot/elf.h"
#include "cap/factory.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "debug/string.h"
#include "ipc/hot.h"
#include "irq/line.h"
#include "irq/ports.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "mem/physical.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/acpi.h"
#include "x86/clock.h"
#include "x86/timer.h"

#define ROOT_STACK_PAGES 64
#define KERNEL_RESERVE (4UL << 20) /* page tables of the shared part, and the like, which no quota pays for */

static struct object console_object = {.type = OBJECT_CONSOLE}, log_object = {.type = OBJECT_CONSOLE, .number = 1};
static struct object power_object = {.type = OBJECT_POWER};
static struct object debug_object = {.type = OBJECT_DEBUG};

static _Noreturn void refuse(const char *file, const char *reason)
{
    console_printf("salto: boot archive: %s: %s\n", file, reason);
    power_off(1);
}

static const char *archive_data(void)
{
    return physical_to_virtual(boot_info.archive.start);
}

static uint64_t archive_size(void)
{
    return boot_info.archive.end - boot_info.archive.start;
}

static const struct elf_program_header *program_header(const struct elf_header *elf, unsigned index)
{
    return (const void *)((const char *)elf + elf->program_headers +
                          (uint64_t)index * sizeof(struct elf_program_header));
}

static void check_segment(const char *name, const struct elf_program_header *segment, size_t size)
{
    uint64_t pages = (segment->address % PAGE_SIZE + segment->memory_size + PAGE_SIZE - 1) / PAGE_SIZE;
    if (segment->offset > size || segment->file_size > size - segment->offset)
        refuse(name, "a segment lies outside the file");
    if (segment->memory_size < segment->file_size || segment->memory_size > (1UL << 30))
        refuse(name, "a segment's size in memory is less than in the file, or over 1 GiB");
    if ((segment->flags & ELF_FLAG_WRITE) && (segment->flags & ELF_FLAG_EXECUTE))
        refuse(name, "a segment is writable and executable");
    if (!space_mappable(segment->address & ~(uint64_t)(PAGE_SIZE - 1), pages))
        refuse(name, "a segment lies outside the user half");
}

static const struct elf_header *check_elf(const char *name, const char *data, size_t size)
{
    const struct elf_header *elf = (const void *)data;
    if (size < sizeof(struct elf_header) || memcmp(elf->ident, ELF_MAGIC, ELF_MAGIC_SIZE) != 0)
        refuse(name, "not a 64-bit little-endian ELF file");
    if (elf->type != ELF_TYPE_EXECUTABLE || elf->machine != ELF_MACHINE_X86_64)
        refuse(name, "not an executable for x86-64");
    if (elf->program_header_size != sizeof(struct elf_program_header) || elf->program_headers > size ||
        elf->program_header_count > (size - elf->program_headers) / sizeof(struct elf_program_header))
        refuse(name, "its program headers lie outside the file");
    for (unsigned i = 0; i < elf->program_header_count; i++)
        if (program_header(elf, i)->type == ELF_LOAD)
            check_segment(name, program_header(elf, i), size);
    return elf;
}

static void copy_in(struct memory *memory, uint64_t position, const char *data, uint64_t size)
{
    while (size > 0) {
        uint64_t within = position % PAGE_SIZE, piece = PAGE_SIZE - within < size ? PAGE_SIZE - within : size;
        char *page = physical_to_virtual(memory_frame(memory, (uint32_t)(position / PAGE_SIZE)));
        memcpy(page + within, data, piece);
        position += piece, data += piece, size -= piece;
    }
}

/* Memory of `size` bytes from the page of `address` on, mapped there; it lives as long as a capability in root's
 * table. */
static struct memory *map_new(const char *name, struct task *task, uint64_t address, uint64_t size, uint32_t rights)
{
    enum error error;
    uint32_t handle;
    uint64_t start = address & ~(uint64_t)(PAGE_SIZE - 1), pages = (address - start + size + PAGE_SIZE - 1) / PAGE_SIZE;
    struct memory *memory = memory_create(task->object.payer, pages, &error);
    if (!memory || capability_publish(task, &memory->object, RIGHTS_ALL, &handle) != ERROR_NONE)
        refuse(name, "not enough memory to load it");
    if (memory_map(memory, task, start, 0, (uint32_t)pages, rights) != ERROR_NONE)
        refuse(name, "a segment overlaps another");
    return memory;
}

static uint32_t segment_rights(const struct elf_program_header *segment)
{
    return RIGHT_READ | (segment->flags & ELF_FLAG_WRITE ? RIGHT_WRITE : 0) |
           (segment->flags & ELF_FLAG_EXECUTE ? RIGHT_EXECUTE : 0);
}

/* Loads a file of the archive. Returns its entry point. */
static uint64_t load(struct task *task, const char *name)
{
    const char *data;
    size_t size;
    if (!archive_find(archive_data(), archive_size(), name, &data, &size))
        refuse(name, "no such file, or the archive is damaged");
    const struct elf_header *elf = check_elf(name, data, size);
    for (unsigned i = 0; i < elf->program_header_count; i++) {
        const struct elf_program_header *segment = program_header(elf, i);
        if (segment->type != ELF_LOAD || segment->memory_size == 0)
            continue;
        struct memory *memory = map_new(name, task, segment->address, segment->memory_size, segment_rights(segment));
        copy_in(memory, segment->address % PAGE_SIZE, data + segment->offset, segment->file_size);
    }
    return elf->entry;
}

static void give(struct task *task, struct startup_table *table, const char *name, struct object *object,
                 uint32_t rights, uint32_t expected)
{
    uint32_t handle = 0;
    if (capability_publish(task, object, rights, &handle) != ERROR_NONE)
        refuse("root", "not enough memory for its capabilities");
    assert(handle == expected);
    struct startup_grant *grant = &table->grants[table->grants_count++];
    memcpy(grant->name, name, strlen(name) + 1);
    grant->handle = handle;
    grant->interface = (uint16_t)object->type;
}

static void give_all(struct task *task, struct startup_table *table)
{
    struct memory *archive = memory_create_borrowed(task->object.payer, boot_info.archive.start,
                                                    (archive_size() + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!archive)
        refuse("root", "not enough memory for the archive's memory object");
    give(task, table, "task", &task->object, RIGHTS_ALL, ROOT_TASK);
    give(task, table, "factory", &task->object.payer->object, RIGHTS_ALL, ROOT_FACTORY);
    give(task, table, "console", &console_object, RIGHTS_ALL, ROOT_CONSOLE);
    give(task, table, "log", &log_object, RIGHTS_ALL, ROOT_LOG);
    give(task, table, "clock", clock_initialise(), RIGHTS_ALL, ROOT_CLOCK);
    give(task, table, "power", &power_object, RIGHTS_ALL, ROOT_POWER);
    give(task, table, "debug", &debug_object, RIGHTS_ALL, ROOT_DEBUG);
    give(task, table, "archive", &archive->object, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY, ROOT_ARCHIVE_MEMORY);
    give(task, table, "ports", &ports_all()->object, RIGHTS_ALL, ROOT_PORTS);
    give(task, table, "interrupts", interrupt_control(), RIGHTS_ALL, ROOT_INTERRUPTS);
    give(task, table, "physical", physical_all(), RIGHTS_ALL, ROOT_PHYSICAL);
    if (memory_map(archive, task, ROOT_ARCHIVE, 0, archive->pages, RIGHT_READ) != ERROR_NONE)
        refuse("root", "the archive cannot be mapped");
}

void root_start(void)
{
    enum error error;
    static struct startup_table table;
    if (archive_size() == 0)
        refuse("(none)", "the boot loader gave no module; give it a server set's archive");
    if (boot_info.archive.start % PAGE_SIZE != 0)
        refuse("(module)", "the boot loader did not align it to a page");
    struct factory *factory = factory_create_first(frame_count_free() * PAGE_SIZE - KERNEL_RESERVE);
    factory->limit -= hot_reserve(factory->limit, &factory->slots);
    struct task *task = task_create(factory, &error);
    if (!task)
        refuse("root", "not enough memory for the first task");
    task->priority_limit = PRIORITIES - 1;
    memcpy(task->name, "root", sizeof("root"));
    give_all(task, &table);
    table.magic = STARTUP_MAGIC;
    table.tsc_hertz = tsc_hertz();
    table.tsc_start = tsc_start();
    table.program_entry = load(task, "root");
    uint64_t start = load(task, "linux");
    map_new("root", task, PROGRAM_STACK_TOP - ROOT_STACK_PAGES * PAGE_SIZE, ROOT_STACK_PAGES * PAGE_SIZE,
            RIGHT_READ | RIGHT_WRITE);
    copy_in(map_new("root", task, STARTUP_TABLE, sizeof(table), RIGHT_READ), 0, (const char *)&table, sizeof(table));
    task->linux_handler = LINUX_HANDLER_ENTRY;
    struct thread *thread = thread_create(factory, task, &error);
    uint32_t handle;
    if (!thread || capability_publish(task, &thread->object, RIGHTS_ALL, &handle) != ERROR_NONE)
        refuse("root", "not enough memory for the first thread");
    schedule_set_priority(&thread->context, PRIORITIES - 1); /* it supervises programs of any priority */
    thread_start(thread, start, PROGRAM_STACK_TOP - 16, 0, table.program_entry);
}
