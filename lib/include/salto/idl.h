/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What generated headers share: the error convention of stubs, and the handling of capabilities in messages.
 *
 * A stub returns 0 for success; a positive number for an error that the interface declares; a negative one, -ERROR_*
 * of abi/errors.h, where the transport failed or the server's dispatcher refused the request.
 */
#ifndef SALTO_IDL_H
#define SALTO_IDL_H

#include "abi/addresses.h"
#include "abi/capability.h"
#include "abi/errors.h"
#include "abi/message.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
#define IDL_MUST_USE [[nodiscard]]
#else
#define IDL_MUST_USE __attribute__((warn_unused_result))
#endif

#define IDL_MAX_HANDLE (MAX_CAPABILITIES - 1)

/* What a stub returns for a reply that is not the one of success, never 0: `tag` is what the system call returned. */
static __attribute__((noinline, cold, unused)) int idl_failure_number(uint64_t tag)
{
    int label = (int)message_label(tag);

    if (!message_is_tag(tag))
        return tag == 0 || tag >= ERROR_LAST ? -ERROR_BAD_TAG : -(int)tag;
    return label != 0 ? label : -ERROR_BAD_TAG;
}

/* The same, for stubs: a compiler that sees that a failure is not 0 knows that outputs of a success are written. */
static inline int idl_failure(uint64_t tag)
{
    int number = idl_failure_number(tag);

    if (number == 0)
        __builtin_unreachable();
    return number;
}

/* What a oneway stub returns. */
static inline int idl_sent(uint64_t tag)
{
    return tag == 0 || message_is_tag(tag) ? 0 : idl_failure(tag);
}

/* A typed item. The handle must not be above IDL_MAX_HANDLE: its upper bits would become rights. */
static inline uint64_t idl_item(uint32_t handle, uint32_t rights, uint32_t kind)
{
    return handle | rights << ITEM_RIGHTS_SHIFT | kind << ITEM_KIND_SHIFT;
}

/* Deletes a capability of this program's own table; does nothing for handle 0 (lib/server.c). */
void idl_release(uint32_t handle);

/* Did all capabilities of a message find a slot? If not, gives back those that did. */
static inline bool idl_items_arrived(const struct utcb *utcb, uint32_t count)
{
    bool arrived = true;

    for (uint32_t i = 0; i < count; i++)
        arrived &= utcb->items[i] != 0;
    for (uint32_t i = 0; !arrived && i < count; i++)
        idl_release((uint32_t)utcb->items[i]);
    return arrived;
}

#endif
