/* SPDX-License-Identifier: BSD-2-Clause */
/* Random calls. See hunter.h. */
#include "hunter.h"

#include "abi/capability.h"
#include "idl/reply.h"

#define YIELD_EVERY 32
#define RAW_EVERY 4
#define MUTATE_EVERY 24
#define SELDOM_EVERY 2048
#define LINUX_ENOSYS 38
#define LEAVE_CALLER_EVERY 4
#define KEEP_CALLER_EVERY 6
#define PLACES_EVERY 8 /* raw calls */
#define TURN_EVERY 64
#define SELDOM_TURN 16 /* of this many turns, one has the operations that take long */

const char *row_name(unsigned row)
{
    static const char *const raw_names[RAW_WAYS] = {
        [RAW_CALL] = "ipc.call",
        [RAW_CALL_POLL] = "ipc.call-poll",
        [RAW_SEND] = "ipc.send",
        [RAW_SEND_POLL] = "ipc.send-poll",
        [RAW_RECEIVE] = "ipc.receive",
        [RAW_RECEIVE_POLL] = "ipc.receive-poll",
        [RAW_REPLY] = "ipc.reply",
        [RAW_REPLY_AND_WAIT] = "ipc.reply-and-wait",
        [RAW_CALL_DEADLINE] = "ipc.call-deadline",
        [RAW_SEND_DEADLINE] = "ipc.send-deadline",
        [RAW_RECEIVE_DEADLINE] = "ipc.receive-deadline",
        [RAW_REPLY_AND_WAIT_DEADLINE] = "ipc.reply-and-wait-deadline",
        [RAW_RECEIVE_CLOSED] = "ipc.receive-closed",
        [RAW_SEND_AND_WAIT] = "ipc.send-and-wait",
        [RAW_SEND_AND_WAIT_DEADLINE] = "ipc.send-and-wait-deadline",
        [RAW_WAIT_SIGNALS] = "ipc.wait-signals",
        [RAW_WAIT_NOTHING] = "ipc.wait-nothing",
        [RAW_SIGNAL] = "ipc.signal",
        [RAW_ANSWER_KEPT] = "ipc.answer-kept",
        [RAW_CYCLE] = "ipc.cycle",
        [RAW_NOISE] = "ipc.noise",
        [RAW_LINUX] = "ipc.linux",
    };
    return row < OPERATIONS ? operations[row].name : raw_names[row - OPERATIONS];
}

void hunter_knows(struct hunter *hunter, uint32_t handle, uint32_t type)
{
    uint32_t place = hunter->handles_count;
    if (handle == 0 || handle >= 65536)
        return;
    if (place < KNOWN_HANDLES)
        hunter->handles_count++;
    else
        place = (uint32_t)(draw_noise(&hunter->random) >> 32) % KNOWN_HANDLES;
    hunter->handles[place] = (struct known_handle){handle, type};
}

static uint64_t word_of(const struct ipc_message *message, unsigned word)
{
    return word < MESSAGE_REGISTER_WORDS ? message->words[word] : ipc_utcb()->words[word];
}

static void set_word(struct ipc_message *message, unsigned word, uint64_t value)
{
    if (word < MESSAGE_REGISTER_WORDS)
        message->words[word] = value;
    else
        ipc_utcb()->words[word] = value;
}

/* Makes the call, counts what came of it, and answers the tag that came in, or 0. */
static uint64_t transfer(struct hunter *hunter, unsigned row, uint64_t tag, uint64_t target,
                         struct ipc_message *message)
{
    hunter->tag = tag;
    hunter->target = target;
    uint64_t result = ipc_transfer(tag, target, message);
    if (message_is_tag(result) && (uint32_t)result != (uint32_t)-LINUX_ENOSYS) {
        hunter->counts[row][ERROR_NONE]++;
        uint32_t items = (uint32_t)result >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
        for (uint32_t i = 0; (uint32_t)result > TAG_PLAIN_REPLY_LAST && i < items; i++)
            hunter_knows(hunter, (uint32_t)ipc_utcb()->items[i], TYPE_ENDPOINT);
        return result;
    }
    if (result > 0 && result < ERROR_LAST) {
        hunter->counts[row][result]++;
    } else if (row != OPERATIONS + RAW_LINUX || result != (uint64_t)-LINUX_ENOSYS) {
        hunter->strange = result;
        hunter->strange_tag = tag;
    }
    return 0;
}

/* Another label, size, form or flag. */
static uint64_t mutated(struct hunter *hunter, uint64_t tag)
{
    uint64_t noise = draw_noise(&hunter->random);
    switch (noise >> 62) {
    case 0:
        return tag ^ 1UL << (noise & 0xffff) % 31;
    case 1:
        return tag ^ 1UL << (32 + (noise & 7));
    case 2:
        return (tag & 0xffffffffUL << 32) | (TAG_PLAIN_CALL + (noise & 15));
    default:
        return tag ^ TAG_POLL;
    }
}

/* The tag of a message that programs send each other, such that nobody waits long for it. */
static uint64_t polled(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;
    if (low <= TAG_PLAIN_CALL_LAST)
        low = TAG_NATIVE | MESSAGE_CALL << TAG_OPERATION_SHIFT | (low - TAG_PLAIN_CALL);
    return message_labelled_tag(message_label(tag), low | TAG_POLL);
}

/* Does the hunter take `target` for an endpoint? */
static bool is_endpoint(const struct hunter *hunter, uint64_t target)
{
    for (uint32_t i = 0; i < hunter->handles_count; i++)
        if (hunter->handles[i].handle == target)
            return hunter->handles[i].type == TYPE_ENDPOINT;
    return false;
}

/* An operation of a kernel object that goes to an endpoint instead must not wait for an answer that nobody gives. */
static void call_operation(struct hunter *hunter, unsigned row)
{
    const struct operation *operation = &operations[row];
    struct ipc_message message = {0};
    uint64_t target = draw_handle(hunter, operation->target);
    uint64_t tag = is_endpoint(hunter, target) ? polled(operation->request) : operation->request;
    for (unsigned i = 0; i < operation->arguments_count; i++)
        for (unsigned word = 0; word < operation->arguments[i].words; word++)
            set_word(&message, operation->arguments[i].word + word, draw_argument(hunter, &operation->arguments[i]));
    if (draw_once_in(&hunter->random, MUTATE_EVERY))
        tag = mutated(hunter, tag);
    if (!transfer(hunter, row, tag, target, &message))
        return;
    for (unsigned i = 0; i < operation->results_count; i++)
        hunter_knows(hunter, (uint32_t)word_of(&message, operation->results[i].word), operation->results[i].type);
}

static uint32_t random_size(struct hunter *hunter)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 32, 62, 63};
    return sizes[(draw_noise(&hunter->random) >> 32) % sizeof(sizes)];
}

static uint32_t random_label(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    return noise >> 63 ? message_label(operations[(noise & 0xffff) % OPERATIONS].request) : (uint32_t)noise & 31;
}

/* A tag with flags, in the general form, as such tags must be. */
static uint32_t general_tag(struct hunter *hunter, uint32_t operation, uint32_t flags)
{
    return TAG_NATIVE | flags | operation << TAG_OPERATION_SHIFT | random_size(hunter) |
           draw_items(hunter) << TAG_ITEMS_SHIFT;
}

/* One that receives, with nothing to send. */
static uint32_t receiving_tag(uint32_t flags)
{
    return flags | message_tag(MESSAGE_RECEIVE, 0, 0);
}

/* The deadline flag in three of four, the closed flag in one of four. */
static uint32_t random_flags(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    return (noise >> 62 ? TAG_DEADLINE : 0) | ((noise & 3) == 0 ? TAG_CLOSED : 0);
}

static uint32_t waiting_tag(struct hunter *hunter, enum raw_way way)
{
    switch (way) {
    case RAW_CALL_DEADLINE:
        return general_tag(hunter, MESSAGE_CALL, TAG_DEADLINE);
    case RAW_SEND_DEADLINE:
        return general_tag(hunter, MESSAGE_SEND, TAG_DEADLINE);
    case RAW_RECEIVE_DEADLINE:
        return receiving_tag(TAG_DEADLINE);
    case RAW_REPLY_AND_WAIT_DEADLINE:
        return general_tag(hunter, MESSAGE_REPLY_AND_WAIT, TAG_DEADLINE);
    case RAW_RECEIVE_CLOSED:
        return receiving_tag(TAG_CLOSED | random_flags(hunter));
    case RAW_SEND_AND_WAIT:
        return general_tag(hunter, MESSAGE_SEND_AND_WAIT, 0);
    case RAW_SEND_AND_WAIT_DEADLINE:
        return general_tag(hunter, MESSAGE_SEND_AND_WAIT, TAG_DEADLINE | random_flags(hunter));
    case RAW_WAIT_SIGNALS:
        return receiving_tag(random_flags(hunter));
    case RAW_WAIT_NOTHING:
        return receiving_tag(TAG_DEADLINE | TAG_CLOSED);
    case RAW_CYCLE:
        return message_tag(MESSAGE_CALL, random_size(hunter), 0);
    default: /* RAW_SIGNAL, RAW_ANSWER_KEPT */
        return message_tag(MESSAGE_SEND, random_size(hunter), draw_items(hunter));
    }
}

/* The low half of a tag; for RAW_NOISE and RAW_LINUX one that is no message's. */
static uint32_t raw_tag(struct hunter *hunter, enum raw_way way)
{
    uint64_t noise = draw_noise(&hunter->random);
    switch (way) {
    case RAW_CALL:
        return message_tag(MESSAGE_CALL, random_size(hunter), draw_items(hunter));
    case RAW_CALL_POLL:
        return TAG_NATIVE | TAG_POLL | MESSAGE_CALL << TAG_OPERATION_SHIFT | random_size(hunter) |
               draw_items(hunter) << TAG_ITEMS_SHIFT;
    case RAW_SEND:
        return message_tag(MESSAGE_SEND, random_size(hunter), draw_items(hunter));
    case RAW_SEND_POLL:
        return TAG_POLL | message_tag(MESSAGE_SEND, random_size(hunter), draw_items(hunter));
    case RAW_RECEIVE:
        return message_tag(MESSAGE_RECEIVE, 0, 0);
    case RAW_RECEIVE_POLL:
        return TAG_POLL | message_tag(MESSAGE_RECEIVE, 0, 0);
    case RAW_REPLY:
        return message_tag(MESSAGE_REPLY, random_size(hunter), draw_items(hunter));
    case RAW_REPLY_AND_WAIT:
        return message_tag(MESSAGE_REPLY_AND_WAIT, random_size(hunter), draw_items(hunter));
    case RAW_NOISE:
        return (uint32_t)noise | TAG_NATIVE | TAG_POLL;
    case RAW_LINUX:
        return noise >> 63 ? UINT32_MAX : (uint32_t)noise & (noise >> 62 ? 0x1ff : 0x7fffffff);
    default:
        return waiting_tag(hunter, way);
    }
}

/* Noise and Linux' numbers come less often than messages. */
static enum raw_way random_way(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random) >> 32;
    if (noise % 64 == 0)
        return RAW_LINUX;
    return noise % 64 < 4 ? RAW_NOISE : (enum raw_way)(noise / 64 % RAW_NOISE);
}

static uint64_t meeting_place(struct hunter *hunter)
{
    return hunter->meeting_places[(draw_noise(&hunter->random) >> 32) % MEETING_PLACES];
}

/* Mostly one with the right to receive: of each endpoint, the first capability. */
static uint64_t receiving_place(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random) >> 32;
    uint32_t place = noise % MEETING_PLACES;
    return hunter->meeting_places[noise >> 28 == 0 ? place : place / CAPABILITIES_PER_PLACE * CAPABILITIES_PER_PLACE];
}

/* Where a send-and-wait sends to and waits: one of four times to or on something else than an endpoint. */
static uint64_t two_targets(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    uint64_t target = meeting_place(hunter), source = receiving_place(hunter);
    if (noise >> 62 == 0)
        target = (uint32_t)draw_handle(hunter, noise & 1 ? TYPE_NOTIFICATION : TYPE_REPLY);
    if ((noise & 6) == 0)
        source = noise & 8 ? 0 : (uint32_t)draw_handle(hunter, TYPE_NOTIFICATION);
    return target | source << WAIT_HANDLE_SHIFT;
}

/* Who may wait goes where others come by, or would wait for ever more often than not. */
static uint64_t raw_target(struct hunter *hunter, enum raw_way way)
{
    switch (way) {
    case RAW_CALL_POLL:
    case RAW_SEND_POLL:
    case RAW_RECEIVE_POLL:
    case RAW_REPLY:
    case RAW_NOISE:
    case RAW_LINUX:
        return draw_handle(hunter, TYPE_ENDPOINT);
    case RAW_SEND_AND_WAIT:
    case RAW_SEND_AND_WAIT_DEADLINE:
        return two_targets(hunter);
    case RAW_WAIT_NOTHING:
        return 0;
    case RAW_WAIT_SIGNALS:
        return draw_once_in(&hunter->random, 2) ? 0 : draw_handle(hunter, TYPE_NOTIFICATION);
    case RAW_SIGNAL:
        return draw_handle(hunter, TYPE_NOTIFICATION);
    case RAW_ANSWER_KEPT:
        return draw_handle(hunter, TYPE_REPLY);
    case RAW_CYCLE:
        return hunter->own_endpoint;
    case RAW_RECEIVE:
    case RAW_RECEIVE_DEADLINE:
    case RAW_RECEIVE_CLOSED:
    case RAW_REPLY_AND_WAIT:
    case RAW_REPLY_AND_WAIT_DEADLINE:
        return draw_once_in(&hunter->random, 16) ? draw_handle(hunter, TYPE_ENDPOINT) : receiving_place(hunter);
    default:
        return draw_once_in(&hunter->random, 16) ? draw_handle(hunter, TYPE_ENDPOINT) : meeting_place(hunter);
    }
}

static void draw_deadlines(struct hunter *hunter)
{
    ipc_utcb()->send_deadline = draw_deadline(hunter);
    ipc_utcb()->receive_deadline = draw_deadline(hunter);
}

/* The row of an operation of the IDL files. */
static unsigned row_of(uint64_t request)
{
    unsigned row = 0;
    while (operations[row].request != request)
        row++;
    return row;
}

/* Most callers get an answer soon, or all hunters would soon wait for each other. */
static void answer(struct hunter *hunter, struct ipc_message *message)
{
    static const enum raw_way ways[] = {RAW_REPLY, RAW_REPLY, RAW_REPLY_AND_WAIT, RAW_REPLY_AND_WAIT_DEADLINE};
    enum raw_way way = ways[draw_noise(&hunter->random) >> 62];
    draw_deadlines(hunter);
    if (draw_once_in(&hunter->random, PLACES_EVERY))
        draw_places(hunter);
    uint64_t tag = message_labelled_tag(random_label(hunter), raw_tag(hunter, way));
    transfer(hunter, OPERATIONS + way, tag, raw_target(hunter, way), message);
}

static bool is_call(uint32_t low)
{
    return (low >= TAG_PLAIN_CALL && low <= TAG_PLAIN_CALL_LAST) ||
           (low > TAG_PLAIN_REPLY_LAST && (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_CALL);
}

/* The caller stays in a reply object, if that is empty, for whoever answers it. */
static void keep_caller(struct hunter *hunter)
{
    struct ipc_message message = {0};
    transfer(hunter, row_of(KERNEL_REPLY_KEEP_REQUEST), KERNEL_REPLY_KEEP_REQUEST, draw_handle(hunter, TYPE_REPLY),
             &message);
}

/* Makes the hunter the endpoint's server, by a receive whose deadline has passed: a call of its own to it would never
 * be received. */
static void receive_in_vain(struct hunter *hunter, uint64_t endpoint)
{
    struct ipc_message message;
    ipc_utcb()->receive_deadline = 0;
    transfer(hunter, OPERATIONS + RAW_RECEIVE_DEADLINE, receiving_tag(TAG_DEADLINE), endpoint, &message);
}

static void call_raw(struct hunter *hunter)
{
    struct ipc_message message;
    enum raw_way way = random_way(hunter);
    uint64_t target = raw_target(hunter, way);
    if (way == RAW_CYCLE)
        receive_in_vain(hunter, target);
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        message.words[i] = draw_integer(hunter);
    draw_deadlines(hunter);
    if (draw_once_in(&hunter->random, PLACES_EVERY))
        draw_places(hunter);
    uint64_t tag = message_labelled_tag(random_label(hunter), raw_tag(hunter, way));
    uint64_t came = transfer(hunter, OPERATIONS + way, tag, target, &message);
    if (!is_call((uint32_t)came) || draw_once_in(&hunter->random, LEAVE_CALLER_EVERY))
        return;
    if (draw_once_in(&hunter->random, KEEP_CALLER_EVERY))
        keep_caller(hunter);
    else
        answer(hunter, &message);
}

/* Each operation comes in turn now and then, so that none is left out by chance. */
static unsigned next_operation(struct hunter *hunter)
{
    uint32_t turn = hunter->turn++;
    while (operations[turn % OPERATIONS].seldom && turn / OPERATIONS % SELDOM_TURN != 0)
        turn = hunter->turn++;
    return turn % OPERATIONS;
}

static unsigned random_operation(struct hunter *hunter)
{
    if (draw_once_in(&hunter->random, TURN_EVERY))
        return next_operation(hunter);
    for (;;) {
        unsigned row = (unsigned)((draw_noise(&hunter->random) >> 32) % OPERATIONS);
        if (!operations[row].seldom || draw_once_in(&hunter->random, SELDOM_EVERY))
            return row;
    }
}

void hunter_main(struct area *area)
{
    struct hunter *hunter = (struct hunter *)area->values[0];
    while (hunter->calls < hunter->wanted) {
        if (draw_once_in(&hunter->random, YIELD_EVERY))
            (void)!kernel_thread_yield((kernel_thread_t){hunter->own_thread});
        if (draw_once_in(&hunter->random, RAW_EVERY))
            call_raw(hunter);
        else
            call_operation(hunter, random_operation(hunter));
        hunter->calls++;
    }
}

void hunter_child(uint64_t argument, uint64_t second)
{
    for (int i = 0; i < 4; i++) {
        uint64_t words[MESSAGE_REGISTER_WORDS] = {argument, second};
        (void)ipc_exchange(message_labelled_tag((uint32_t)second, message_tag(MESSAGE_SEND, (uint32_t)i, 0) | TAG_POLL),
                           argument + (uint64_t)i, words);
    }
    __builtin_trap();
}
