/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of message tags (kernel/ipc/message.c against abi/message.h): each request has exactly one spelling, which
 * message_tag() makes and the kernel takes apart again; whatever else stands in the low half is refused. Prints TAP.
 */
#include "abi/message.h"
#include "host_tap.h"
#include "ipc/message.h"

#define OPERATIONS 16
#define ITEMS 8
#define WORDS 64

struct request {
    uint32_t operation, words, items;
    bool poll, deadline, closed;
};

/* What abi/message.h says about which requests there are. */
static bool exists(struct request request)
{
    switch (request.operation) {
    case MESSAGE_CALL:
    case MESSAGE_SEND:
        return !request.closed;
    case MESSAGE_REPLY_AND_WAIT:
    case MESSAGE_SEND_AND_WAIT:
        return !request.poll;
    case MESSAGE_REPLY:
        return !request.poll && !request.deadline && !request.closed;
    case MESSAGE_RECEIVE:
        return request.words == 0 && request.items == 0;
    default:
        return false;
    }
}

static bool reads_back(uint32_t low, struct request request)
{
    uint32_t general = tag_general(low);
    return tag_operation(general) == request.operation && tag_words(general) == request.words &&
           tag_items(general) == request.items;
}

/* The general form of a request, whether or not it must use a plain one. */
static uint32_t general_form(struct request request)
{
    return TAG_NATIVE | request.words | request.operation << TAG_OPERATION_SHIFT | request.items << TAG_ITEMS_SHIFT |
           (request.poll ? TAG_POLL : 0) | (request.deadline ? TAG_DEADLINE : 0) | (request.closed ? TAG_CLOSED : 0);
}

static bool is_plain(struct request request)
{
    return !request.poll && !request.deadline && !request.closed && request.items == 0 &&
           request.words <= MESSAGE_REGISTER_WORDS &&
           (request.operation == MESSAGE_CALL || request.operation == MESSAGE_REPLY_AND_WAIT);
}

/* The spelling that programs use. */
static uint32_t spelling(struct request request)
{
    if (is_plain(request))
        return message_tag(request.operation, request.words, request.items);
    return general_form(request);
}

static unsigned requests, wrong_spelling, wrong_refusal, wrong_reading, wrong_general;

static void check(struct request request)
{
    uint32_t low = spelling(request), general = general_form(request);
    if (!exists(request)) {
        wrong_refusal += general > TAG_PLAIN_REPLY_LAST && tag_well_formed(general);
        return;
    }
    requests++;
    wrong_spelling += !tag_well_formed(low);
    wrong_reading += !reads_back(low, request);
    wrong_general += is_plain(request) && tag_well_formed(general);
    if (!request.poll && !request.deadline && !request.closed)
        wrong_spelling += message_tag(request.operation, request.words, request.items) != low;
}

static void test_requests(void)
{
    for (uint32_t operation = 0; operation < OPERATIONS; operation++)
        for (uint32_t words = 0; words < WORDS; words++)
            for (uint32_t items = 0; items < ITEMS; items++)
                for (uint32_t flags = 0; flags < 8; flags++)
                    check((struct request){operation, words, items, flags & 1, flags & 2, flags & 4});
    /* call and send with four, reply-and-wait and send-and-wait with four, reply with one; receive with eight flags */
    host_ok(requests == (4 + 4 + 4 + 4 + 1) * WORDS * ITEMS + 8 && wrong_spelling == 0,
            "%u requests, each with a spelling of message_tag()", requests);
    host_ok(wrong_reading == 0, "the kernel reads operation, words and items back");
    host_ok(wrong_general == 0, "the plain ones have no second spelling in the general form");
    host_ok(wrong_refusal == 0, "requests that do not exist are refused");
}

/* Every value of the low 18 bits, and every single reserved bit with each of them: none has a second reading. */
static void test_all_low_values(void)
{
    unsigned well_formed = 0, reserved = 0;
    for (uint32_t low = 0; low < 0x40000; low++)
        well_formed += tag_well_formed(TAG_NATIVE | low);
    for (uint32_t bit = 18; bit < 31; bit++)
        for (uint32_t low = 0; low < 0x10000; low++)
            reserved += tag_well_formed(TAG_NATIVE | 1U << bit | low);
    host_ok(well_formed == requests, "as many well-formed tags as requests: %u", well_formed);
    host_ok(reserved == 0, "a reserved bit makes every tag malformed");
}

static void test_other_forms(void)
{
    host_ok(message_is_tag(TAG_NATIVE) && !message_is_tag(0) && !message_is_tag(ERROR_LAST) &&
                !message_is_tag((uint64_t)0xffffffff << 32),
            "errors are no tags, whatever stands in the high half");
    uint64_t tag = message_labelled_tag(0xdeadbeef, message_tag(MESSAGE_SEND, 63, 7));
    host_ok(message_label(tag) == 0xdeadbeef && (uint32_t)tag == message_tag(MESSAGE_SEND, 63, 7),
            "label and low half are kept apart");
    host_ok(TAG_PLAIN_REPLY_LAST - TAG_PLAIN_CALL == 13 && !tag_well_formed(UINT32_MAX),
            "the plain forms are the smallest 14 values; -1 is Linux'");
}

int main(void)
{
    test_requests();
    test_all_low_values();
    test_other_forms();
    return host_done();
}
