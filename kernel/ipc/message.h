/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving a message from one waiting thread to another. */
#ifndef SALTO_IPC_MESSAGE_H
#define SALTO_IPC_MESSAGE_H

#include <stdbool.h>

#include "thread/thread.h"

/* Parts of the low half of a tag that is known to be well-formed. */
uint32_t tag_operation(uint32_t low);
uint32_t tag_words(uint32_t low);
uint32_t tag_items(uint32_t low);

/* Is the low half the one spelling of a native request? */
bool tag_well_formed(uint32_t low);

/* Gives `receiver` the request in `sender->call`: words, items, badge. Its preserved registers become zero. */
void message_deliver_request(struct thread *sender, struct thread *receiver, uint64_t badge);

/* Gives `receiver` the message that the kernel wrote into `thread->message`. */
void message_deliver_kernel_message(const struct thread *thread, struct thread *receiver, uint64_t badge);

/* The tag with which an answer arrives, however it was sent. */
uint64_t message_answer_tag(uint64_t tag);

/* Gives `caller` the answer in `server->call`. */
void message_deliver_answer(struct thread *server, struct thread *caller);

#endif
