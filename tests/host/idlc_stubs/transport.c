/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport of the tests: see transport.h. */
#include "transport.h"

#include "salto/ipc.h"

#include "idl/task.h"

#include <string.h>

struct transport transport;

static void poison(void *memory, size_t size)
{
    memset(memory, 0xbd, size);
}

static void close_buffers(struct utcb *utcb)
{
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        utcb->string_buffers[i].size = 0;
    utcb->window_log2 = 0;
}

void transport_reset(idl_dispatcher *dispatcher, void *object)
{
    memset(&transport, 0, sizeof(transport));
    poison(&transport.client, sizeof(transport.client));
    poison(&transport.server, sizeof(transport.server));
    close_buffers(&transport.client);
    close_buffers(&transport.server);
    transport.dispatcher = dispatcher;
    transport.object = object;
    transport.badge = 0x1234;
    salto_own_task = OWN_TASK;
}

void transport_reset_strings(idl_string_dispatcher *dispatcher, void *object, void *buffers)
{
    transport_reset(NULL, object);
    transport.string_dispatcher = dispatcher;
    transport.buffers = buffers;
}

bool transport_deleted(uint32_t handle)
{
    for (unsigned i = 0; i < transport.deleted_count; i++)
        if (transport.deleted[i] == handle)
            return true;
    return false;
}

struct utcb *fake_utcb(void)
{
    return transport.in_server ? &transport.server : &transport.client;
}

static unsigned tag_items(uint64_t tag)
{
    return (uint32_t)tag >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
}

/* Plain forms have their count in the distance to their base. */
static unsigned tag_words(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;

    if (low <= TAG_PLAIN_CALL_LAST)
        return low - TAG_PLAIN_CALL;
    if (low <= TAG_PLAIN_REPLY_LAST)
        return low - TAG_PLAIN_REPLY;
    return low & TAG_WORDS_MASK;
}

/* Copies a string to the receiver's next buffer. False if that is too small. */
static bool move_string(unsigned item, unsigned string, struct utcb *to, const struct utcb *from)
{
    const struct string_buffer *buffer = &to->string_buffers[string];
    uint64_t length = from->items[item] >> ITEM_LENGTH_SHIFT;

    if (string == MESSAGE_MAX_STRINGS || length > buffer->size)
        return false;
    if (length)
        memmove((void *)(uintptr_t)buffer->address, (const void *)(uintptr_t)from->item_addresses[item], length);
    to->items[item] = from->items[item];
    to->item_addresses[item] = buffer->address;
    return true;
}

/* Maps nothing, but says where it would be. False if the receiver opened no window, or too small a one. */
static bool move_pages(unsigned item, struct utcb *to, const struct utcb *from)
{
    uint64_t log2 = from->items[item] >> ITEM_SIZE_SHIFT & ITEM_SIZE_MASK;

    if (to->window_log2 < log2)
        return false;
    to->items[item] = transport.lost_items >> item & 1 ? 0 : from->items[item];
    to->item_addresses[item] = to->window_address + (from->item_addresses[item] & ((1UL << to->window_log2) - 1));
    return true;
}

static bool are_pages(uint64_t item)
{
    uint32_t kind = (uint32_t)item >> ITEM_KIND_SHIFT;

    return kind == ITEM_MAP || kind == ITEM_GRANT;
}

/* Items: capabilities under new handles. */
static bool move_items(unsigned count, struct utcb *to, const struct utcb *from, uint64_t *seen)
{
    unsigned strings = 0;

    for (unsigned i = 0; i < count; i++) {
        seen[i] = from->items[i];
        if (are_pages(from->items[i])) {
            if (!move_pages(i, to, from))
                return false;
        } else if ((uint32_t)from->items[i] == ITEM_STRING << ITEM_KIND_SHIFT) {
            if (!move_string(i, strings++, to, from))
                return false;
        } else {
            to->items[i] = transport.lost_items >> i & 1 ? 0 : (from->items[i] & 0xffff) + SERVER_HANDLE;
        }
        if (transport.replace_item_mask >> i & 1 && transport.replace_in_reply == (to == &transport.client))
            to->items[i] = transport.replace_item;
    }
    return true;
}

/* Words beyond the registers, and items. False if the receiver does not take a string. */
static bool move_utcb(uint64_t tag, struct utcb *to, const struct utcb *from, uint64_t *seen)
{
    struct string_buffer buffers[MESSAGE_MAX_STRINGS];
    uint64_t window_address = to->window_address, window_log2 = to->window_log2;
    unsigned words = tag_words(tag);

    memcpy(buffers, to->string_buffers, sizeof(buffers));
    poison(to, sizeof(*to));
    memcpy(to->string_buffers, buffers, sizeof(buffers));
    to->window_address = window_address;
    to->window_log2 = window_log2;
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < words; i++)
        to->words[i] = from->words[i];
    return move_items(tag_items(tag), to, from, seen);
}

static void replace_words(uint64_t *words, struct utcb *utcb)
{
    for (unsigned i = 0; i < 32; i++)
        if (transport.replace_word_mask >> i & 1)
            *(i < MESSAGE_REGISTER_WORDS ? &words[i] : &utcb->words[i]) = transport.replace_word;
}

static struct idl_answer dispatch(uint64_t tag, const uint64_t *words, struct idl_frame *frame)
{
    frame->word4 = words[4];
    frame->word5 = words[5];
    if (transport.string_dispatcher)
        return transport.string_dispatcher(transport.badge, words[0], words[1], tag, words[2], words[3],
                                           (struct idl_string_frame *)frame);
    return transport.dispatcher(transport.badge, words[0], words[1], tag, words[2], words[3], frame);
}

/* As the server loop: which registers does the answer fill? */
static void take_answer(struct idl_answer answer, const struct idl_frame *frame, uint64_t *words)
{
    bool plain = (uint32_t)answer.tag <= TAG_PLAIN_REPLY + 1;

    words[0] = answer.word;
    for (unsigned i = 1; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = plain ? 0 : frame->words[i];
}

/* A call of the own task: only delete, unmap and revoke_pages are expected. */
static uint64_t own_task(uint64_t tag, const uint64_t *words)
{
    if (tag == KERNEL_TASK_UNMAP_REQUEST && transport.unmapped_count < MAX_DELETED) {
        transport.unmapped[transport.unmapped_count++] = words[0];
        transport.unmapped_pages += words[1];
        return KERNEL_TASK_UNMAP_REPLY;
    }
    if (tag == KERNEL_TASK_REVOKE_PAGES_REQUEST && transport.revoked_count < MAX_DELETED) {
        transport.revoked[transport.revoked_count++] = words[0];
        transport.revoked_pages += words[1];
        return KERNEL_TASK_REVOKE_PAGES_REPLY;
    }
    if (tag != KERNEL_TASK_DELETE_REQUEST || transport.deleted_count == MAX_DELETED)
        return ERROR_BAD_OPERATION;
    transport.deleted[transport.deleted_count++] = (uint32_t)words[0];
    return KERNEL_TASK_DELETE_REPLY;
}

static uint64_t serve(uint64_t tag, uint64_t *words)
{
    struct idl_frame frame = {.object = transport.object, .buffers = transport.buffers};
    struct idl_answer answer;

    poison(frame.words, sizeof(frame.words));
    if (transport.replace_tag)
        tag = transport.replace_tag;
    if (!move_utcb(tag, &transport.server, &transport.client, transport.items))
        return ERROR_NO_BUFFER;
    if (!transport.replace_in_reply)
        replace_words(words, &transport.server);
    transport.in_server = true;
    answer = dispatch(tag, words, &frame);
    transport.in_server = false;
    transport.reply = answer.tag;
    take_answer(answer, &frame, words);
    memcpy(transport.reply_words, words, sizeof(transport.reply_words));
    if (answer.tag == message_tag(MESSAGE_RECEIVE, 0, 0))
        return 0;
    if (!move_utcb(answer.tag, &transport.client, &transport.server, transport.reply_items))
        return message_labelled_tag((uint32_t)-ERROR_NO_BUFFER, TAG_PLAIN_REPLY);
    if (transport.replace_in_reply)
        replace_words(words, &transport.client);
    return transport.replace_reply ? transport.replace_reply : answer.tag;
}

/* The tag as it arrives: without flags, in its one spelling. */
static uint64_t without_deadline(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;

    if (low <= TAG_PLAIN_REPLY_LAST || !(low & (TAG_DEADLINE | TAG_POLL)))
        return tag;
    transport.polls += (low & TAG_POLL) != 0;
    transport.send_deadline = transport.client.send_deadline;
    transport.receive_deadline = transport.client.receive_deadline;
    return message_labelled_tag(message_label(tag), message_tag(low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK,
                                                                tag_words(tag), tag_items(tag)));
}

uint64_t fake_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    if (handle == OWN_TASK)
        return own_task(tag, words);
    tag = without_deadline(tag);
    transport.request = tag;
    transport.handle = handle;
    memcpy(transport.words, words, sizeof(transport.words));
    if (!transport.dispatcher && !transport.string_dispatcher)
        return transport.failure;
    return serve(tag, words);
}
