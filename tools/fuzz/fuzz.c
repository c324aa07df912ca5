/* SPDX-License-Identifier: BSD-2-Clause */
/* See fuzz.h. The kernel here keeps no objects: it notes which handles and pages were given back. */
#include "fuzz.h"

#include "salto/ipc.h"

#include "idl/factory.h"
#include "idl/reply.h"
#include "idl/task.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_TASK 1
#define OWN_FACTORY 2
#define REPLY_OBJECT 3
#define FIRST_HANDLE 0x100    /* of what arrives, one after the other */
#define PAGES_ADDRESS 0x70000 /* of what arrives, which nobody touches */
#define PAGES_LOG2 12
#define NUMBERS_MIXED 0x9e3779b97f4a7c15

struct utcb fuzz_utcb;

/* The message that is looked at. */
static struct {
    const struct fuzz_request *request;
    const uint8_t *data;
    size_t left;
    uint64_t random, tag;
    uint64_t words[MESSAGE_REGISTER_WORDS];
    uint32_t items;
    uint8_t released[MESSAGE_MAX_ITEMS];
    uint32_t calls, replies; /* of handlers; through reply objects */
} now;

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s%s\n", now.request ? now.request->name : "", what, detail);
    abort();
}

/* ---- The kernel -------------------------------------------------------------------------------------------------- */

static uint64_t delete (uint64_t handle)
{
    uint64_t item = handle - FIRST_HANDLE;

    if (handle == REPLY_OBJECT)
        return KERNEL_TASK_DELETE_REPLY;
    if (item >= now.items || !idl_is_handle(fuzz_utcb.items[item]))
        return KERNEL_TASK_DELETE_REPLY; /* a handler's own */
    if (now.released[item]++)
        fail("a capability is given back twice", "");
    return KERNEL_TASK_DELETE_REPLY;
}

static uint64_t unmap(uint64_t address)
{
    uint64_t item = (address - PAGES_ADDRESS) >> PAGES_LOG2;

    if (item < now.items && now.released[item]++)
        fail("pages are given back twice", "");
    return KERNEL_TASK_UNMAP_REPLY;
}

uint64_t fuzz_exchange(uint64_t tag, uint64_t handle, uint64_t *words)
{
    if (handle == OWN_TASK && tag == KERNEL_TASK_DELETE_REQUEST)
        return delete (words[0]);
    if (handle == OWN_TASK && tag == KERNEL_TASK_UNMAP_REQUEST)
        return unmap(words[0]);
    if (handle == OWN_TASK && tag == KERNEL_TASK_REVOKE_PAGES_REQUEST) {
        words[0] = 0;
        return KERNEL_TASK_REVOKE_PAGES_REPLY;
    }
    if (handle == OWN_FACTORY && tag == KERNEL_FACTORY_CREATE_REPLY_REQUEST) {
        words[0] = REPLY_OBJECT;
        return KERNEL_FACTORY_CREATE_REPLY_REPLY;
    }
    if (handle == REPLY_OBJECT && tag == KERNEL_REPLY_KEEP_REQUEST)
        return KERNEL_REPLY_KEEP_REPLY;
    if (handle == REPLY_OBJECT) {
        now.replies++;
        return message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0);
    }
    return ERROR_BAD_HANDLE;
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

static uint8_t next_byte(void)
{
    if (now.left == 0)
        return 0;
    now.left--;
    return *now.data++;
}

static void mix_in(void *into, size_t size)
{
    uint8_t *bytes = into;

    for (size_t i = 0; i < size && now.left; i++)
        bytes[i] ^= next_byte();
}

uint64_t fuzz_next(void)
{
    now.random = now.random * 6364136223846793005u + 1442695040888963407u;
    return now.random >> 11;
}

static uint64_t sum_of(const uint8_t *data, size_t size)
{
    uint64_t sum = NUMBERS_MIXED;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 1099511628211u;
    return sum;
}

/* ---- A message --------------------------------------------------------------------------------------------------- */

/* The tag as the kernel hands it on: in its one spelling. */
static uint64_t arriving_tag(uint64_t label, uint32_t kind, uint32_t words, uint32_t items)
{
    if (kind == MESSAGE_CALL && items == 0 && words <= MESSAGE_REGISTER_WORDS)
        return message_labelled_tag((uint32_t)label, TAG_PLAIN_CALL + words);
    return message_labelled_tag((uint32_t)label, message_tag(kind, words, items));
}

static uint32_t kind_of(uint64_t tag)
{
    uint32_t kind = (uint32_t)tag >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK;

    return kind == MESSAGE_SEND ? MESSAGE_SEND : MESSAGE_CALL;
}

/* Answers how many words there are. */
static uint32_t make_tag(uint8_t shape)
{
    const struct fuzz_request *request = now.request;
    uint32_t label = message_label(request->tag), kind = kind_of(request->tag), words = request->words;

    now.items = request->items;
    if (shape & FUZZ_NUMBER)
        label ^= (uint32_t)next_byte() << (next_byte() & 24);
    if (shape & FUZZ_KIND)
        kind = kind == MESSAGE_CALL ? MESSAGE_SEND : MESSAGE_CALL;
    if (shape & FUZZ_WORDS)
        words = next_byte() % (MESSAGE_MAX_WORDS + 1);
    if (shape & FUZZ_ITEMS)
        now.items = next_byte() % (MESSAGE_MAX_ITEMS + 1);
    now.tag = arriving_tag(label, kind, words, now.items);
    return words;
}

static void make_words(uint32_t count)
{
    uint64_t words[MESSAGE_MAX_WORDS];

    for (uint32_t i = 0; i < MESSAGE_MAX_WORDS; i++)
        words[i] = i < now.request->words ? now.request->word[i] : 0;
    mix_in(words, count * sizeof(words[0]));
    memset(fuzz_utcb.words, 0xbd, sizeof(fuzz_utcb.words)); /* what does not travel is anything */
    for (uint32_t i = 0; i < count; i++)
        *(i < MESSAGE_REGISTER_WORDS ? &now.words[i] : &fuzz_utcb.words[i]) = words[i];
}

/* A string lands in the server's next buffer. One that finds none, or no room, would not have arrived: it is cut. */
static void make_string(uint32_t item, const struct fuzz_item *valid, uint32_t string)
{
    const struct string_buffer *buffer = &fuzz_utcb.string_buffers[string < MESSAGE_MAX_STRINGS ? string : 0];
    uint64_t size = valid->kind == FUZZ_STRING ? valid->size : 0, other = next_byte() | (uint64_t)next_byte() << 8;
    uint8_t *at = (uint8_t *)(uintptr_t)buffer->address;

    if (other)
        size = other - 1;
    if (string >= MESSAGE_MAX_STRINGS || size > buffer->size)
        size = string >= MESSAGE_MAX_STRINGS ? 0 : buffer->size;
    for (uint64_t i = 0; i < size; i++)
        at[i] = valid->kind == FUZZ_STRING && valid->size ? (uint8_t)valid->text[i % valid->size] : 0;
    mix_in(at, size);
    fuzz_utcb.items[item] = idl_string_item(size);
    fuzz_utcb.item_addresses[item] = buffer->address;
    /* Nothing lies behind it but room for a terminator. */
    if (size + 1 < buffer->size)
        ASAN_POISON_MEMORY_REGION(at + size + 1, buffer->size - size - 1);
}

static void make_pages(uint32_t item, uint32_t rights)
{
    void *address = (void *)(uintptr_t)(PAGES_ADDRESS + ((uint64_t)item << PAGES_LOG2));

    fuzz_utcb.items[item] = idl_pages_item((struct idl_pages){address, 1UL << PAGES_LOG2}, rights, ITEM_MAP);
    fuzz_utcb.item_addresses[item] = (uint64_t)(uintptr_t)address;
}

static void make_items(uint8_t shape)
{
    static const struct fuzz_item none = {FUZZ_CAPABILITY, 0, 0, ""};
    uint8_t other = shape & FUZZ_ITEM_KIND ? next_byte() : 0, lost = shape & FUZZ_LOST ? next_byte() : 0;
    uint32_t strings = 0;

    for (uint32_t i = 0; i < now.items; i++) {
        const struct fuzz_item *valid = i < now.request->items ? &now.request->item[i] : &none;
        uint32_t kind = valid->kind;

        if (shape & FUZZ_ITEM_KIND && other % MESSAGE_MAX_ITEMS == i)
            kind = (kind + 1 + other / MESSAGE_MAX_ITEMS) % FUZZ_ITEM_KINDS;
        if (kind == FUZZ_STRING)
            make_string(i, valid, strings++);
        else if (lost >> i & 1)
            fuzz_utcb.items[i] = 0;
        else if (kind == FUZZ_PAGES)
            make_pages(i, valid->rights ? valid->rights : other & 7);
        else
            fuzz_utcb.items[i] = FIRST_HANDLE + i;
    }
}

static void forget(void)
{
    for (uint32_t i = 0; i < MESSAGE_MAX_STRINGS; i++)
        if (fuzz_utcb.string_buffers[i].size)
            ASAN_UNPOISON_MEMORY_REGION((void *)(uintptr_t)fuzz_utcb.string_buffers[i].address,
                                        fuzz_utcb.string_buffers[i].size);
}

/* ---- What must hold ---------------------------------------------------------------------------------------------- */

static void check_released(void)
{
    for (uint32_t i = 0; i < now.items; i++)
        if (idl_is_handle(fuzz_utcb.items[i]) && !now.released[i])
            fail("a capability that came in is not given back", "");
}

static void check_answer(const struct fuzz_target *target, struct idl_answer answer)
{
    int32_t label = (int32_t)message_label(answer.tag);
    bool oneway = kind_of(now.tag) == MESSAGE_SEND, answered = answer.tag != message_tag(MESSAGE_RECEIVE, 0, 0);

    if (answered + now.replies != !oneway)
        fail(oneway ? "a oneway request is answered" : "a call is not answered once", "");
    if (answered && !message_is_tag(answer.tag))
        fail("the answer is none", "");
    if (answered && target->handlers_are_ours && label < 0 && now.calls == 0 && answer.word > now.request->parameters &&
        (uint32_t)answer.tag == TAG_PLAIN_REPLY + 1 && message_label(now.tag) == message_label(now.request->tag))
        fail("the answer blames a parameter that there is not", "");
    if (answered && target->handlers_are_ours && label == 0 && now.calls != 1)
        fail("success without a handler", "");
    if (now.calls > 1)
        fail("a request is served twice", "");
}

void fuzz_message(const struct fuzz_target *target, const uint8_t *data, size_t size)
{
    struct idl_frame frame;
    struct idl_answer answer;
    uint64_t items[MESSAGE_MAX_ITEMS];
    uint8_t shape;

    salto_own_task = OWN_TASK;
    salto_own_factory = OWN_FACTORY;
    memset(&now, 0, sizeof(now));
    memset(&fuzz_utcb, 0, sizeof(fuzz_utcb));
    memset(&frame, 0xbd, sizeof(frame));
    now.data = data;
    now.left = size;
    now.random = sum_of(data, size);
    now.request = &target->requests[next_byte() % target->count];
    target->open_buffers();
    shape = next_byte();
    make_words(make_tag(shape));
    make_items(shape);
    memcpy(items, fuzz_utcb.items, sizeof(items));
    frame.refused = 0;
    frame.word4 = now.words[4];
    frame.word5 = now.words[5];
    answer = target->dispatch(now.tag, now.words, &frame);
    check_answer(target, answer);
    memcpy(fuzz_utcb.items, items, sizeof(items));
    if (target->handlers_are_ours)
        check_released();
    forget();
}

/* ---- Handlers ---------------------------------------------------------------------------------------------------- */

void fuzz_check(bool good, const char *what)
{
    if (!good)
        fail("a handler was given what the interface forbids: ", what);
}

void fuzz_read(const void *data, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum ^= ((const uint8_t *)data)[i];
    __asm__ volatile("" : : "r"(sum));
}

void fuzz_check_text(idl_string text, size_t most, const char *what)
{
    fuzz_check(text.size <= most && text.text[text.size] == '\0' && idl_is_text(text.text, text.size), what);
}

void fuzz_called(void)
{
    now.calls++;
}

void fuzz_answer(struct idl_outbuf *buffer, size_t element)
{
    uint64_t choice = fuzz_next();

    if (choice % 16 == 0) {
        buffer->length = buffer->capacity + element; /* which the dispatcher must not send */
        return;
    }
    buffer->length = choice % (buffer->capacity / element + 1) * element;
    if (buffer->length)
        memset(buffer->data, 'x', buffer->length);
}

int fuzz_result(const int *errors, size_t count)
{
    uint64_t choice = fuzz_next();

    if (choice % 4)
        return 0;
    choice /= 4;
    if (count && choice % 2)
        return errors[choice / 2 % count];
    return choice % 4 < 2 ? -ERROR_BUSY : 0x7fff0000;
}
