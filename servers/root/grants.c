/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands out capabilities: what the manifest says and nothing else, but for the three that every program has of its own
 * (its task, its first thread, its factory). No copy right goes with those, so they stay in the task.
 */
#include <salto/startup.h>
#include <stdio.h>
#include <string.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "idl/interrupt.h"
#include "idl/memory.h"
#include "idl/physical.h"
#include "idl/ports.h"
#include "root.h"

/* Interface ids of the kernel's objects (idl/kernel), for the start-up table. */
#define INTERFACE_FACTORY 1
#define INTERFACE_TASK 2
#define INTERFACE_THREAD 3

/* The kernel's objects that a manifest can name: what root's own start-up table calls them. */
static const char *const object_names[MANIFEST_OBJECTS] = {
    [MANIFEST_CONSOLE] = "console", [MANIFEST_LOG] = "log",           [MANIFEST_CLOCK] = "clock",
    [MANIFEST_POWER] = "power",     [MANIFEST_DEBUG] = "debug",       [MANIFEST_INTERRUPTS] = "interrupts",
    [MANIFEST_ARCHIVE] = "archive", [MANIFEST_PHYSICAL] = "physical",
};

bool grants_make_endpoints(struct program *program, const struct program *image)
{
    for (uint32_t i = 0; i < program->manifest->endpoints_count; i++) {
        kernel_endpoint_t endpoint = {0};
        int result = kernel_factory_create_endpoint(image->factory, &endpoint);
        if (result)
            return program_problem(program, "an endpoint cannot be created", result);
        program->endpoints[i] = endpoint.handle;
    }
    return true;
}

/* Interface of what root's own start-up table calls `name`; 0 if unknown. */
static uint32_t interface_of(const char *name)
{
    const struct startup_table *table = salto_startup_table();
    for (uint32_t i = 0; table && i < table->grants_count; i++) {
        if (strcmp(table->grants[i].name, name) == 0)
            return table->grants[i].interface;
    }
    return 0;
}

/* Adds a line to the table. It has room: the manifest allows fewer names than the table (asserted below). */
static void add_line(struct startup_table *table, const char *name, uint32_t handle, uint32_t interface)
{
    struct startup_grant *grant = &table->grants[table->grants_count++];
    memset(grant, 0, sizeof(*grant));
    strncpy(grant->name, name, sizeof(grant->name) - 1);
    grant->handle = handle;
    grant->interface = (uint16_t)interface;
}

_Static_assert(3 + MANIFEST_MAX_ENDPOINTS + MANIFEST_MAX_GRANTS <= MANIFEST_MAX_NAMES &&
                   MANIFEST_MAX_NAMES <= STARTUP_MAX_GRANTS,
               "every name has a line");

/* Says that what the manifest calls `name` cannot be given. Answers false. */
static bool grant_problem(const struct program *program, const char *name, int result)
{
    char what[64] = "cannot be granted ";
    strncat(what, name, sizeof(what) - strlen(what) - 1);
    return program_problem(program, what, result);
}

/* Copies `source` of root's table into the program's, with `rights`, and with a badge where that is not 0. */
static bool give(struct program *program, struct startup_table *table, const char *name, uint32_t source,
                 uint32_t rights, uint64_t badge, uint32_t interface)
{
    uint32_t handle = 0;
    int result = badge == 0 ? kernel_task_copy(root.task, source, program->task, rights, &handle)
                            : kernel_task_mint(root.task, source, program->task, rights, badge, &handle);
    if (result)
        return grant_problem(program, name, result);
    add_line(table, name, handle, interface);
    return true;
}

/* Makes the range of ports that a grant of the manifest means, and opens it to the program. */
static int make_ports(const struct program *program, const struct manifest_grant *grant, uint32_t *source)
{
    kernel_ports_t all = {salto_grant("ports")}, ports = {0};
    int result = kernel_ports_range(all, program->factory, (uint32_t)grant->first,
                                    (uint32_t)(grant->last - grant->first + 1), &ports);
    *source = ports.handle;
    return result == 0 ? kernel_ports_grant(ports, program->task) : result;
}

static int make_interrupt(const struct program *program, const struct manifest_grant *grant, uint32_t *source)
{
    kernel_interrupt_control_t control = {salto_grant("interrupts")};
    kernel_interrupt_t interrupt = {0};
    int result = kernel_interrupt_control_create(control, program->factory, (uint32_t)grant->first, &interrupt);
    *source = interrupt.handle;
    return result;
}

/* Says what the addresses of a device overlap that programs cannot be given. Answers false. */
static bool device_problem(const struct program *program, const struct manifest_grant *grant, uint32_t pages)
{
    static const char *const owners[] = {
        [KERNEL_OWNER_NOBODY] = "nothing",
        [KERNEL_OWNER_MEMORY] = "memory",
        [KERNEL_OWNER_KERNEL] = "the kernel",
        [KERNEL_OWNER_ARCHIVE] = "the boot archive",
        [KERNEL_OWNER_LOCAL_APIC] = "the local APIC",
        [KERNEL_OWNER_IO_APIC] = "an I/O APIC",
    };
    kernel_physical_t all = {salto_grant("physical")};
    kernel_owner_t owner = KERNEL_OWNER_NOBODY;
    uint64_t first = 0, last = 0;
    int result = kernel_physical_owner(all, grant->first, pages, &owner, &first, &last);
    if (result)
        return grant_problem(program, grant->name, result);
    printf("root: program %s: device %s (0x%lx to 0x%lx) overlaps %s (0x%lx to 0x%lx)\n", program->manifest->name,
           grant->name, grant->first, grant->last, owners[owner], first, last);
    return false;
}

/* Gives the memory object of a device's addresses, charged to the program's quota. Root keeps no capability to it. */
static bool give_memory(struct program *program, struct startup_table *table, const struct manifest_grant *grant)
{
    kernel_physical_t all = {salto_grant("physical")};
    kernel_memory_t memory = {0};
    uint32_t pages = (uint32_t)((grant->last - grant->first + 1) / PAGE_SIZE);
    int result = kernel_physical_device(all, program->factory, grant->first, pages, grant->cache, &memory);
    if (result == -ERROR_OCCUPIED)
        return device_problem(program, grant, pages);
    if (result)
        return grant_problem(program, grant->name, result);
    return give(program, table, grant->name, memory.handle, grant->rights, 0, KERNEL_MEMORY_ID) &&
           kernel_task_delete(root.task, memory.handle) == 0;
}

/* Gives a device's object, charged to the program's quota. Root keeps no capability to it, so that it dies with the
 * program's last one. */
static bool give_device(struct program *program, struct startup_table *table, const struct manifest_grant *grant)
{
    bool is_ports = grant->object == MANIFEST_PORTS;
    uint32_t source = 0;
    int result = is_ports ? make_ports(program, grant, &source) : make_interrupt(program, grant, &source);
    if (result)
        return grant_problem(program, grant->name, result);
    return give(program, table, grant->name, source, grant->rights, 0,
                is_ports ? KERNEL_PORTS_ID : KERNEL_INTERRUPT_ID) &&
           kernel_task_delete(root.task, source) == 0;
}

/* The handle in root's table that a grant of the manifest means; 0 where root has none itself. */
static uint32_t source_of(const struct manifest_grant *grant)
{
    if (grant->object == MANIFEST_ENDPOINT)
        return root.programs[grant->program_index].endpoints[grant->endpoint_index];
    return salto_grant(object_names[grant->object]);
}

static bool give_own(struct program *program, struct startup_table *table)
{
    if (!give(program, table, "task", program->task.handle, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, 0,
              INTERFACE_TASK))
        return false;
    return give(program, table, "thread", program->thread.handle, RIGHT_READ | RIGHT_WRITE, 0, INTERFACE_THREAD) &&
           give(program, table, "factory", program->factory.handle, RIGHT_READ | RIGHT_WRITE, 0, INTERFACE_FACTORY);
}

static bool give_granted(struct program *program, struct startup_table *table, const struct manifest_grant *grant)
{
    if (grant->object == MANIFEST_DEVICE)
        return give_memory(program, table, grant);
    if (grant->object >= MANIFEST_NAMED)
        return give_device(program, table, grant);
    const char *object = object_names[grant->object];
    return give(program, table, grant->name, source_of(grant), grant->rights, grant->badge,
                object ? interface_of(object) : 0);
}

/* Bits of the transports by which the set calls an endpoint. */
static uint32_t ways_to(const struct program *server, uint32_t endpoint)
{
    uint32_t ways = 0;
    for (uint32_t i = 0; i < root.programs_count; i++) {
        const struct manifest_program *client = root.programs[i].manifest;
        for (uint32_t j = 0; j < client->grants_count; j++) {
            const struct manifest_grant *grant = &client->grants[j];
            if (grant->object == MANIFEST_ENDPOINT && &root.programs[grant->program_index] == server &&
                grant->endpoint_index == endpoint)
                ways |= 1U << grant->over;
        }
    }
    return ways;
}

/* Says of the line that was added last whose it is, and by what messages go. */
static void finish_line(struct startup_table *table, const struct program *member, uint32_t over)
{
    struct startup_grant *grant = &table->grants[table->grants_count - 1];
    grant->program = (uint8_t)member->manifest->member;
    grant->over = (uint8_t)over;
}

/* Gives the program what the manifest says of one in its image. */
static bool hand_out_of(struct program *program, const struct program *member, struct startup_table *table)
{
    const struct manifest_program *manifest = member->manifest;
    for (uint32_t i = 0; i < manifest->endpoints_count; i++) {
        if (!give(program, table, manifest->endpoints[i].name, member->endpoints[i], RIGHTS_ALL, 0, 0))
            return false;
        finish_line(table, member, STARTUP_SERVED | ways_to(member, i));
    }
    for (uint32_t i = 0; i < manifest->grants_count; i++) {
        if (!give_granted(program, table, &manifest->grants[i]))
            return false;
        finish_line(table, member, manifest->grants[i].over);
    }
    return true;
}

bool grants_hand_out(struct program *program, struct startup_table *table)
{
    if (!give_own(program, table) || !hand_out_of(program, program, table))
        return false;
    for (uint32_t i = 0; i < root.programs_count; i++) {
        const struct program *member = &root.programs[i];
        if (member != program && is_in_image(member, program) && !hand_out_of(program, member, table))
            return false;
    }
    return true;
}
