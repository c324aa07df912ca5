/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server loop for handlers that wait for something themselves: a receive would abandon the caller, so each caller
 * is kept in a reply object while its request is handled, and answered by that.
 */
#include "salto/server.h"

#include "idl/reply.h"

#include <stdbool.h>

/* What stands between the server loop and the dispatcher: keeps callers. */
struct service {
    idl_dispatcher *dispatcher;
    void *object;
    uint32_t reply;
};

/* Is it an answer? What a dispatcher returns else is a wait for the next request: nobody was there to be answered. */
static bool is_answer(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;

    return low <= TAG_PLAIN_REPLY_LAST || (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_REPLY_AND_WAIT;
}

/* The same answer as a message to a reply object. Its words beyond the registers, and its items, stand in the UTCB. */
static uint64_t sent_tag(uint64_t tag)
{
    uint32_t low = (uint32_t)tag, words = low & TAG_WORDS_MASK, items = low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;

    if (low <= TAG_PLAIN_REPLY_LAST)
        words = low - TAG_PLAIN_REPLY, items = 0;
    return message_labelled_tag(message_label(tag), message_tag(MESSAGE_SEND, words, items));
}

void idl_answer_kept(uint32_t reply, struct idl_answer answer, struct idl_frame *frame)
{
    uint64_t words[6] = {answer.word}, tag;

    if (!is_answer(answer.tag))
        return;
    for (unsigned i = 1; i < MESSAGE_REGISTER_WORDS && (uint32_t)answer.tag > TAG_PLAIN_REPLY + 1; i++)
        words[i] = frame->words[i];
    tag = ipc_exchange(sent_tag(answer.tag), reply, words);
    if (message_is_tag(tag))
        return;
    frame->refused++;
    idl_drop_answer(sent_tag(answer.tag));
    if (tag != ERROR_NO_CALLER)
        ipc_exchange(message_labelled_tag((uint32_t) - (int)tag, message_tag(MESSAGE_SEND, 0, 0)), reply,
                     (uint64_t[6]){0});
}

static struct idl_answer keep_and_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                           uint64_t word3, struct idl_frame *frame)
{
    struct service *service = frame->object;
    struct idl_answer answer;
    int kept;

    if (!idl_can_keep())
        return idl_no_answer();
    kept = kernel_reply_keep((kernel_reply_t){service->reply});
    frame->object = service->object;
    answer = service->dispatcher(badge, word0, word1, tag, word2, word3, frame);
    frame->object = service;
    if (kept != 0)
        return answer;
    idl_answer_kept(service->reply, answer, frame);
    return idl_no_answer();
}

int salto_serve_late(uint32_t endpoint, uint32_t reply, idl_dispatcher *dispatcher, void *object)
{
    struct service service = {.dispatcher = dispatcher, .object = object, .reply = reply};
    int result;

    ipc_utcb()->words[IDL_LATE_WORD] = 1;
    result = salto_serve(endpoint, keep_and_dispatch, &service);
    ipc_utcb()->words[IDL_LATE_WORD] = 0;
    return result;
}
