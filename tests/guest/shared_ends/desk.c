/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of Desk, in the way that its argument names; nothing here tells how it is called. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <salto/startup.h>
#include <salto/wait.h>

#include "idl/desk.h"
#include "idl/desk_server.h"
#include "idl/factory.h"
#include "idl/notification.h"
#include "idl/task.h"

#define TOKENS 4

static struct desk_notes noted;
static struct desk_keep_token tokens[TOKENS];
static uint64_t values[TOKENS];
static uint32_t tokens_count;

static int on_add(void *object, const struct idl_call *call, int64_t a, int64_t b, int64_t *sum)
{
    (void)object, (void)call;
    *sum = a + b;
    return 0;
}

static int on_turn(void *object, const struct idl_call *call, const uint64_t numbers[63], uint64_t turned[63])
{
    (void)object, (void)call;
    for (unsigned i = 0; i < 63; i++)
        turned[i] = numbers[62 - i];
    return 0;
}

static int on_paint(void *object, const struct idl_call *call, uint32_t thickness, desk_color_t color, uint32_t *layers)
{
    (void)object, (void)call;
    *layers = thickness * 2;
    return color == DESK_COLOR_RED ? 0 : DESK_ERROR_REFUSED;
}

static int on_who(void *object, const struct idl_call *call, uint64_t *badge)
{
    (void)object;
    *badge = call->badge;
    return 0;
}

static void on_note(void *object, const struct idl_call *call, uint64_t number)
{
    (void)object;
    noted.disorder += number != noted.last + 1;
    noted.last = number;
    noted.badge = call->badge;
    noted.count++;
}

static int on_notes(void *object, const struct idl_call *call, struct desk_notes *notes)
{
    (void)object, (void)call;
    *notes = noted;
    noted = (struct desk_notes){0};
    return 0;
}

static int on_exchange(void *object, const struct idl_call *call, struct idl_cap *thing, desk_t *same)
{
    (void)object, (void)call;
    *same = (desk_t){idl_take(thing)};
    return 0;
}

static int on_copy(void *object, const struct idl_call *call, desk_t *desk)
{
    (void)object, (void)call;
    *desk = (desk_t){salto_require("desk")};
    return 0;
}

static int on_keep(void *object, const struct idl_call *call, uint64_t value, bool now, struct desk_keep_token *token)
{
    (void)object, (void)call;
    if (now)
        return desk_keep_reply(token, value);
    if (tokens_count == TOKENS)
        return -ERROR_NO_SLOT;
    values[tokens_count] = value;
    tokens[tokens_count++] = idl_take_token(token);
    return 0;
}

static int on_release(void *object, const struct idl_call *call, uint32_t *count)
{
    (void)object, (void)call;
    *count = tokens_count;
    while (tokens_count > 0) {
        tokens_count--;
        if (desk_keep_reply(&tokens[tokens_count], values[tokens_count]) != 0)
            return -ERROR_NO_CALLER;
    }
    return 0;
}

static int on_stall(void *object, const struct idl_call *call, uint64_t until, uint64_t *value)
{
    (void)object, (void)call;
    while (salto_now() < until)
        continue;
    *value = until;
    return 0;
}

static int on_hurry(void *object, const struct idl_call *call, int64_t a, int64_t *same)
{
    (void)object, (void)call;
    *same = a;
    return 0;
}

static int on_stop(void *object, const struct idl_call *call, uint32_t *never)
{
    (void)object, (void)call;
    *never = 1;
    exit(1);
}

DESK_SERVER(serve_desk, on)

static void signalled(void *object, uint64_t bits)
{
    (void)object, (void)bits;
}

/* With a notification of its own. */
static int serve_with_signals(uint32_t endpoint)
{
    kernel_notification_t own = {0};

    if (kernel_factory_create_notification((kernel_factory_t){salto_require("factory")}, &own) != 0 ||
        kernel_notification_bind(own, (kernel_thread_t){salto_require("thread")}) != 0)
        return 1;
    return salto_serve_signals(endpoint, serve_desk, NULL, signalled);
}

static int serve_late(uint32_t endpoint)
{
    kernel_reply_t reply = {0};

    if (kernel_factory_create_reply((kernel_factory_t){salto_require("factory")}, &reply) != 0)
        return 1;
    return salto_serve_late(endpoint, reply.handle, serve_desk, NULL);
}

static void *serve_too(void *endpoint)
{
    salto_serve((uint32_t)(uintptr_t)endpoint, serve_desk, NULL);
    return NULL;
}

/* In two threads. */
static int serve_twice(uint32_t endpoint)
{
    pthread_t other;

    if (pthread_create(&other, NULL, serve_too, (void *)(uintptr_t)endpoint) != 0)
        return 1;
    return salto_serve(endpoint, serve_desk, NULL);
}

int main(int count, char **arguments)
{
    uint32_t endpoint = salto_require("desk");

    if (count < 2)
        return salto_serve(endpoint, serve_desk, NULL);
    if (strcmp(arguments[1], "late") == 0)
        return serve_late(endpoint);
    if (strcmp(arguments[1], "twice") == 0)
        return serve_twice(endpoint);
    return serve_with_signals(endpoint);
}
