/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that are answered later. A token is a reply object that keeps the caller; objects that have answered are used
 * again, by whatever thread of the program serves next.
 */
#include "salto/server.h"

#include "idl/factory.h"
#include "idl/reply.h"

#define SPARES 16 /* empty reply objects that are kept, at the most */

uint32_t salto_own_factory;

static uint32_t spares[SPARES];

static uint32_t take_spare(void)
{
    uint32_t handle = 0;

    for (unsigned i = 0; i < SPARES && handle == 0; i++)
        if (__atomic_load_n(&spares[i], __ATOMIC_RELAXED))
            handle = __atomic_exchange_n(&spares[i], 0, __ATOMIC_ACQUIRE);
    return handle;
}

static void give_spare(uint32_t handle)
{
    for (unsigned i = 0; i < SPARES; i++) {
        uint32_t none = 0;

        if (__atomic_compare_exchange_n(&spares[i], &none, handle, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    }
    idl_release(handle);
}

int idl_keep(struct idl_token *token, bool (*is_raised)(int error))
{
    uint64_t *kept = &ipc_utcb()->words[IDL_KEPT_WORD];
    kernel_reply_t reply = {0};
    int result = 0;

    if (!idl_can_keep())
        return -ERROR_NO_CALLER;
    if (*kept != 0) {
        *token = (struct idl_token){(uint32_t)*kept, is_raised};
        *kept = 0;
        return 0;
    }
    reply.handle = take_spare();
    if (reply.handle == 0)
        result = kernel_factory_create_reply((kernel_factory_t){salto_own_factory}, &reply);
    if (result != 0)
        return result;
    result = kernel_reply_keep(reply);
    if (result == 0)
        *token = (struct idl_token){reply.handle, is_raised};
    else
        give_spare(reply.handle);
    return result;
}

int idl_answered(struct idl_token *token, uint64_t tag)
{
    const int error = message_is_tag(tag) ? 0 : (int)tag;

    if (error == 0 || error == ERROR_NO_CALLER) {
        give_spare(token->reply);
        token->reply = 0;
    }
    return -error;
}

int idl_fail(struct idl_token *token, int error)
{
    const bool raised = error > 0 && token->is_raised && token->is_raised(error);
    const uint32_t label = (uint32_t)(error < 0 || raised ? error : -ERROR_ABANDONED);
    uint64_t words[6] = {0};
    int result;

    if (token->reply == 0)
        return -ERROR_NO_CALLER;
    result = idl_answered(
        token, ipc_exchange(message_labelled_tag(label, message_tag(MESSAGE_SEND, 0, 0)), token->reply, words));
    /* If not even this can be sent, the caller hears of it that its object goes. */
    idl_release(token->reply);
    token->reply = 0;
    return result;
}

void idl_drop(struct idl_token *token)
{
    (void)!idl_fail(token, -ERROR_ABANDONED); /* it cannot be answered only where nobody waits: nothing is left to do */
}

struct idl_answer idl_deferred(struct idl_token *token, int result)
{
    (void)!idl_fail(token, result); /* as in idl_drop(): the handler has answered, or nobody waits */
    return idl_no_answer();
}
