/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local transport: whatever a server answers to calls by the kernel, in this image and in another, it answers to
 * local calls; its handlers never run twice at once, whoever calls; and what cannot go locally goes by the kernel.
 */
#include "../common/guest.h"

#include "idl/place.h"
#include "salto/route.h"
#include "salto/server.h"
#include "salto/startup.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define PLACES 3
#define CALLERS 4
#define ROUNDS 10
#define TURNS 5

/* By a local route, by the kernel to the same server, and to another. */
static place_t places[PLACES], near_too, last;
static uint8_t data[PLACE_LONGEST + 1], back[PLACE_LONGEST + 1];
static char text[1001], text_back[1002];

static void words(void)
{
    struct place_many many, reversed;
    uint32_t sum = 77;
    bool same;

    for (unsigned i = 0; i < 12; i++)
        many.numbers[i] = i * 1000003;
    for (unsigned i = 0; i < PLACES; i++) {
        EXPECT_EQUAL(place_add(places[i], 20, 22, &sum), 0);
        EXPECT_EQUAL(sum, 42);
        EXPECT_EQUAL(place_add(places[i], 0xffffffff, 1, &sum), PLACE_ERROR_OVERFLOW);
        EXPECT_EQUAL(sum, 42);
        EXPECT_EQUAL(place_add_soon(places[i], 3, 4, &sum), 0);
        EXPECT_EQUAL(sum, 7);
        EXPECT_EQUAL(place_reverse(places[i], &many, i != 1, &reversed, &same), 0);
        EXPECT(same == (i != 1));
        for (unsigned j = 0; j < 12; j++)
            EXPECT_EQUAL(reversed.numbers[j], many.numbers[11 - j]);
    }
}

static void badges_and_oneway(void)
{
    uint64_t number = 0, badge = 0;

    for (unsigned i = 0; i < PLACES; i++) {
        EXPECT_EQUAL(place_note(places[i], 100 + i), 0);
        EXPECT_EQUAL(place_noted(places[i], &number, &badge), 0);
        EXPECT_EQUAL(number, 100 + i);
        EXPECT_EQUAL(badge, 7);
    }
    EXPECT_EQUAL(place_noted(near_too, &number, &badge), 0);
    EXPECT_EQUAL(number, 101);
    EXPECT_EQUAL(badge, 8);
}

static void strings(void)
{
    static const size_t sizes[] = {0, 1, 7, 255, 4095, 4097, PLACE_LONGEST};

    for (unsigned i = 0; i < COUNT(sizes) * PLACES; i++) {
        size_t size = sizes[i / PLACES], text_size = size % 1001, length = 1, text_length = 1;

        for (size_t j = 0; j < sizeof(data); j++)
            data[j] = (uint8_t)(j * 7 + j / 255 + i);
        memset(text, 'a' + (int)(i % 26), sizeof(text));
        memset(back, 0xee, sizeof(back));
        EXPECT_EQUAL(place_echo(places[i % PLACES], data, size, (idl_string){text, text_size}, back, sizeof(back),
                                &length, text_back, sizeof(text_back), &text_length),
                     0);
        EXPECT(length == size && memcmp(back, data, size) == 0 && back[size] == 0xee);
        EXPECT(text_length == text_size && memcmp(text, text_back, text_size) == 0 && text_back[text_size] == 0);
        EXPECT_EQUAL(text[text_size], 'a' + i % 26); /* the zero byte is behind the server's copy */
    }
}

static void refused(void)
{
    struct idl_refusal refusal;
    const uint64_t before = salto_refusals(&refusal);
    size_t length = 1, text_length = 1;

    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t bad[6] = {1, UINT64_C(1) << 40}, other[6] = {0};

        EXPECT_EQUAL(ipc_call(PLACE_ADD_REQUEST, places[i].handle, bad),
                     message_labelled_tag(-ERROR_BAD_ARGUMENT, TAG_PLAIN_REPLY + 1));
        EXPECT_EQUAL(bad[0], 2);
        EXPECT_EQUAL(ipc_call(PLACE_ADD_REQUEST + (UINT64_C(100) << 32), places[i].handle, other),
                     message_labelled_tag(-ERROR_BAD_OPERATION, TAG_PLAIN_REPLY));
        EXPECT_ERROR(place_echo(places[i], data, 10, (idl_string){"\xff", 1}, back, sizeof(back), &length, text_back,
                                sizeof(text_back), &text_length),
                     BAD_ARGUMENT);
        EXPECT_EQUAL(idl_refused_parameter(), 2);
        EXPECT_EQUAL(place_echo(places[i], data, 10, idl_text("ab"), back, 9, &length, text_back, 3, &text_length),
                     -ERROR_ABANDONED);
        EXPECT_ERROR(place_too_many(places[i], back, 5, &length), ABANDONED);
        EXPECT_EQUAL(length, 1);
    }
    EXPECT_EQUAL(salto_refusals(&refusal), before + 6);
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        EXPECT_EQUAL(ipc_utcb()->string_buffers[i].size, 0);
}

static void no_buffer(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        struct utcb *utcb = ipc_utcb();
        uint64_t request[6] = {5, 0, 5};

        utcb->items[0] = utcb->items[1] = idl_string_item(PLACE_LONGEST + 1);
        utcb->item_addresses[0] = utcb->item_addresses[1] = (uint64_t)data;
        EXPECT_EQUAL(ipc_call(PLACE_ECHO_REQUEST, places[i].handle, request), ERROR_NO_BUFFER);
        EXPECT(utcb->items[0] == idl_string_item(PLACE_LONGEST + 1) && utcb->item_addresses[1] == (uint64_t)data);
    }
}

static void capabilities(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        kernel_endpoint_t given = {0};
        kernel_rights_t rights = 0;
        uint32_t type = 0, sum = 0;
        bool works = false;

        EXPECT_EQUAL(place_give(places[i], &given), 0);
        EXPECT_EQUAL(kernel_task_inspect(own_task, given.handle, &type, &rights), 0);
        EXPECT(type == KERNEL_ENDPOINT_ID && rights == (RIGHT_READ | RIGHT_WRITE));
        idl_release(given.handle);
        EXPECT_EQUAL(place_give_copy(places[i], true, &given), 0);
        EXPECT_EQUAL(kernel_task_inspect(own_task, given.handle, &type, &rights), 0);
        EXPECT(type == KERNEL_ENDPOINT_ID && rights == RIGHT_WRITE);
        EXPECT_EQUAL(place_add((place_t){given.handle}, 2, 3, &sum), 0);
        EXPECT_EQUAL(sum, 5);
        idl_release(given.handle);
        EXPECT_ERROR(place_give_copy(places[i], false, &given), NO_SLOT);
        EXPECT_EQUAL(place_accept(places[i], last, &works), 0);
        EXPECT(works);
    }
}

/* The route's handle is passed on as the capability that stands behind it. */
static void passed_on(void)
{
    bool works = false;

    EXPECT(salto_is_route(places[0].handle) && !salto_is_route(places[1].handle));
    EXPECT(salto_capability(places[0].handle) != 0 && salto_capability(places[2].handle) == places[2].handle);
    EXPECT_EQUAL(place_accept(places[2], places[0], &works), 0);
    EXPECT(works);
    EXPECT_ERROR(place_accept(places[2], (place_t){ROUTE_BIT + 100}, &works), BAD_HANDLE);
    EXPECT_ERROR(place_note((place_t){ROUTE_BIT + 100}, 1), BAD_HANDLE);
}

static void others_called(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        uint32_t sum = 0;
        char argument[1001];
        size_t length = 0;

        EXPECT_EQUAL(place_forward(places[i], 5, 6, &sum), 0);
        EXPECT_EQUAL(sum, 11);
        EXPECT_EQUAL(place_forward(places[i], 0xffffffff, 6, &sum), PLACE_ERROR_OVERFLOW);
        EXPECT_EQUAL(place_argument(places[i], argument, sizeof(argument), &length), 0);
        EXPECT(strcmp(argument, i < 2 ? "a \"near\" place" : "a far place") == 0);
    }
}

static void *wait_for(void *place)
{
    uint64_t sum = 0;

    return (void *)(place_wait(*(place_t *)place, 1, false, &sum) == 0 ? sum : 0);
}

/* Answered at once, and to a caller that waits while others call. */
static void deferred(void)
{
    struct idl_refusal refusal;
    const uint64_t before = salto_refusals(&refusal);

    for (unsigned i = 0; i < PLACES; i++) {
        uint64_t sum = 0, number, badge;
        pthread_t thread;
        void *result = NULL;

        EXPECT_EQUAL(place_wait(places[i], 8, true, &sum), 0);
        EXPECT_EQUAL(sum, 9);
        EXPECT_EQUAL(pthread_create(&thread, NULL, wait_for, &places[i]), 0);
        EXPECT_EQUAL(place_noted(places[i], &number, &badge), 0);
        EXPECT_EQUAL(place_wait(places[i], 30, false, &sum), 0);
        EXPECT_EQUAL(pthread_join(thread, &result), 0);
        EXPECT(sum == (uint64_t)result && (sum == 30 || sum == 1)); /* as the second to come says */
    }
    EXPECT_EQUAL(salto_refusals(&refusal), before);
}

static uint32_t left; /* callers that have not returned */

static void *call_often(void *place)
{
    uint32_t most = 0;
    int result = 0;

    for (unsigned i = 0; i < ROUNDS && result == 0; i++)
        result = place_crowd(*(place_t *)place, &most);
    __atomic_fetch_sub(&left, 1, __ATOMIC_RELEASE);
    return (void *)(int64_t)(result != 0 ? result : (int)most);
}

/* Two local callers and two that come by the kernel, while handlers pause. */
static void one_at_a_time(void)
{
    pthread_t threads[CALLERS];
    uint32_t resumed = 0, count = 0;

    left = CALLERS;
    for (unsigned i = 0; i < CALLERS; i++)
        EXPECT_EQUAL(pthread_create(&threads[i], NULL, call_often, &places[i % 2]), 0);
    while (__atomic_load_n(&left, __ATOMIC_ACQUIRE) != 0) {
        for (unsigned i = 0; i < TURNS; i++)
            sched_yield();
        EXPECT_EQUAL(place_resume(last, &count), 0);
        resumed += count;
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        void *most = NULL;

        EXPECT_EQUAL(pthread_join(threads[i], &most), 0);
        EXPECT_EQUAL((uint64_t)most, 1);
    }
    EXPECT_EQUAL(resumed, CALLERS * ROUNDS);
}

int main(void)
{
    static const struct guest_test tests[] = {
        {"words, declared errors, and a deadline", words},
        {"badges, and messages that are not answered", badges_and_oneway},
        {"strings of every length, both ways", strings},
        {"what is refused, by the same errors", refused},
        {"strings that are too long to be taken", no_buffer},
        {"capabilities, both ways", capabilities},
        {"a route's handle is passed on as a capability", passed_on},
        {"handlers that call others, and arguments of their own", others_called},
        {"calls that are answered later", deferred},
        {"handlers run one at a time, whoever calls", one_at_a_time},
    };

    places[0].handle = salto_require("near");
    places[1].handle = salto_require("near_by_kernel");
    places[2].handle = salto_require("far");
    near_too.handle = salto_require("near_too");
    last.handle = salto_require("last");
    return guest_run(tests, COUNT(tests));
}
