/* SPDX-License-Identifier: BSD-2-Clause */
/* See room.h. */
#include "room.h"

#include <string.h>

static const struct waiting_place somewhere = {.row = 7, .sure = true, .seats = {1, 2, 3, 4, 5, 6, 7, 8}};

static int on_wait(void *object, const struct idl_call *call, uint32_t ticket, waiting_way_t way,
                   struct waiting_room_wait_token *token)
{
    struct room *room = object;

    (void)call;
    switch (way) {
    case WAITING_WAY_KEEP:
        room->waits[ticket] = idl_take_token(token);
        room->count++;
        return -ERROR_NO_MEMORY; /* which is nobody's any more */
    case WAITING_WAY_ANSWER:
        return waiting_room_wait_reply(token, ticket, &somewhere);
    case WAITING_WAY_FAIL:
        return WAITING_ERROR_FULL;
    case WAITING_WAY_FAIL_WRONGLY:
        return WAITING_ERROR_FULL + 1;
    case WAITING_WAY_FAIL_LOW:
        return -ERROR_NO_RIGHT;
    default:
        return 0;
    }
}

static int on_read(void *object, const struct idl_call *call, uint32_t ticket, struct waiting_room_read_token *token)
{
    struct room *room = object;

    (void)call;
    room->reads[ticket] = idl_take_token(token);
    room->count++;
    return 0;
}

static int on_trade(void *object, const struct idl_call *call, uint32_t ticket, struct idl_cap *given,
                    struct waiting_room_trade_token *token)
{
    struct room *room = object;

    (void)call;
    room->trades[ticket] = idl_take_token(token);
    room->given[ticket] = idl_take(given);
    room->count++;
    return 0;
}

static int on_kept(void *object, const struct idl_call *call, uint32_t *count)
{
    (void)call;
    *count = ((struct room *)object)->count;
    return 0;
}

static int on_answer(void *object, const struct idl_call *call, uint32_t ticket, uint32_t number, int32_t *result)
{
    struct room *room = object;

    (void)call;
    *result = waiting_room_wait_reply(&room->waits[ticket], number, &somewhere);
    return 0;
}

static int on_fail(void *object, const struct idl_call *call, uint32_t ticket, int32_t error, int32_t *result)
{
    struct room *room = object;

    (void)call;
    if (room->reads[ticket].kept.reply)
        *result = idl_fail(&room->reads[ticket].kept, error);
    else if (room->trades[ticket].kept.reply)
        *result = idl_fail(&room->trades[ticket].kept, error);
    else
        *result = idl_fail(&room->waits[ticket].kept, error);
    return 0;
}

static int on_drop(void *object, const struct idl_call *call, uint32_t ticket)
{
    struct room *room = object;

    (void)call;
    idl_drop(&room->waits[ticket].kept);
    idl_drop(&room->reads[ticket].kept);
    return 0;
}

static int on_answer_read(void *object, const struct idl_call *call, uint32_t ticket, uint32_t bytes, uint32_t letters,
                          int32_t *result)
{
    static char data[8192], name[512];
    struct room *room = object;

    (void)call;
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 5 + ticket);
    memset(name, 'n', sizeof(name));
    *result = waiting_room_read_reply(&room->reads[ticket], data, bytes, (idl_string){name, letters});
    return 0;
}

static int on_answer_trade(void *object, const struct idl_call *call, uint32_t ticket, int32_t *result)
{
    struct room *room = object;

    (void)call;
    *result = waiting_room_trade_reply(&room->trades[ticket], (waiting_room_t){room->given[ticket]});
    idl_release(room->given[ticket]);
    return 0;
}

WAITING_ROOM_SERVER(serve_room, on)

void room_serve(struct area *area)
{
    struct room *room = (struct room *)area->values[1];

    waiting_room_serve((uint32_t)area->values[0], serve_room, room, &room->buffers);
}
