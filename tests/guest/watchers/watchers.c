/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events by generated code: a server tells those who watch, in the program's own task and in others; one who is busy,
 * or dead, misses what it misses, and neither the server nor the others notice.
 */
#include "../common/worker.h"

#include "idl/weather.h"
#include "idl/weather_server.h"

#include <string.h>

#define WATCHERS 5
#define SETTLING 8 /* yields until all who were told wait again */

static struct worker server, watchers[WATCHERS];
static uint32_t endpoint, endpoints[WATCHERS], serving[WATCHERS];
static weather_t self;

/* ---- The server, which is a worker in the program's own task ----------------------------------------------------- */

static weather_weather_events_t watching[WATCHERS];
static uint32_t watching_count;

static int on_watch(void *object, const struct idl_call *call, struct idl_cap *who, uint32_t *count)
{
    (void)object, (void)call;
    if (watching_count == WATCHERS)
        return -ERROR_NO_MEMORY;
    watching[watching_count++].handle = idl_take(who);
    *count = watching_count;
    return 0;
}

/* Tells one; false if there is nobody any more. */
static bool tell(weather_weather_events_t who, uint64_t generation, idl_string name, uint32_t *told, uint32_t *busy)
{
    const uint64_t generations[8] = {generation, 2, 3, 4, 5, 6, 7, generation + 1};
    int result = weather_weather_events_changed(who, generation, generation % 2 == 1);

    if (result == 0 && name.size)
        result = weather_weather_events_renamed(who, name, generations);
    *told += result == 0;
    *busy += result == -ERROR_WOULD_BLOCK;
    return result == 0 || result == -ERROR_WOULD_BLOCK;
}

static int on_change(void *object, const struct idl_call *call, uint64_t generation, idl_string name, uint32_t *told,
                     uint32_t *busy, uint32_t *gone)
{
    (void)object, (void)call;
    for (uint32_t i = 0; i < watching_count;)
        if (tell(watching[i], generation, name, told, busy)) {
            i++;
        } else {
            idl_release(watching[i].handle);
            watching[i] = watching[--watching_count];
            ++*gone;
        }
    return 0;
}

static int on_forget(void *object, const struct idl_call *call)
{
    (void)object, (void)call;
    while (watching_count)
        idl_release(watching[--watching_count].handle);
    return 0;
}

WEATHER_SERVER(serve_weather, on)

static void play_server(struct area *area)
{
    salto_serve((uint32_t)area->values[0], serve_weather, NULL);
}

/* ---- Those who watch: what they heard is in their areas ---------------------------------------------------------- */

enum { ENDPOINT, GENERATION, URGENT, NAME, LAST };

static void note_changed(void *object, const struct idl_call *call, uint64_t generation, bool urgent)
{
    struct area *area = object;

    (void)call;
    area->values[GENERATION] = generation;
    area->values[URGENT] = urgent;
    area->done++;
}

static void note_renamed(void *object, const struct idl_call *call, idl_string name, const uint64_t generations[8])
{
    struct area *area = object;

    (void)call;
    area->values[NAME] = (uint64_t)name.text[0] << 8 | name.size;
    area->values[LAST] = generations[7];
}

WEATHER_WEATHER_EVENTS_SERVER(serve_events, note)

static void play_watcher(struct area *area)
{
    salto_serve((uint32_t)area->values[ENDPOINT], serve_events, area);
}

/* Waits for a message on an endpoint of its own, and does not serve. */
static void play_busy(struct area *area)
{
    struct ipc_message message;

    ipc_transfer(TAG_RECEIVE, area->park, &message);
}

static void watch(unsigned which, worker_function *function)
{
    struct worker *worker = &watchers[which];
    uint32_t copy, count = 0;

    endpoints[which] = guest_endpoint();
    worker_create(worker, which % 2);
    serving[which] = worker_give(worker, endpoints[which], RIGHT_READ);
    worker->area->values[ENDPOINT] = serving[which];
    worker_start(worker, function);
    copy = guest_copy(endpoints[which], RIGHT_WRITE | RIGHT_COPY);
    EXPECT_EQUAL(weather_watch(self, (weather_weather_events_t){copy}, &count), 0);
    EXPECT_EQUAL(count, which + 1);
}

static void begin(worker_function *const functions[WATCHERS])
{
    endpoint = guest_endpoint();
    self.handle = endpoint;
    worker_create(&server, false);
    server.area->values[0] = endpoint;
    worker_start(&server, play_server);
    for (unsigned i = 0; i < WATCHERS; i++)
        watch(i, functions[i]);
}

static void end(void)
{
    EXPECT_EQUAL(weather_forget(self), 0);
    for (unsigned i = 0; i < WATCHERS; i++) {
        if (!watchers[i].separate)
            worker_drop(&watchers[i], serving[i]);
        worker_destroy(&watchers[i]);
        if (endpoints[i])
            guest_delete(endpoints[i]);
    }
    worker_destroy(&server);
    guest_delete(endpoint);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void change(uint64_t generation, const char *name, uint32_t told, uint32_t busy, uint32_t gone)
{
    uint32_t count[3] = {99, 99, 99};

    for (unsigned i = 0; i < SETTLING; i++)
        guest_yield();
    EXPECT_EQUAL(weather_change(self, generation, idl_text(name), &count[0], &count[1], &count[2]), 0);
    EXPECT_EQUAL(count[0], told);
    EXPECT_EQUAL(count[1], busy);
    EXPECT_EQUAL(count[2], gone);
}

static void expect_heard(unsigned which, uint32_t events, uint64_t generation)
{
    const volatile uint64_t *values = watchers[which].area->values;

    worker_wait(&watchers[which], events);
    EXPECT_EQUAL(watchers[which].area->done, events);
    EXPECT_EQUAL(values[GENERATION], generation);
    EXPECT_EQUAL(values[URGENT], generation % 2);
}

static void all_hear(void)
{
    static worker_function *const functions[WATCHERS] = {play_watcher, play_watcher, play_watcher, play_watcher,
                                                         play_watcher};

    begin(functions);
    for (uint32_t i = 1; i <= 4; i++) {
        change(10 + i, "", WATCHERS, 0, 0);
        for (unsigned j = 0; j < WATCHERS; j++)
            expect_heard(j, i, 10 + i);
    }
    end();
}

/* Two of five do not receive: they miss all, and the call that tells comes back all the same. */
static void busy_miss(void)
{
    static worker_function *const functions[WATCHERS] = {play_busy, play_watcher, play_watcher, play_busy,
                                                         play_watcher};

    begin(functions);
    for (uint32_t i = 1; i <= 4; i++) {
        change(20 + i, "", 3, 2, 0);
        expect_heard(1, i, 20 + i);
        expect_heard(2, i, 20 + i);
        expect_heard(4, i, 20 + i);
    }
    EXPECT_EQUAL(watchers[0].area->done + watchers[3].area->done, 0);
    end();
}

/* One's task ends, with its thread; one's endpoint goes too, and then the server knows. */
static void dead_go(void)
{
    static worker_function *const functions[WATCHERS] = {play_watcher, play_watcher, play_watcher, play_watcher,
                                                         play_watcher};

    begin(functions);
    change(30, "", WATCHERS, 0, 0);
    worker_kill(&watchers[1]);
    worker_kill(&watchers[3]);
    guest_delete(endpoints[3]);
    endpoints[3] = 0;
    for (uint32_t i = 1; i <= 3; i++) {
        change(30 + i, "", 3, 1, i == 1);
        expect_heard(0, 1 + i, 30 + i);
        expect_heard(2, 1 + i, 30 + i);
        expect_heard(4, 1 + i, 30 + i);
    }
    end();
}

/* Two events one behind the other: who has not come back from the first misses the second. */
static void no_word_waits(void)
{
    static worker_function *const functions[WATCHERS] = {play_watcher, play_watcher, play_busy, play_busy, play_busy};
    uint64_t words[6] = {40, 2, 0, 0, 0, 0};

    begin(functions);
    for (unsigned i = 0; i < SETTLING; i++)
        guest_yield();
    EXPECT_EQUAL(weather_weather_events_renamed((weather_weather_events_t){endpoints[1]}, idl_text("rain"),
                                                (const uint64_t[8]){[7] = 99}),
                 0);
    for (unsigned i = 0; i < SETTLING; i++)
        guest_yield();
    EXPECT_EQUAL(watchers[1].area->values[NAME], (uint64_t)'r' << 8 | 4);
    EXPECT_EQUAL(watchers[1].area->values[LAST], 99);
    /* A bool that is none is not handled, nor what is no event of this interface; the next event is. */
    EXPECT(message_is_tag(ipc_send(WEATHER_WEATHER_EVENTS_CHANGED_REQUEST, endpoints[0], words)));
    EXPECT(message_is_tag(
        ipc_send(message_labelled_tag(0x54430002, message_tag(MESSAGE_SEND, 2, 0)), endpoints[0], words)));
    change(41, "", 2, 3, 0);
    expect_heard(0, 1, 41);
    expect_heard(1, 1, 41);
    end();
}

static const struct guest_test tests[] = {
    {"all who watch hear of each change", all_hear},
    {"who is busy misses it, and stops nobody", busy_miss},
    {"who is dead stops nobody, and is forgotten when its endpoint goes", dead_go},
    {"long events, and bad ones", no_word_waits},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
