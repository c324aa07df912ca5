/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred replies by generated code: a server keeps its callers and answers them later, in another order, once each;
 * what is dropped, or left alone by its handler, is answered all the same; and callers or the server go away meanwhile.
 * And the loop that keeps each caller while its handler goes on, salto_serve_late().
 */
#include "room.h"

#include <salto/page_item.h>
#include <salto/wait.h>
#include <string.h>

#define PATIENCE 2000 /* calls until all must have been kept */
#define FEW 5
#define MANY 20 /* more than reply objects are kept for the next time */
#define ROOM_AT 0x300000000000UL

static struct room room;
static struct worker server, clients[MANY];
static uint32_t endpoint;
static waiting_room_t self;

/* ---- Clients ----------------------------------------------------------------------------------------------------- */

enum { HANDLE, TICKET, WAY, RESULT, NUMBER, SEATS, HANDLE_BACK = NUMBER };

static void play_wait(struct area *area)
{
    struct waiting_place place = {0};
    uint32_t number = 77;

    area->values[RESULT] =
        (uint64_t)waiting_room_wait((waiting_room_t){(uint32_t)area->values[HANDLE]}, (uint32_t)area->values[TICKET],
                                    (waiting_way_t)area->values[WAY], &number, &place);
    area->values[NUMBER] = number;
    area->values[SEATS] = place.row * 1000u + place.seats[7] * 10 + place.sure;
    area->done = 1;
}

static char data[4200], name[310];
static size_t data_length, name_length, data_room, name_room;

static void play_read(struct area *area)
{
    area->values[RESULT] =
        (uint64_t)waiting_room_read((waiting_room_t){(uint32_t)area->values[HANDLE]}, (uint32_t)area->values[TICKET],
                                    data, data_room, &data_length, name, name_room, &name_length);
    area->done = 1;
}

static void play_trade(struct area *area)
{
    waiting_room_t same = {0};

    area->values[RESULT] =
        (uint64_t)waiting_room_trade((waiting_room_t){(uint32_t)area->values[HANDLE]}, (uint32_t)area->values[TICKET],
                                     (waiting_room_t){(uint32_t)area->values[WAY]}, &same);
    area->values[HANDLE_BACK] = same.handle;
    area->done = 1;
}

static void start(unsigned client, bool separate, worker_function *function, uint32_t ticket, uint64_t way)
{
    struct worker *worker = &clients[client];

    worker_create(worker, separate);
    worker->area->values[HANDLE] = worker_give(worker, endpoint, RIGHT_WRITE | RIGHT_COPY);
    worker->area->values[TICKET] = ticket;
    worker->area->values[WAY] = way;
    worker_start(worker, function);
}

static void finish(unsigned client)
{
    struct worker *worker = &clients[client];

    if (!worker->separate)
        worker_drop(worker, (uint32_t)worker->area->values[HANDLE]);
    worker_destroy(worker);
}

/* The client has its answer: `result`, and with 0 `number` and all else. */
static void expect_answer(unsigned client, int result, uint32_t number)
{
    struct area *area = clients[client].area;

    if (!worker_wait(&clients[client], 1))
        return;
    EXPECT_EQUAL(area->values[RESULT], (uint64_t)result);
    EXPECT_EQUAL(area->values[NUMBER], result == 0 ? number : 77);
    EXPECT_EQUAL(area->values[SEATS], result == 0 ? 7081 : 0);
}

static void expect_kept(uint32_t wanted)
{
    uint32_t count = 0;

    for (unsigned i = 0; i < PATIENCE && count < wanted; i++) {
        guest_yield();
        if (!EXPECT_EQUAL(waiting_room_kept(self, &count), 0))
            return;
    }
    EXPECT_EQUAL(count, wanted);
}

/* ---- The server -------------------------------------------------------------------------------------------------- */

static void open_room(void)
{
    memset(&room, 0, sizeof(room));
    endpoint = guest_endpoint();
    self.handle = endpoint;
    worker_create(&server, false);
    server.area->values[0] = endpoint;
    server.area->values[1] = (uint64_t)&room;
    worker_start(&server, room_serve);
}

static void close_room(void)
{
    worker_destroy(&server);
    guest_delete(endpoint);
}

static int answer(uint32_t ticket, uint32_t number)
{
    int32_t result = 1;

    EXPECT_EQUAL(waiting_room_answer(self, ticket, number, &result), 0);
    return result;
}

static int fail(uint32_t ticket, int error)
{
    int32_t result = 1;

    EXPECT_EQUAL(waiting_room_fail(self, ticket, error, &result), 0);
    return result;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void keep(unsigned count)
{
    open_room();
    for (unsigned i = 0; i < count; i++)
        start(i, i % 2, play_wait, i, WAITING_WAY_KEEP);
    expect_kept(count);
    for (unsigned i = 0; i < count; i++)
        EXPECT_EQUAL(clients[i].area->done, 0);
}

static void leave(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        finish(i);
    close_room();
}

static void out_of_order(void)
{
    keep(FEW);
    for (unsigned i = 0; i < FEW; i++) {
        unsigned which = (i * 3 + 2) % FEW;

        EXPECT_EQUAL(answer(which, 100 + which), 0);
        expect_answer(which, 0, 100 + which);
        for (unsigned later = i + 1; later < FEW; later++)
            EXPECT_EQUAL(clients[(later * 3 + 2) % FEW].area->done, 0);
    }
    leave(FEW);
}

static void many(void)
{
    keep(MANY);
    for (unsigned i = MANY; i-- > 0;)
        EXPECT_EQUAL(answer(i, i), 0);
    for (unsigned i = 0; i < MANY; i++)
        expect_answer(i, 0, i);
    leave(MANY);
}

static void at_once(void)
{
    static const struct {
        uint8_t way;
        int result;
    } ways[] = {{WAITING_WAY_ANSWER, 0},
                {WAITING_WAY_FAIL, WAITING_ERROR_FULL},
                {WAITING_WAY_FAIL_WRONGLY, -ERROR_ABANDONED},
                {WAITING_WAY_FAIL_LOW, -ERROR_NO_RIGHT},
                {WAITING_WAY_NOTHING, -ERROR_ABANDONED}};
    uint64_t words[6] = {1, 6};

    open_room();
    for (unsigned i = 0; i < COUNT(ways); i++) {
        struct waiting_place place = {0};
        uint32_t number = 77;

        EXPECT_EQUAL(waiting_room_wait(self, i, ways[i].way, &number, &place), ways[i].result);
        EXPECT_EQUAL(number, ways[i].result ? 77 : i);
        EXPECT_EQUAL(place.seats[7], ways[i].result ? 0 : 8);
    }
    EXPECT_EQUAL(message_label(ipc_call(WAITING_ROOM_WAIT_REQUEST, self.handle, words)), (uint32_t)-ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(idl_refused_parameter(), 0); /* the word of a call that was made by hand */
    close_room();
}

static void used_once(void)
{
    keep(3);
    EXPECT_EQUAL(answer(0, 1), 0);
    EXPECT_ERROR(answer(0, 2), NO_CALLER);
    EXPECT_ERROR(fail(0, WAITING_ERROR_FULL), NO_CALLER);
    EXPECT_EQUAL(fail(1, WAITING_ERROR_CLOSED), 0);
    EXPECT_ERROR(answer(1, 3), NO_CALLER);
    EXPECT_EQUAL(fail(2, WAITING_ERROR_FULL + 1), 0);
    EXPECT_ERROR(fail(2, WAITING_ERROR_FULL), NO_CALLER);
    expect_answer(0, 0, 1);
    expect_answer(1, WAITING_ERROR_CLOSED, 0);
    expect_answer(2, -ERROR_ABANDONED, 0);
    leave(3);
}

static void dropped(void)
{
    keep(2);
    EXPECT_EQUAL(waiting_room_drop(self, 1), 0);
    expect_answer(1, -ERROR_ABANDONED, 0);
    EXPECT_ERROR(answer(1, 1), NO_CALLER);
    EXPECT_EQUAL(clients[0].area->done, 0);
    EXPECT_EQUAL(answer(0, 4), 0);
    expect_answer(0, 0, 4);
    leave(2);
}

/* A token whose caller died is used by that, and its reply object keeps the next one, which it does not answer. */
static void client_dies(void)
{
    keep(2);
    worker_kill(&clients[1]);
    EXPECT_ERROR(answer(1, 1), NO_CALLER);
    start(2, true, play_wait, 2, WAITING_WAY_KEEP);
    expect_kept(3);
    EXPECT_ERROR(answer(1, 1), NO_CALLER);
    EXPECT_ERROR(fail(1, -ERROR_DEAD), NO_CALLER);
    EXPECT_EQUAL(clients[2].area->done, 0);
    EXPECT_EQUAL(answer(2, 2), 0);
    expect_answer(2, 0, 2);
    EXPECT_EQUAL(answer(0, 3), 0);
    expect_answer(0, 0, 3);
    leave(3);
}

/* In a task of its own, which has a factory under the handle that the program has its own, and the room in memory of
 * its own: the image there is read-only. */
static void open_other_room(kernel_memory_t memory, kernel_factory_t factory)
{
    const uint32_t pages = (sizeof(room) + 4095) / 4096;

    endpoint = guest_endpoint();
    self.handle = endpoint;
    worker_create(&server, true);
    for (uint32_t handle = 0, before = 1; handle < salto_own_factory && handle != before;) {
        before = handle;
        handle = worker_give(&server, factory.handle, RIGHT_READ | RIGHT_WRITE);
    }
    EXPECT_EQUAL(kernel_memory_map(memory, server.task, ROOM_AT, 0, pages, RIGHT_READ | RIGHT_WRITE), 0);
    server.area->values[0] = worker_give(&server, endpoint, RIGHT_READ);
    server.area->values[1] = ROOM_AT;
    worker_start(&server, room_serve);
}

static void server_dies(void)
{
    kernel_memory_t memory = {guest_memory((sizeof(room) + 4095) / 4096)};
    kernel_factory_t factory;

    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, MEBIBYTE, &factory), 0);
    open_other_room(memory, factory);
    for (unsigned i = 0; i < 4; i++)
        start(i, i % 2, play_wait, i, WAITING_WAY_KEEP);
    expect_kept(4);
    worker_kill(&server);
    for (unsigned i = 0; i < 4; i++)
        expect_answer(i, -ERROR_ABANDONED, 0);
    leave(4);
    guest_delete(factory.handle);
    guest_delete(memory.handle);
}

/* What is longer than the caller takes is refused, and the token is as good as before. */
static void long_results(void)
{
    int32_t result = 1;

    open_room();
    memset(data, 0x77, sizeof(data));
    data_room = 4000;
    name_room = 290;
    start(0, false, play_read, 9, 0);
    expect_kept(1);
    EXPECT(room.reads[9].rooms[0] == 4000 && room.reads[9].rooms[1] == 289);
    EXPECT_EQUAL(waiting_room_answer_read(self, 9, 4001, 5, &result), 0);
    EXPECT_ERROR(result, BAD_ARGUMENT);
    EXPECT_EQUAL(waiting_room_answer_read(self, 9, 10, 290, &result), 0);
    EXPECT_ERROR(result, BAD_ARGUMENT);
    EXPECT_EQUAL(clients[0].area->done, 0);
    EXPECT_EQUAL(waiting_room_answer_read(self, 9, 4000, 289, &result), 0);
    EXPECT_EQUAL(result, 0);
    if (worker_wait(&clients[0], 1)) {
        EXPECT_EQUAL(clients[0].area->values[RESULT], 0);
        EXPECT(data_length == 4000 && data[3999] == (char)(3999 * 5 + 9) && data[4000] == 0x77);
        EXPECT(name_length == 289 && strlen(name) == 289 && name[288] == 'n');
    }
    finish(0);
    close_room();
}

/* A capability is given, kept with its caller, and given back. */
static void capabilities(void)
{
    uint32_t copy, count = 0;
    int32_t result = 1;

    open_room();
    copy = guest_copy(endpoint, RIGHT_WRITE | RIGHT_COPY);
    start(0, false, play_trade, 3, copy);
    expect_kept(1);
    EXPECT_EQUAL(waiting_room_answer_trade(self, 3, &result), 0);
    EXPECT_EQUAL(result, 0);
    if (worker_wait(&clients[0], 1)) {
        uint32_t back = (uint32_t)clients[0].area->values[HANDLE_BACK];

        EXPECT_EQUAL(clients[0].area->values[RESULT], 0);
        EXPECT_EQUAL(waiting_room_kept((waiting_room_t){back}, &count), 0);
        EXPECT_EQUAL(count, 1);
        guest_delete(back);
    }
    finish(0);
    close_room();
}

/* ---- salto_serve_late() ------------------------------------------------------------------------------------------ */

enum { GIVE_TO_DEAD = 1, GIVE_WRONGLY, TELL_REFUSED };

/* A dispatcher: moves a capability to client 0, which dies before; or maps a page besides, for which nobody has a
 * window; or tells how many answers were refused since it was asked last. It waits meanwhile, which must not cost it
 * its caller. */
static struct idl_answer give(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                              uint64_t word3, struct idl_frame *frame)
{
    static _Alignas(4096) char page[4096];
    uint64_t refused = frame->refused;

    (void)badge, (void)word1, (void)tag, (void)word2, (void)word3;
    EXPECT_EQUAL(ipc_sleep_until(1), 0);
    if (word0 == TELL_REFUSED) {
        frame->refused = 0;
        return (struct idl_answer){message_labelled_tag(0, TAG_PLAIN_REPLY + 1), refused};
    }
    if (word0 == GIVE_TO_DEAD)
        worker_kill(&clients[0]);
    ipc_utcb()->items[0] = item_of(guest_copy(*(uint32_t *)frame->object, RIGHT_WRITE), RIGHT_WRITE, ITEM_MOVE);
    ipc_page(1, ITEM_MAP, page, PAGE_SHIFT, RIGHT_READ);
    return (struct idl_answer){tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, word0 == GIVE_WRONGLY ? 2 : 1), 0};
}

static void serve_late(struct area *area)
{
    area->values[RESULT] =
        (uint64_t)salto_serve_late((uint32_t)area->values[0], (uint32_t)area->values[1], give, &endpoint);
}

static void ask_for_gift(struct area *area)
{
    uint64_t words[6] = {GIVE_TO_DEAD};

    area->values[RESULT] = ipc_call(tag_of(1, MESSAGE_CALL, 1, 0), area->values[HANDLE], words);
    area->done = 1;
}

static uint64_t ask(uint64_t what, uint64_t *answer)
{
    uint64_t words[6] = {what}, tag = ipc_call(tag_of(1, MESSAGE_CALL, 1, 0), endpoint, words);

    *answer = words[0];
    return tag;
}

/* That nothing is left in the server's table is what the harness looks at behind each test. */
static void late_gifts(void)
{
    kernel_reply_t reply;
    uint64_t refused = 0, some = 0;

    endpoint = guest_endpoint();
    EXPECT_EQUAL(kernel_factory_create_reply(own_factory, &reply), 0);
    worker_create(&server, false);
    server.area->values[0] = endpoint;
    server.area->values[1] = reply.handle;
    worker_start(&server, serve_late);
    EXPECT(message_is_tag(ask(TELL_REFUSED, &refused)));
    EXPECT_EQUAL(refused, 0);
    EXPECT_EQUAL(message_label(ask(GIVE_WRONGLY, &some)), (uint32_t)-ERROR_NO_WINDOW);
    start(0, true, ask_for_gift, 0, 0);
    for (unsigned i = 0; i < PATIENCE && refused != 2; i++) {
        guest_yield();
        EXPECT(message_is_tag(ask(TELL_REFUSED, &some)));
        refused += some;
    }
    EXPECT_EQUAL(refused, 2);
    finish(0);
    worker_destroy(&server);
    guest_delete(reply.handle);
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"callers are kept, and answered in another order", out_of_order},
    {"many of them", many},
    {"a handler answers at once, fails, or does nothing", at_once},
    {"a token answers once", used_once},
    {"a token that is dropped answers that the call was abandoned", dropped},
    {"a caller that died is answered by nobody, nor is the next", client_dies},
    {"a server that dies abandons the callers that it kept", server_dies},
    {"long results, as much as the caller takes", long_results},
    {"capabilities there and back", capabilities},
    {"a loop whose handlers wait keeps nothing that it could not move", late_gifts},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
