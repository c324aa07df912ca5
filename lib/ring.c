/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in shared memory: how records and answers are laid out, and read without believing them. See ring.h. */
#include "ring.h"

#include <string.h>

#define ROOM_BYTES (MESSAGE_MAX_STRINGS * sizeof(uint32_t))

static inline uint32_t tag_words(uint32_t low)
{
    if (low <= TAG_PLAIN_CALL_LAST)
        return low - TAG_PLAIN_CALL;
    if (low <= TAG_PLAIN_REPLY_LAST)
        return low - TAG_PLAIN_REPLY;
    return low & TAG_WORDS_MASK;
}

static inline uint32_t tag_items(uint32_t low)
{
    return low <= TAG_PLAIN_REPLY_LAST ? 0 : low >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
}

static inline uint32_t tag_operation(uint32_t low)
{
    if (low <= TAG_PLAIN_CALL_LAST)
        return MESSAGE_CALL;
    return low <= TAG_PLAIN_REPLY_LAST ? MESSAGE_REPLY_AND_WAIT : low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK;
}

/* Is it spelt as message_tag() does, with no more items than strings can be? */
static inline bool is_message(uint32_t low)
{
    uint32_t items = tag_items(low);

    if (low - TAG_NATIVE <= TAG_PLAIN_REPLY_LAST - TAG_NATIVE)
        return true;
    return items <= MESSAGE_MAX_STRINGS && low == message_tag(tag_operation(low), tag_words(low), items);
}

/* Copies from shared memory: what is looked at afterwards is the copy, whatever the other side writes. */
static void copy_out(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + 7) & ~(uint64_t)7;
}

/* ---- what requests and answers have in common: words, lengths, strings ---- */

/* How long that is, or more than RING_ANSWER_BYTES: `lengths` may be anything. */
static uint64_t body_bytes(uint32_t low, const uint64_t *lengths)
{
    uint64_t bytes = 8 * (tag_words(low) + tag_items(low));

    for (uint32_t i = 0; i < tag_items(low); i++)
        bytes += lengths[i] > RING_ANSWER_BYTES ? RING_ANSWER_BYTES + 1 : rounded(lengths[i]);
    return bytes;
}

static void string_lengths(uint32_t items, const struct utcb *utcb, uint64_t *lengths)
{
    for (uint32_t i = 0; i < items; i++)
        lengths[i] = utcb->items[i] >> ITEM_LENGTH_SHIFT;
}

/* Word `i` of a message: in a register, or in the UTCB. */
static uint64_t *word_of(uint32_t i, uint64_t *words, struct utcb *utcb)
{
    return i < MESSAGE_REGISTER_WORDS ? &words[i] : &utcb->words[i];
}

/* Words go one by one, each read or written once: most messages have few. */
static void put_words(uint64_t *at, uint32_t count, const uint64_t *words, const struct utcb *utcb)
{
    for (uint32_t i = 0; i < count; i++)
        __atomic_store_n(&at[i], i < MESSAGE_REGISTER_WORDS ? words[i] : utcb->words[i], __ATOMIC_RELAXED);
}

static void put_strings(uint8_t *at, uint32_t items, const uint64_t *lengths, const struct utcb *utcb)
{
    memcpy(at, lengths, 8 * items);
    at += 8 * items;
    for (uint32_t i = 0; i < items; i++) {
        if (lengths[i])
            memcpy(at, (const void *)(uintptr_t)utcb->item_addresses[i], lengths[i]);
        at += rounded(lengths[i]);
    }
}

static void put_body(void *at, uint32_t low, const uint64_t *words, const uint64_t *lengths, const struct utcb *utcb)
{
    put_words(at, tag_words(low), words, utcb);
    if (tag_items(low))
        put_strings((uint8_t *)at + 8 * tag_words(low), tag_items(low), lengths, utcb);
}

/* Copies the words out, those that travel in registers into `words`, which are zero beyond the count. */
static void take_words(const uint64_t *at, uint32_t count, uint64_t *words, struct utcb *utcb)
{
    for (uint32_t i = 0; i < count; i++)
        *word_of(i, words, utcb) = __atomic_load_n(&at[i], __ATOMIC_RELAXED);
    for (uint32_t i = count; i < MESSAGE_REGISTER_WORDS; i++)
        words[i] = 0;
}

static bool fit_buffers(uint32_t items, const uint64_t *lengths, const struct utcb *utcb)
{
    for (uint32_t i = 0; i < items; i++)
        if (lengths[i] > utcb->string_buffers[i].size)
            return false;
    return true;
}

/* Copies strings that fit out, and makes the items that tell of them. */
static void take_strings(const uint8_t *at, uint32_t items, const uint64_t *lengths, struct utcb *utcb)
{
    for (uint32_t i = 0; i < items; i++) {
        uint64_t address = utcb->string_buffers[i].address;

        if (lengths[i])
            memcpy((void *)(uintptr_t)address, at, lengths[i]);
        utcb->items[i] = lengths[i] << ITEM_LENGTH_SHIFT | (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT;
        utcb->item_addresses[i] = address;
        at += rounded(lengths[i]);
    }
}

/* ---- the client's side ---- */

static struct ring_record *record_at(struct ring *ring, uint64_t position)
{
    return (struct ring_record *)&ring->requests[position & (RING_REQUEST_BYTES - RING_UNIT)];
}

/* Bytes up to the end of the memory, where no record goes beyond. */
static uint64_t bytes_to_end(uint64_t position)
{
    return RING_REQUEST_BYTES - (position & (RING_REQUEST_BYTES - RING_UNIT));
}

/* Fills what is left before the end, if the record does not fit there. */
static void put_filler(struct ring_client *client, uint64_t bytes)
{
    uint64_t left = bytes_to_end(client->written);

    if (bytes <= left)
        return;
    *record_at(client->ring, client->written) = (struct ring_record){.bytes = (uint32_t)left, .withdrawn = 1};
    client->written += left;
}

static void put_room(uint8_t *at, const struct utcb *utcb)
{
    uint32_t room[MESSAGE_MAX_STRINGS];

    for (uint32_t i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        uint64_t size = utcb->string_buffers[i].size;
        room[i] = size < RING_ANSWER_BYTES ? (uint32_t)size : RING_ANSWER_BYTES;
    }
    memcpy(at, room, sizeof(room));
}

/* Is there room for that many bytes? */
static enum ring_put look_for_room(const struct ring_client *client, uint64_t bytes)
{
    uint64_t used = client->written - __atomic_load_n(&client->ring->read, __ATOMIC_ACQUIRE);
    uint64_t left = bytes_to_end(client->written);

    if (bytes > RING_MOST_BYTES)
        return RING_TOO_LONG;
    if (used > RING_REQUEST_BYTES)
        return RING_BROKEN;
    return (bytes > left ? left + bytes : bytes) <= RING_REQUEST_BYTES - used ? RING_PUT : RING_FULL;
}

enum ring_put ring_put(struct ring_client *client, uint64_t tag, const uint64_t *words, const struct utcb *utcb)
{
    uint32_t low = (uint32_t)tag, items = tag_items(low);
    bool is_call = tag_operation(low) == MESSAGE_CALL;
    uint64_t lengths[MESSAGE_MAX_ITEMS] = {0}, bytes = sizeof(struct ring_record) + (is_call ? ROOM_BYTES : 0);
    struct ring_record *record;
    enum ring_put result;

    if (!is_message(low))
        return RING_TOO_LONG;
    string_lengths(items, utcb, lengths);
    bytes = (bytes + body_bytes(low, lengths) + RING_UNIT - 1) & ~(uint64_t)(RING_UNIT - 1);
    result = look_for_room(client, bytes);
    if (result != RING_PUT)
        return result;
    put_filler(client, bytes);
    record = record_at(client->ring, client->written);
    client->call = client->written;
    *record = (struct ring_record){.bytes = (uint32_t)bytes, .tag = tag, .sequence = is_call ? ++client->sequence : 0};
    if (is_call)
        put_room((uint8_t *)(record + 1), utcb);
    put_body((uint8_t *)(record + 1) + (is_call ? ROOM_BYTES : 0), low, words, lengths, utcb);
    client->written += bytes;
    __atomic_store_n(&client->ring->written, client->written, __ATOMIC_RELEASE);
    return RING_PUT;
}

void ring_withdraw(const struct ring_client *client)
{
    __atomic_store_n(&record_at(client->ring, client->call)->withdrawn, 1, __ATOMIC_RELAXED);
}

uint64_t ring_take_answer(const struct ring_client *client, uint64_t *words, struct utcb *utcb)
{
    const uint8_t *at = client->ring->answer + sizeof(struct ring_answer);
    struct ring_answer answer;
    uint64_t lengths[MESSAGE_MAX_STRINGS] = {0};
    uint32_t low, items;

    copy_out(&answer, client->ring->answer, sizeof(answer));
    low = (uint32_t)answer.tag;
    items = tag_items(low);
    if (answer.sequence != client->sequence || !is_message(low) || tag_operation(low) != MESSAGE_REPLY_AND_WAIT)
        return 0;
    if (items)
        copy_out(lengths, at + 8 * tag_words(low), 8 * items);
    if (sizeof(answer) + body_bytes(low, lengths) > RING_ANSWER_BYTES || !fit_buffers(items, lengths, utcb))
        return 0;
    take_words((const uint64_t *)at, tag_words(low), words, utcb);
    take_strings(at + 8 * (tag_words(low) + items), items, lengths, utcb);
    return answer.tag;
}

/* ---- the server's side ---- */

/* What stands at `*read`, up to `written`. False where nothing is, or nothing that can be. */
static bool look(const struct ring_server *server, uint64_t written, struct ring_record *record)
{
    uint64_t position = server->read, there = written - position;
    const struct ring_record *shared = record_at(server->ring, position);

    record->bytes = __atomic_load_n(&shared->bytes, __ATOMIC_RELAXED);
    record->withdrawn = __atomic_load_n(&shared->withdrawn, __ATOMIC_RELAXED);
    record->tag = __atomic_load_n(&shared->tag, __ATOMIC_RELAXED);
    record->sequence = __atomic_load_n(&shared->sequence, __ATOMIC_RELAXED);
    return there <= RING_REQUEST_BYTES && record->bytes >= sizeof(*record) && record->bytes % RING_UNIT == 0 &&
           record->bytes <= there && record->bytes <= bytes_to_end(position);
}

static void go_to(struct ring_server *server, uint64_t position)
{
    __atomic_store_n(&server->read, position, __ATOMIC_RELAXED);
    __atomic_store_n(&server->ring->read, position, __ATOMIC_RELEASE);
}

/* The client wrote what cannot be: all of it is skipped. */
static void skip_rubbish(struct ring_server *server, uint64_t written)
{
    server->rubbish++;
    go_to(server, written);
}

/* Skips what was withdrawn. False if nothing is left. */
static bool find(struct ring_server *server, uint64_t written, struct ring_record *record)
{
    while (server->read != written) {
        if (!look(server, written, record)) {
            skip_rubbish(server, written);
            return false;
        }
        if (record->withdrawn != 1)
            return true;
        if (record->sequence)
            __atomic_store_n(&server->ring->answered, record->sequence, __ATOMIC_RELEASE);
        go_to(server, server->read + record->bytes);
    }
    return false;
}

/* Takes the message of `record` out, which stands at the server's position; RING_NOTHING if it cannot be one. */
static enum ring_take take_message(const struct ring_server *server, const struct ring_record *record,
                                   struct ring_request *request, struct utcb *utcb)
{
    const uint8_t *at = (const uint8_t *)(record_at(server->ring, server->read) + 1);
    uint32_t low = (uint32_t)record->tag, items = tag_items(low);
    uint64_t lengths[MESSAGE_MAX_STRINGS] = {0}, room = tag_operation(low) == MESSAGE_CALL ? ROOM_BYTES : 0;

    if (!is_message(low) || sizeof(*record) + room + 8 * (tag_words(low) + items) > record->bytes)
        return RING_NOTHING;
    if (room)
        copy_out(request->room, at, ROOM_BYTES);
    at += room;
    request->tag = record->tag;
    request->sequence = record->sequence;
    if (items == 0)
        return take_words((const uint64_t *)at, tag_words(low), request->words, utcb), RING_TAKEN;
    copy_out(lengths, at + 8 * tag_words(low), 8 * items);
    if (sizeof(*record) + room + body_bytes(low, lengths) > record->bytes)
        return RING_NOTHING;
    if (!fit_buffers(items, lengths, utcb))
        return RING_UNFIT;
    take_words((const uint64_t *)at, tag_words(low), request->words, utcb);
    take_strings(at + 8 * (tag_words(low) + items), items, lengths, utcb);
    return RING_TAKEN;
}

/* The next record, if it is of the kind that is wanted: a send (`end` is 0), or the call that ends there. */
static enum ring_take take(struct ring_server *server, uint64_t end, struct ring_request *request, struct utcb *utcb)
{
    uint64_t written = __atomic_load_n(&server->ring->written, __ATOMIC_ACQUIRE);
    struct ring_record record;
    enum ring_take result;

    if (!find(server, written, &record))
        return RING_NOTHING;
    if (tag_operation((uint32_t)record.tag) == MESSAGE_CALL ? server->read + record.bytes != end : end != 0)
        return RING_NOTHING;
    result = take_message(server, &record, request, utcb);
    if (result == RING_NOTHING)
        skip_rubbish(server, written);
    else
        go_to(server, server->read + record.bytes);
    return result;
}

static enum ring_take take_alone(struct ring_server *server, uint64_t end, struct ring_request *request,
                                 struct utcb *utcb)
{
    enum ring_take result = RING_NOTHING;

    if (__atomic_exchange_n(&server->taking, 1, __ATOMIC_ACQUIRE))
        return RING_NOTHING;
    result = take(server, end, request, utcb);
    __atomic_store_n(&server->taking, 0, __ATOMIC_RELEASE);
    return result;
}

enum ring_take ring_take_send(struct ring_server *server, struct ring_request *request, struct utcb *utcb)
{
    return take_alone(server, 0, request, utcb);
}

enum ring_take ring_take_call(struct ring_server *server, uint64_t end, struct ring_request *request, struct utcb *utcb)
{
    return end == 0 ? RING_NOTHING : take_alone(server, end, request, utcb);
}

bool ring_has_sends(const struct ring_server *server)
{
    uint64_t written = __atomic_load_n(&server->ring->written, __ATOMIC_ACQUIRE);
    uint64_t read = __atomic_load_n(&server->read, __ATOMIC_RELAXED);
    const struct ring_record *record = record_at(server->ring, read);

    if (written == read)
        return false;
    return __atomic_load_n(&record->withdrawn, __ATOMIC_RELAXED) == 1 ||
           tag_operation((uint32_t)__atomic_load_n(&record->tag, __ATOMIC_RELAXED)) != MESSAGE_CALL;
}

/* Are the items strings, and does the client take each of them? */
static bool takes_items(const struct ring_request *request, uint32_t items, const struct utcb *utcb)
{
    for (uint32_t i = 0; i < items; i++)
        if ((uint32_t)utcb->items[i] != (uint32_t)ITEM_STRING << ITEM_KIND_SHIFT ||
            utcb->items[i] >> ITEM_LENGTH_SHIFT > request->room[i])
            return false;
    return true;
}

bool ring_put_answer(const struct ring_server *server, const struct ring_request *request, uint64_t tag,
                     const uint64_t *words, const struct utcb *utcb)
{
    struct ring_answer answer = {request->sequence, tag};
    uint64_t lengths[MESSAGE_MAX_STRINGS] = {0};
    uint32_t low = (uint32_t)tag, items = tag_items(low);

    if (!is_message(low) || !takes_items(request, items, utcb))
        return false;
    string_lengths(items, utcb, lengths);
    if (sizeof(answer) + body_bytes(low, lengths) > RING_ANSWER_BYTES)
        return false;
    memcpy(server->ring->answer, &answer, sizeof(answer));
    put_body(server->ring->answer + sizeof(answer), low, words, lengths, utcb);
    return true;
}
