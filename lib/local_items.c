/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed items of messages that stay in one program. All of an answer's items are checked before any is copied, as the
 * kernel does it.
 */
#include "local_items.h"

#include "abi/capability.h"
#include "idl/task.h"
#include "salto/idl.h"
#include "salto/server.h"

#include <string.h>

static bool is_string(uint64_t item)
{
    return (uint32_t)item == (uint32_t)ITEM_STRING << ITEM_KIND_SHIFT;
}

static void *pointer(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

void local_put_aside(struct local_setup *setup)
{
    struct utcb *utcb = ipc_utcb();

    setup->refused = utcb->words[0];
    memcpy(setup->buffers, utcb->string_buffers, sizeof(setup->buffers));
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        utcb->string_buffers[i].size = 0;
}

void local_put_back(const struct local_setup *setup, uint32_t items)
{
    struct utcb *utcb = ipc_utcb();

    utcb->words[0] = setup->refused;
    memcpy(utcb->string_buffers, setup->buffers, sizeof(setup->buffers));
    memcpy(utcb->items, setup->items, items * sizeof(setup->items[0]));
    memcpy(utcb->item_addresses, setup->addresses, items * sizeof(setup->addresses[0]));
}

int local_request_strings(uint32_t items, const struct string_buffer *buffers, struct local_setup *setup)
{
    struct utcb *utcb = ipc_utcb();

    memcpy(setup->items, utcb->items, items * sizeof(setup->items[0]));
    memcpy(setup->addresses, utcb->item_addresses, items * sizeof(setup->addresses[0]));
    for (uint32_t i = 0; i < items; i++)
        if (i >= MESSAGE_MAX_STRINGS || utcb->items[i] >> ITEM_LENGTH_SHIFT > buffers[i].size)
            return ERROR_NO_BUFFER;
    for (uint32_t i = 0; i < items; i++) {
        idl_copy(pointer(buffers[i].address), pointer(utcb->item_addresses[i]), utcb->items[i] >> ITEM_LENGTH_SHIFT);
        utcb->item_addresses[i] = buffers[i].address;
    }
    return 0;
}

/* Can an item be brought to the caller? The next string goes to buffer `*strings`. */
static int check_item(uint64_t item, const struct local_setup *setup, uint32_t *strings)
{
    const uint32_t kind = (uint32_t)item >> ITEM_KIND_SHIFT;

    if (kind == ITEM_MAP || kind == ITEM_GRANT)
        return ERROR_NO_WINDOW;
    if (!is_string(item))
        return 0;
    return *strings < MESSAGE_MAX_STRINGS && item >> ITEM_LENGTH_SHIFT <= setup->buffers[(*strings)++].size
               ? 0
               : ERROR_NO_BUFFER;
}

/* A capability for the caller: 0 where there is none, or it cannot be had. What is moved stays where it is if it has no
 * right too many, or cannot be copied: server and caller hold it in one task. */
static uint64_t bring_capability(uint64_t item)
{
    const kernel_task_t task = {salto_own_task};
    const uint32_t handle = (uint32_t)item & ITEM_HANDLE_MASK;
    const uint32_t rights = (uint32_t)item >> ITEM_RIGHTS_SHIFT & ITEM_RIGHTS_MASK;
    const bool moves = (uint32_t)item >> ITEM_KIND_SHIFT == ITEM_MOVE;
    kernel_rights_t held = 0;
    uint32_t type, copy = 0;
    int result;

    if (moves &&
        (kernel_task_inspect(task, handle, &type, &held) != 0 || (held & ~rights) == 0 || !(held & RIGHT_COPY)))
        return handle;
    result = kernel_task_copy(task, handle, task, held ? held & rights : rights, &copy);
    if (moves && result == 0)
        idl_release(handle);
    return result == 0 ? copy : 0;
}

int local_answer_items(uint32_t low, const struct local_setup *setup)
{
    struct utcb *utcb = ipc_utcb();
    const uint32_t items = local_items(low);
    uint32_t strings = 0;
    int error = 0;

    for (uint32_t i = 0; i < items && error == 0; i++)
        error = check_item(utcb->items[i], setup, &strings);
    strings = 0;
    for (uint32_t i = 0; i < items && error == 0; i++) {
        if (!is_string(utcb->items[i])) {
            utcb->items[i] = bring_capability(utcb->items[i]);
            continue;
        }
        if (utcb->items[i] >> ITEM_LENGTH_SHIFT != 0)
            memmove(pointer(setup->buffers[strings].address), pointer(utcb->item_addresses[i]),
                    utcb->items[i] >> ITEM_LENGTH_SHIFT);
        utcb->item_addresses[i] = setup->buffers[strings++].address;
    }
    return error;
}
