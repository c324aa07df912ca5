/* SPDX-License-Identifier: BSD-2-Clause */
/* The server that is called locally and by the kernel; it does not know by which. */
#include <salto/server.h>
#include <salto/startup.h>

#include <stdio.h>
#include <string.h>

#include "idl/factory.h"
#include "idl/place.h"
#include "idl/place_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What it remembers; `object` of each handler. */
struct place {
    uint64_t noted, badge;
    const char *argument;
    place_t next;
    struct place_wait_token token;
    struct place_pause_token paused[8];
    uint32_t paused_count, inside, most;
    uint8_t data[PLACE_LONGEST];
};

static int on_add(void *object, const struct idl_call *call, uint32_t a, uint32_t b, uint32_t *sum)
{
    (void)object, (void)call;
    return __builtin_add_overflow(a, b, sum) ? PLACE_ERROR_OVERFLOW : 0;
}

static int on_add_soon(void *object, const struct idl_call *call, uint32_t a, uint32_t b, uint32_t *sum)
{
    return on_add(object, call, a, b, sum);
}

static int on_reverse(void *object, const struct idl_call *call, const struct place_many *many, bool honest,
                      struct place_many *reversed, bool *same)
{
    (void)object, (void)call;
    for (unsigned i = 0; i < 12; i++)
        reversed->numbers[i] = many->numbers[11 - i];
    *same = honest;
    return 0;
}

/* The bytes are answered from the server's own memory, the text from where the dispatcher wants it. */
static int on_echo(void *object, const struct idl_call *call, const void *data, size_t data_size, idl_string text,
                   struct idl_outbuf *back, struct idl_outbuf *text_back)
{
    struct place *place = object;
    uint32_t sum;

    (void)call;
    memcpy(place->data, data, data_size);
    if (place->next.handle != 0 && place_add(place->next, 1, 2, &sum) != 0)
        return PLACE_ERROR_NOBODY;
    if (text.text[text.size] != 0 || memcmp(place->data, data, data_size) != 0)
        return -ERROR_BAD_ARGUMENT;
    back->data = place->data;
    back->length = data_size;
    memcpy(text_back->data, text.text, text.size);
    text_back->length = text.size;
    return 0;
}

static void on_note(void *object, const struct idl_call *call, uint64_t number)
{
    (void)call;
    ((struct place *)object)->noted = number;
}

static int on_noted(void *object, const struct idl_call *call, uint64_t *number, uint64_t *badge)
{
    *number = ((struct place *)object)->noted;
    *badge = call->badge;
    return 0;
}

static int on_give(void *object, const struct idl_call *call, kernel_endpoint_t *back)
{
    (void)object, (void)call;
    return kernel_factory_create_endpoint((kernel_factory_t){salto_require("factory")}, back);
}

static int on_give_copy(void *object, const struct idl_call *call, bool good, kernel_endpoint_t *back)
{
    (void)call;
    back->handle = good ? ((struct place *)object)->next.handle : 60000;
    return 0;
}

static int on_wait(void *object, const struct idl_call *call, uint64_t number, bool at_once,
                   struct place_wait_token *token)
{
    struct place *place = object;

    (void)call;
    if (at_once)
        return place_wait_reply(token, number + 1);
    if (place->token.kept.reply != 0)
        return place_wait_reply(&place->token, number) == 0 ? place_wait_reply(token, number) : PLACE_ERROR_NOBODY;
    place->token = idl_take_token(token);
    return 0;
}

static int on_forward(void *object, const struct idl_call *call, uint32_t a, uint32_t b, uint32_t *sum)
{
    struct place *place = object;

    (void)call;
    return place->next.handle == 0 ? PLACE_ERROR_NOBODY : place_add(place->next, a, b, sum);
}

static int on_argument(void *object, const struct idl_call *call, struct idl_outbuf *text)
{
    struct place *place = object;

    (void)call;
    text->length = strlen(place->argument);
    memcpy(text->data, place->argument, text->length);
    return 0;
}

static int on_crowd(void *object, const struct idl_call *call, uint32_t *most)
{
    struct place *place = object;
    int result;

    (void)call;
    place->inside++;
    place->most = place->inside > place->most ? place->inside : place->most;
    result = place_pause(place->next);
    place->inside--;
    *most = place->most;
    return result;
}

static int on_pause(void *object, const struct idl_call *call, struct place_pause_token *token)
{
    struct place *place = object;

    (void)call;
    if (place->paused_count == COUNT(place->paused))
        return PLACE_ERROR_NOBODY;
    place->paused[place->paused_count++] = idl_take_token(token);
    return 0;
}

static int on_resume(void *object, const struct idl_call *call, uint32_t *count)
{
    struct place *place = object;

    (void)call;
    *count = place->paused_count;
    while (place->paused_count > 0)
        if (place_pause_reply(&place->paused[--place->paused_count]) != 0)
            return -ERROR_NO_CALLER;
    return 0;
}

static int on_accept(void *object, const struct idl_call *call, struct idl_cap *next, bool *works)
{
    uint32_t sum;

    (void)object, (void)call;
    *works = place_add((place_t){next->handle}, 1, 2, &sum) == 0 && sum == 3;
    return 0;
}

static int on_too_many(void *object, const struct idl_call *call, struct idl_outbuf *back)
{
    struct place *place = object;

    (void)call;
    back->data = place->data;
    back->length = back->capacity + 1;
    return 0;
}

PLACE_SERVER(serve_place, on)

int main(int count, char **arguments)
{
    static struct place place;
    static struct place_buffers buffers;

    place.argument = count > 1 ? arguments[1] : arguments[0];
    place.next.handle = salto_grant("next");
    return place_serve(salto_require("place"), serve_place, &place, &buffers) == 0 ? 0 : 1;
}
