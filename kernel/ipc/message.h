/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving a message from one waiting thread to another. */
#ifndef SALTO_IPC_MESSAGE_H
#define SALTO_IPC_MESSAGE_H

#include <stdbool.h>

#include "thread/thread.h"

/* Within the kernel the low half of a tag that is known to be well-formed stands in the general form, whatever its
 * spelling was: one form to look at, and every message is looked at several times. */
static inline uint32_t tag_general(uint32_t low)
{
    if (low <= TAG_PLAIN_CALL_LAST)
        return low + (MESSAGE_CALL << TAG_OPERATION_SHIFT);
    if (low <= TAG_PLAIN_REPLY_LAST)
        return low - TAG_PLAIN_REPLY + (TAG_NATIVE | MESSAGE_REPLY_AND_WAIT << TAG_OPERATION_SHIFT);
    return low;
}

/* The general form of some operations without words and flags, and without items but for what the name says. */
#define TAG_RECEIVE (TAG_NATIVE | MESSAGE_RECEIVE << TAG_OPERATION_SHIFT)
#define TAG_CALL_WITH_ITEM (TAG_NATIVE | MESSAGE_CALL << TAG_OPERATION_SHIFT | 1U << TAG_ITEMS_SHIFT)
#define TAG_SEND_AND_WAIT (TAG_NATIVE | MESSAGE_SEND_AND_WAIT << TAG_OPERATION_SHIFT)

/* Parts of the general form. */
static inline uint32_t tag_operation(uint32_t general)
{
    return general >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK;
}

/* Words of the message, 0 to 63. */
static inline uint32_t tag_words(uint32_t general)
{
    return general & TAG_WORDS_MASK;
}

/* Its typed items, 0 to 7. */
static inline uint32_t tag_items(uint32_t general)
{
    return general >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
}

/* What the general form of each operation may have besides its number; 0: there is no such operation to be asked
 * for. */
#define TAG_CONTENT (TAG_WORDS_MASK | TAG_ITEMS_MASK << TAG_ITEMS_SHIFT)
static const uint32_t tag_allowed[TAG_OPERATION_MASK + 1] = {
    [MESSAGE_CALL] = TAG_NATIVE | TAG_CONTENT | TAG_POLL | TAG_DEADLINE,
    [MESSAGE_REPLY_AND_WAIT] = TAG_NATIVE | TAG_CONTENT | TAG_DEADLINE | TAG_CLOSED,
    [MESSAGE_SEND] = TAG_NATIVE | TAG_CONTENT | TAG_POLL | TAG_DEADLINE,
    [MESSAGE_RECEIVE] = TAG_NATIVE | TAG_POLL | TAG_DEADLINE | TAG_CLOSED,
    [MESSAGE_REPLY] = TAG_NATIVE | TAG_CONTENT,
    [MESSAGE_SEND_AND_WAIT] = TAG_NATIVE | TAG_CONTENT | TAG_DEADLINE | TAG_CLOSED,
};

/* Is the low half the one spelling of a native request? */
static inline bool tag_well_formed(uint32_t low)
{
    if (low <= TAG_PLAIN_REPLY_LAST)
        return true;
    uint32_t operation = tag_operation(low), rest = low & ~(TAG_OPERATION_MASK << TAG_OPERATION_SHIFT);
    if (rest & ~tag_allowed[operation])
        return false;
    bool plain = rest <= TAG_NATIVE + MESSAGE_REGISTER_WORDS;
    return !plain || (operation != MESSAGE_CALL && operation != MESSAGE_REPLY_AND_WAIT);
}

/* Gives `to` what the first `items` items in the UTCB of `from` name: capabilities; all others arrive as 0. */
void message_transfer_items(struct thread *from, struct thread *to, uint32_t items);

/* Behind that, for the items of an answer: what was to be moved to `caller`, and was not, since there is no room, is
 * deleted; whoever served it would never learn of it. Not so the last capability to an object, with which that would
 * die here and now, and what stays in a table that both have. */
void message_drop_unplaced(struct thread *server, struct thread *caller);

/* Gives `receiver` the request in `sender->call`, whose tag has the general form, but for the items: words, badge. Its
 * preserved registers become zero. */
void message_deliver_words(struct thread *sender, struct thread *receiver, uint64_t badge);

/* The same with its items. */
static inline void message_deliver_request(struct thread *sender, struct thread *receiver, uint64_t badge)
{
    if (tag_items((uint32_t)sender->call.tag))
        message_transfer_items(sender, receiver, tag_items((uint32_t)sender->call.tag));
    message_deliver_words(sender, receiver, badge);
}

/* Gives `receiver` the message that the kernel wrote into `thread->message`. */
void message_deliver_kernel_message(const struct thread *thread, struct thread *receiver, uint64_t badge);

/* The preserved registers of a thread that receives arrive zero. */
static inline void message_clear_preserved(struct thread *receiver)
{
    struct save_slot *save = receiver->save;
    save->rbp = save->r12 = save->r13 = save->r14 = save->r15 = 0;
}

/* The tag with which an answer arrives, however it was sent; `tag` has the general form. */
uint64_t message_answer_tag(uint64_t tag);

/* Gives `caller` the answer in `server->call`, whose tag has the general form, but for the items. */
void message_deliver_answer_words(struct thread *server, struct thread *caller);

/* The same with its items. */
static inline void message_deliver_answer(struct thread *server, struct thread *caller)
{
    if (tag_items((uint32_t)server->call.tag)) {
        message_transfer_items(server, caller, tag_items((uint32_t)server->call.tag));
        message_drop_unplaced(server, caller);
    }
    message_deliver_answer_words(server, caller);
}

#endif
