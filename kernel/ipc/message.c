/* SPDX-License-Identifier: BSD-2-Clause */
/* Tags, words and typed items off the fast path. See message.h, and abi/message.h for the format. */
#include "ipc/message.h"

#include "cap/capability.h"
#include "debug/panic.h"
#include "debugger.h"
#include "thread/task.h"

static void copy_words(struct thread *from, struct thread *to, uint32_t words)
{
    __builtin_memcpy(to->call.words, from->call.words, sizeof(to->call.words));
    if (words > MESSAGE_REGISTER_WORDS)
        __builtin_memcpy(to->hot->utcb_words, from->hot->utcb_words,
                         (words - MESSAGE_REGISTER_WORDS) * sizeof(uint64_t));
}

/* Installs what the item names with the receiver. Answers the new handle, or 0. */
static uint64_t transfer_item(const struct thread *from, const struct thread *to, uint64_t item)
{
    if (item >> (ITEM_KIND_SHIFT + 1)) /* no capability's */
        return 0;
    struct capability *source = capability_find(&from->task->table, item & (MAX_CAPABILITIES - 1));
    uint32_t kind = (uint32_t)(item >> ITEM_KIND_SHIFT);
    uint32_t rights = (uint32_t)(item >> ITEM_RIGHTS_SHIFT) & RIGHTS_ALL;
    if (!source)
        return 0;
    if (kind == ITEM_COPY && !(source->rights & RIGHT_COPY))
        return 0;
    enum error error;
    struct capability *installed = kind == ITEM_MOVE
                                       ? capability_move(to->task, source, rights, &error)
                                       : capability_derive(to->task, source, rights, source->badge, &error);
    if (!installed)
        return 0;
    debugger_note(EVENT_MOVE, to, 0, installed->object, 0);
    return installed->handle;
}

void message_transfer_items(struct thread *from, struct thread *to, uint32_t items)
{
    for (uint32_t i = 0; i < items; i++)
        thread_utcb(to)->items[i] = transfer_item(from, to, thread_utcb(from)->items[i]);
}

void message_drop_unplaced(struct thread *server, struct thread *caller)
{
    const uint64_t *sent = thread_utcb(server)->items, *arrived = thread_utcb(caller)->items;
    uint32_t items = server->task == caller->task ? 0 : tag_items((uint32_t)server->call.tag);
    for (uint32_t i = 0; i < items; i++) {
        if (arrived[i] != 0 || sent[i] >> ITEM_KIND_SHIFT != ITEM_MOVE)
            continue;
        struct capability *capability = capability_find(&server->task->table, sent[i] & ITEM_HANDLE_MASK);
        if (capability && !capability_is_only(capability))
            capability_delete(capability);
    }
}

/* The tag as it arrives: without flags, in its one spelling. */
static uint64_t arriving_tag(uint64_t tag, uint32_t operation)
{
    uint32_t content = (uint32_t)tag & TAG_CONTENT, low = TAG_NATIVE | operation << TAG_OPERATION_SHIFT | content;
    if (content <= MESSAGE_REGISTER_WORDS && operation == MESSAGE_CALL)
        low = TAG_PLAIN_CALL + content;
    if (content <= MESSAGE_REGISTER_WORDS && operation == MESSAGE_REPLY_AND_WAIT)
        low = TAG_PLAIN_REPLY + content;
    return message_labelled_tag(message_label(tag), low);
}

void message_deliver_words(struct thread *sender, struct thread *receiver, uint64_t badge)
{
    uint32_t low = (uint32_t)sender->call.tag;
    uint32_t operation = tag_operation(low) == MESSAGE_CALL ? MESSAGE_CALL : MESSAGE_SEND;
    copy_words(sender, receiver, tag_words(low));
    receiver->call.tag = arriving_tag(sender->call.tag, operation);
    receiver->call.handle = badge;
    message_clear_preserved(receiver);
}

void message_deliver_kernel_message(const struct thread *thread, struct thread *receiver, uint64_t badge)
{
    receiver->call = thread->message;
    receiver->call.handle = badge;
    message_clear_preserved(receiver);
}

uint64_t message_answer_tag(uint64_t tag)
{
    return arriving_tag(tag, MESSAGE_REPLY_AND_WAIT);
}

void message_deliver_answer_words(struct thread *server, struct thread *caller)
{
    assert(!caller->interrupted);
    copy_words(server, caller, tag_words((uint32_t)server->call.tag));
    caller->call.tag = arriving_tag(server->call.tag, MESSAGE_REPLY_AND_WAIT);
    caller->call.handle = 0;
}
