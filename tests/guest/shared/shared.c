/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport *shared*: the same stubs and the same servers over the kernel and over rings, with equal results; what
 * rings do not carry; deaths, deadlines and hostile clients. Where it must be the ring that carried a message, or must
 * not, the position in the ring's memory tells.
 */
#include "../common/guest.h"
#include "../common/worker.h"

#include "abi/addresses.h"
#include "abi/rings.h"
#include "idl/desk.h"
#include "salto/route.h"
#include "salto/startup.h"
#include "salto/wait.h"

#include <string.h>

#define BATCH 5000 /* oneway messages: several times what a ring holds */

static desk_t by_kernel, desk, late, signals, twice;
static desk_store_t store, store_by_kernel;
static uint8_t data[DESK_LONGEST], back[DESK_LONGEST];

#define READ_POSITION 8 /* where the server's position stands in a ring, in words; the client's stands first */

static volatile uint64_t *ring_of(uint32_t handle)
{
    static uint64_t none[READ_POSITION + 1];
    const struct startup_rings *rings = (const struct startup_rings *)RINGS_TABLE;

    for (uint64_t i = 0; i < rings->count; i++)
        if (rings->rings[i].handle == salto_capability(handle))
            return (volatile uint64_t *)rings->rings[i].address;
    return none;
}

/* How many bytes went by the ring of a route. */
static uint64_t carried(uint32_t handle)
{
    return ring_of(handle)[0];
}

/* How many of them the server has not read. */
static uint64_t ring_left(uint32_t handle)
{
    return ring_of(handle)[0] - ring_of(handle)[READ_POSITION];
}

/* What a Desk answers, whatever carries it. */
static void expect_desk(desk_t any, uint64_t badge)
{
    uint64_t numbers[63], turned[63], answered = 0;
    uint32_t layers = 0;
    int64_t sum = 0;

    EXPECT_EQUAL(desk_add(any, INT64_MAX - 5, 5, &sum), 0);
    EXPECT_EQUAL(sum, INT64_MAX);
    for (unsigned i = 0; i < 63; i++)
        numbers[i] = i * 0x0101010101010101;
    EXPECT_EQUAL(desk_turn(any, numbers, turned), 0);
    for (unsigned i = 0; i < 63; i++)
        EXPECT_EQUAL(turned[i], numbers[62 - i]);
    EXPECT_EQUAL(desk_paint(any, 4, DESK_COLOR_RED, &layers), 0);
    EXPECT_EQUAL(layers, 8);
    EXPECT_EQUAL(desk_paint(any, 4, DESK_COLOR_GREEN, &layers), DESK_ERROR_REFUSED);
    EXPECT_ERROR(desk_paint(any, 4, (desk_color_t)9, &layers), BAD_ARGUMENT);
    EXPECT_EQUAL(idl_refused_parameter(), 2);
    EXPECT_EQUAL(desk_who(any, &answered), 0);
    EXPECT_EQUAL(answered, badge);
    EXPECT_EQUAL(desk_hurry(any, 5, &sum), 0);
    EXPECT_EQUAL(sum, 5);
}

static void desks(void)
{
    uint64_t before = carried(desk.handle);

    EXPECT(salto_is_route(desk.handle) && !salto_is_route(by_kernel.handle));
    expect_desk(by_kernel, 71);
    EXPECT_EQUAL(carried(desk.handle), before);
    expect_desk(desk, 72);
    EXPECT(carried(desk.handle) - before > 900); /* 63 words, and the others */
}

static void other_loops(void)
{
    uint64_t before = carried(late.handle) + carried(signals.handle) + carried(twice.handle);

    for (unsigned i = 0; i < 20; i++) {
        expect_desk(late, 73);
        expect_desk(signals, 74);
        expect_desk(twice, 75);
    }
    EXPECT(carried(late.handle) + carried(signals.handle) + carried(twice.handle) - before > 20 * 2700);
}

/* Oneway messages are all there, in order, whether a call comes behind them or a message that the kernel carries. */
static void expect_notes(desk_t any, desk_t asked, uint64_t badge, uint64_t count)
{
    struct desk_notes notes = {0};

    EXPECT_EQUAL(desk_notes(asked, &notes), 0);
    for (uint64_t i = 1; i <= count; i++)
        EXPECT_EQUAL(desk_note(any, i), 0);
    EXPECT_EQUAL(desk_notes(any, &notes), 0);
    EXPECT_EQUAL(notes.count, count);
    EXPECT_EQUAL(notes.last, count);
    EXPECT_EQUAL(notes.disorder, 0);
    EXPECT_EQUAL(notes.badge, badge);
}

static void oneway(void)
{
    expect_notes(by_kernel, by_kernel, 71, 10);
    expect_notes(desk, by_kernel, 72, BATCH);
    expect_notes(late, late, 73, BATCH);
    expect_notes(signals, signals, 74, BATCH);
}

/* Nothing follows: the server is woken, whichever way it sleeps. */
static void woken(void)
{
    const desk_t servers[] = {desk, late, signals};

    for (unsigned i = 0; i < COUNT(servers); i++) {
        struct desk_notes notes = {0};
        EXPECT_EQUAL(desk_notes(servers[i], &notes), 0);
        for (unsigned n = 0; n < 100; n++)
            guest_yield();
        EXPECT_EQUAL(desk_note(servers[i], 1), 0);
        for (unsigned n = 0; n < 100; n++)
            guest_yield();
        EXPECT_EQUAL(ring_left(servers[i].handle), 0);
        EXPECT_EQUAL(desk_notes(servers[i], &notes), 0);
        EXPECT_EQUAL(notes.count, 1);
    }
}

/* Messages with capabilities take the kernel, behind what went by the ring before them. */
static void capabilities(void)
{
    desk_t thing = {guest_endpoint()}, same = {0}, copy = {0};
    struct desk_notes notes = {0};
    uint64_t before;
    int64_t sum = 0;

    EXPECT_EQUAL(desk_notes(desk, &notes), 0);
    for (uint64_t i = 1; i <= 50; i++)
        EXPECT_EQUAL(desk_note(desk, i), 0);
    before = carried(desk.handle);
    EXPECT_EQUAL(desk_exchange(desk, thing, &same), 0);
    EXPECT_EQUAL(carried(desk.handle), before);
    EXPECT_EQUAL(ring_left(desk.handle), 0);
    EXPECT(guest_type(same.handle) != 0);
    EXPECT_EQUAL(desk_notes(by_kernel, &notes), 0);
    EXPECT_EQUAL(notes.count, 50);
    EXPECT_EQUAL(desk_copy(desk, &copy), 0); /* the request is carried by the ring, the answer by the kernel */
    EXPECT(carried(desk.handle) > before);
    EXPECT_EQUAL(desk_add(copy, 1, 2, &sum), 0);
    EXPECT_EQUAL(sum, 3);
    guest_delete(same.handle);
    guest_delete(copy.handle);
}

/* The number of another's ring is no more than a message that the server does not know. */
static void numbers_of_others(void)
{
    const uint64_t numbers[] = {0, 1, RINGS_MAX, UINT64_MAX};

    for (unsigned i = 0; i < COUNT(numbers); i++) {
        uint64_t words[6] = {numbers[i], 64};
        uint64_t tag = ipc_call(tag_of(1, MESSAGE_CALL, 2, 0), by_kernel.handle, words);
        EXPECT_EQUAL(message_label(tag), (uint32_t)-ERROR_BAD_OPERATION);
    }
}

/* A worker thread that calls keep(), which is answered when another asks for it. */
static void keeper(struct area *area)
{
    uint64_t kept = 0;

    area->begun = 1;
    area->values[1] = (uint64_t)desk_keep((desk_t){(uint32_t)area->values[0]}, 4711, false, &kept);
    area->values[2] = kept;
    area->done = 1;
}

static void answered_later(void)
{
    struct worker worker;
    uint64_t kept = 0;
    uint32_t count = 0;
    int64_t sum = 0;

    EXPECT_EQUAL(desk_keep(desk, 5, true, &kept), 0);
    EXPECT_EQUAL(kept, 5);
    worker_create(&worker, false);
    worker.area->values[0] = desk.handle;
    worker_start(&worker, keeper);
    for (unsigned i = 0; i < 1000 && count == 0; i++) {
        guest_yield();
        EXPECT_EQUAL(desk_release(desk, &count), 0);
        EXPECT_EQUAL(desk_add(desk, i, 1, &sum), 0);
        EXPECT_EQUAL(sum, i + 1);
    }
    EXPECT_EQUAL(count, 1);
    EXPECT(worker_wait(&worker, 1));
    EXPECT_EQUAL(worker.area->values[1], 0);
    EXPECT_EQUAL(worker.area->values[2], 4711);
    worker_destroy(&worker);
}

/* The server is at the call when nobody waits any more: its answer comes late, and is nobody's. */
static void deadlines(void)
{
    uint64_t value = 0, before = carried(desk.handle);
    int64_t sum = 0;

    for (unsigned i = 0; i < 3; i++) {
        EXPECT_ERROR(desk_stall(desk, salto_now() + 20000000, &value), TIMEOUT);
        for (int64_t a = 0; a < 10; a++) {
            EXPECT_EQUAL(desk_add(desk, a, 100, &sum), 0);
            EXPECT_EQUAL(sum, a + 100);
        }
    }
    EXPECT(value == 0 && carried(desk.handle) > before + 300);
}

static void fill(uint64_t seed)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 255 + seed);
}

/* Strings of any length, into the caller's buffer and no further; which carrier takes them is seen by nobody. */
static void expect_store(desk_store_t any)
{
    static const size_t sizes[] = {0, 1, 7, 8, 4095, 4096, 8193, 32000, 32700, 32768, 40000, 65535, 65536};
    static char first[2000], second[3000], joined[5001];
    size_t length = 1;

    for (unsigned i = 0; i < COUNT(sizes); i++) {
        fill(i);
        memset(back, 0xee, sizeof(back));
        EXPECT_EQUAL(desk_store_echo(any, data, sizes[i], back, sizeof(back), &length), 0);
        EXPECT_EQUAL(length, sizes[i]);
        EXPECT(memcmp(back, data, length) == 0 && (length == sizeof(back) || back[length] == 0xee));
    }
    EXPECT_ERROR(desk_store_echo(any, data, 100, back, 99, &length), NO_BUFFER);
    memset(first, 'a', sizeof(first));
    memset(second, 'b', sizeof(second));
    EXPECT_EQUAL(desk_store_join(any, (idl_string){first, 1999}, (idl_string){second, 3000}, joined, 5001, &length), 0);
    EXPECT(length == 4999 && joined[1998] == 'a' && joined[1999] == 'b' && joined[4998] == 'b' && joined[4999] == 0);
    EXPECT_ERROR(desk_store_join(any, (idl_string){"\xff", 1}, (idl_string){second, 3}, joined, 5001, &length),
                 BAD_ARGUMENT);
    EXPECT_EQUAL(idl_refused_parameter(), 1);
}

static void stores(void)
{
    uint64_t before = carried(store.handle);

    expect_store(store_by_kernel);
    EXPECT_EQUAL(carried(store.handle), before);
    expect_store(store);
    EXPECT(carried(store.handle) > before + 4095 + 4096 + 8193 + 32000);
}

static void long_sends(void)
{
    static char text[20000];
    uint64_t told = 0, counted = 0;

    memset(text, 'x', sizeof(text));
    EXPECT_EQUAL(desk_store_letters(store, &counted), 0);
    for (unsigned i = 0; i < 50; i++) {
        size_t size = i * 12345 % sizeof(text);
        EXPECT_EQUAL(desk_store_tell(store, (idl_string){text, size}), 0);
        told += size;
    }
    EXPECT_EQUAL(desk_store_letters(store, &counted), 0);
    EXPECT_EQUAL(counted, told);
}

/* A thread that calls as this one does: one of them has the ring, and who has not takes the kernel. */
static void caller(struct area *area)
{
    int64_t sum = 0;

    for (uint64_t i = 0; i < 500; i++) {
        if (desk_add((desk_t){(uint32_t)area->values[0]}, (int64_t)i, 1000000, &sum) != 0 ||
            sum != (int64_t)i + 1000000)
            area->values[1]++;
        area->values[2] = i;
    }
    area->done = 1;
}

static void two_threads(void)
{
    struct worker worker;
    int64_t sum = 0;

    worker_create(&worker, false);
    worker.area->values[0] = desk.handle;
    worker_start(&worker, caller);
    for (int64_t i = 0; i < 500 || worker.area->done == 0; i++) {
        EXPECT_EQUAL(desk_add(desk, i, -1, &sum), 0);
        EXPECT_EQUAL(sum, i - 1);
        if (i % 8 == 0)
            guest_yield();
    }
    EXPECT_EQUAL(worker.area->values[1], 0);
    EXPECT_EQUAL(worker.area->values[2], 499);
    worker_destroy(&worker);
}

static const struct guest_test tests[] = {
    {"a Desk answers over a ring what it answers over the kernel", desks},
    {"so it does where handlers wait, with a notification of its own, and in two threads", other_loops},
    {"oneway messages arrive in order, however many", oneway},
    {"a server that sleeps is woken for one", woken},
    {"what a ring does not carry takes the kernel, in order", capabilities},
    {"the ring of another is out of reach", numbers_of_others},
    {"calls that are answered later", answered_later},
    {"a deadline ends a call, and its late answer is nobody's", deadlines},
    {"strings of all lengths, in several, and too long", stores},
    {"long strings that nobody waits for", long_sends},
    {"two threads call at once", two_threads},
};

int main(void)
{
    by_kernel = (desk_t){salto_require("by_kernel")};
    desk = (desk_t){salto_require("desk")};
    late = (desk_t){salto_require("late")};
    signals = (desk_t){salto_require("signals")};
    twice = (desk_t){salto_require("twice")};
    store = (desk_store_t){salto_require("store")};
    store_by_kernel = (desk_store_t){salto_require("store_by_kernel")};
    return guest_run(tests, COUNT(tests));
}
