/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities as items of messages: copied and moved, with fewer rights and never with more, by every operation that
 * carries them. What cannot be installed arrives as 0, and then stays with the sender.
 *
 * give() carries items from this task to another along each route in turn.
 */
#include "items.h"

#include <stdlib.h>

#include "abi/addresses.h"

#define BADGE 0x1234567890abcdefUL
#define OWN 0xeeee0000UL /* what a receiver's items hold before */
#define SOURCES 12
#define RANDOM_ROUNDS 300
#define SMALL_QUOTA (512UL * 1024)

static uint64_t seed;

/* ---- Carrying ---------------------------------------------------------------------------------------------------- */

static void set_items(const uint64_t *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ipc_utcb()->items[i] = items[i];
}

/* As the client, the test gives its items along with a request. */
static void give_request(const struct worker *partner, enum route route, uint32_t endpoint, const uint64_t *items,
                         uint32_t count)
{
    struct ipc_message message = {0};
    uint32_t operation = route == SEND ? MESSAGE_SEND : MESSAGE_CALL;
    worker_start(partner, worker_steps);
    set_items(items, count);
    EXPECT_EQUAL(ipc_transfer(tag_of(1, operation, 0, count), endpoint, &message), TAG_DONE);
}

/* As the server, along with an answer. */
static void give_answer(const struct worker *partner, enum route route, uint32_t endpoint, const uint64_t *items,
                        uint32_t count)
{
    struct ipc_message message = {0};
    uint32_t operation = route == REPLY ? MESSAGE_REPLY : MESSAGE_REPLY_AND_WAIT;
    worker_start(partner, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(0, MESSAGE_CALL, 0, 0));
    set_items(items, count);
    EXPECT_EQUAL(ipc_transfer(tag_of(1, operation, 0, count), endpoint, &message),
                 route == REPLY ? TAG_DONE : tag_of(2, MESSAGE_SEND, 0, 0));
}

/* What the partner does; answers the step in which it gets the items. */
static struct step *plan(const struct worker *partner, enum route route, uint32_t handle)
{
    struct step *step = worker_add(partner, route <= CALL ? TAG_RECEIVE : tag_of(0, MESSAGE_CALL, 0, 0), handle);
    for (uint64_t i = 0; i < MESSAGE_MAX_ITEMS; i++)
        step->items[i] = OWN + i;
    if (route == CALL)
        worker_add(partner, TAG_REPLY, 0);
    if (route == REPLY_AND_WAIT)
        worker_add(partner, tag_of(2, MESSAGE_SEND, 0, 0), handle);
    return step;
}

static uint64_t expected_tag(enum route route, uint32_t count)
{
    static const uint32_t operations[] = {MESSAGE_SEND, MESSAGE_CALL, MESSAGE_REPLY_AND_WAIT, MESSAGE_REPLY_AND_WAIT};
    return tag_of(1, operations[route], 0, count);
}

void give(const struct worker *host, enum route route, const uint64_t *items, uint32_t count, uint64_t *arrived)
{
    struct worker partner;
    uint32_t endpoint = guest_endpoint();
    worker_create_in(&partner, host);
    uint32_t handle = worker_give(&partner, endpoint, RIGHT_READ | RIGHT_WRITE);
    struct step *step = plan(&partner, route, handle);
    if (route <= CALL)
        give_request(&partner, route, endpoint, items, count);
    else
        give_answer(&partner, route, endpoint, items, count);
    worker_wait(&partner, partner.area->count);
    EXPECT_EQUAL(step->result, expected_tag(route, count));
    for (uint32_t i = 0; i < MESSAGE_MAX_ITEMS; i++)
        arrived[i] = step->items[i];
    for (uint32_t i = count; i < MESSAGE_MAX_ITEMS; i++)
        EXPECT_EQUAL(arrived[i], OWN + i);
    worker_drop(&partner, handle);
    if (host->task.handle != own_task.handle)
        worker_drop(&partner, partner.area->park);
    worker_destroy(&partner);
    guest_delete(endpoint);
}

/* Runs a test along each route, with a task of its own to give to. */
static void on_all_routes(void (*test)(const struct worker *host, enum route route))
{
    for (enum route route = SEND; route < ROUTES; route++) {
        struct worker host;
        worker_create(&host, true);
        test(&host, route);
        worker_destroy(&host);
    }
}

void expect_holds(const struct worker *host, uint64_t handle, uint32_t type, uint32_t rights)
{
    uint32_t found_type = 0;
    kernel_rights_t found_rights = 0;
    EXPECT(handle > 0 && handle < MAX_CAPABILITIES);
    EXPECT_EQUAL(kernel_task_inspect(host->task, (uint32_t)handle, &found_type, &found_rights), 0);
    EXPECT_EQUAL(found_type, type);
    EXPECT_EQUAL(found_rights, rights);
}

/* ---- Copy and move ----------------------------------------------------------------------------------------------- */

/* An object of each of a few types; `items` of `kind` for them. */
static void make_objects(uint32_t *objects, uint64_t *items, uint32_t kind)
{
    objects[0] = guest_endpoint();
    objects[1] = guest_memory(1);
    objects[2] = guest_new_task().handle;
    kernel_factory_t factory = {0};
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, PAGE_SIZE, &factory), 0);
    objects[3] = factory.handle;
    for (int i = 0; i < 4; i++)
        items[i] = item_of(objects[i], RIGHTS_ALL, kind);
}

static void copies(const struct worker *host, enum route route)
{
    uint32_t objects[4];
    uint64_t items[4], arrived[MESSAGE_MAX_ITEMS];
    make_objects(objects, items, ITEM_COPY);
    give(host, route, items, 4, arrived);
    for (int i = 0; i < 4; i++) {
        uint32_t type = guest_type(objects[i]), held = guest_rights(objects[i]);
        EXPECT(type != 0);
        expect_holds(host, arrived[i], type, held);
        guest_delete(objects[i]);
        expect_holds(host, arrived[i], type, held);
    }
}

static void moves(const struct worker *host, enum route route)
{
    uint32_t objects[4], types[4], held[4];
    uint64_t items[4], arrived[MESSAGE_MAX_ITEMS];
    make_objects(objects, items, ITEM_MOVE);
    for (int i = 0; i < 4; i++) {
        types[i] = guest_type(objects[i]);
        held[i] = guest_rights(objects[i]);
    }
    struct totals before = totals_now();
    give(host, route, items, 4, arrived);
    EXPECT_EQUAL(totals_now().capabilities, before.capabilities);
    for (int i = 0; i < 4; i++) {
        EXPECT_EQUAL(guest_type(objects[i]), 0);
        expect_holds(host, arrived[i], types[i], held[i]);
    }
}

/* Every set of rights, cut down with every set. Copying needs the right to; moving needs none. */
static void expect_cut(const struct worker *host, enum route route, uint32_t object, uint32_t had)
{
    for (uint32_t cut = 0; cut <= RIGHTS_ALL; cut++) {
        uint32_t copied = guest_copy(object, had), moved = guest_copy(object, had);
        uint64_t items[] = {item_of(copied, cut, ITEM_COPY), item_of(moved, cut, ITEM_MOVE)};
        uint64_t arrived[MESSAGE_MAX_ITEMS];
        give(host, route, items, 2, arrived);
        EXPECT_EQUAL(guest_rights(copied), had);
        EXPECT_EQUAL(guest_type(moved), 0);
        if (had & RIGHT_COPY) {
            expect_holds(host, arrived[0], guest_type(object), had & cut);
            worker_drop(host, (uint32_t)arrived[0]);
        } else {
            EXPECT_EQUAL(arrived[0], 0);
        }
        expect_holds(host, arrived[1], guest_type(object), had & cut);
        worker_drop(host, (uint32_t)arrived[1]);
        guest_delete(copied);
    }
}

static void rights(const struct worker *host, enum route route)
{
    uint32_t object = guest_endpoint();
    for (uint32_t had = route; had <= RIGHTS_ALL; had += ROUTES) /* each set along one of the routes */
        expect_cut(host, route, object, had);
    expect_cut(host, route, object, RIGHTS_ALL);
    guest_delete(object);
}

/* The badge goes with the capability, and nobody is the wiser about a new one. */
static void badge(const struct worker *host, enum route route)
{
    struct worker sender;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), minted = 0;
    uint64_t arrived[MESSAGE_MAX_ITEMS];
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHT_WRITE | RIGHT_COPY, BADGE, &minted), 0);
    const uint64_t items[] = {item_of(minted, RIGHTS_ALL, ITEM_COPY), item_of(minted, RIGHT_WRITE, ITEM_MOVE)};
    give(host, route, items, 2, arrived);
    worker_create_in(&sender, host);
    for (uint32_t i = 0; i < 2; i++)
        worker_add(&sender, tag_of(i, MESSAGE_SEND, 0, 0), arrived[i]);
    worker_start(&sender, worker_steps);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(i, MESSAGE_SEND, 0, 0));
        EXPECT_EQUAL(message.badge, BADGE);
    }
    worker_wait(&sender, 2);
    worker_destroy(&sender);
    guest_delete(endpoint);
}

/* ---- Many, and bad ones ------------------------------------------------------------------------------------------ */

/* One to seven items: as many arrive, each in its place. give() checks the rest. */
static void counts(const struct worker *host, enum route route)
{
    uint64_t items[MESSAGE_MAX_ITEMS], arrived[MESSAGE_MAX_ITEMS];
    uint32_t endpoint = guest_endpoint(), memory = guest_memory(1);
    for (uint32_t i = 0; i < MESSAGE_MAX_ITEMS; i++)
        items[i] = item_of(i % 2 ? endpoint : memory, i | RIGHT_COPY, ITEM_COPY);
    for (uint32_t count = 1; count <= MESSAGE_MAX_ITEMS; count++) {
        give(host, route, items, count, arrived);
        for (uint32_t i = 0; i < count; i++)
            expect_holds(host, arrived[i], guest_type(i % 2 ? endpoint : memory), i | RIGHT_COPY);
    }
    guest_delete(endpoint);
    guest_delete(memory);
}

/* A handle that named something once, and is not given out again soon: those deleted last are. */
static uint32_t gone_handle(void)
{
    uint32_t handles[10];
    for (unsigned i = 0; i < COUNT(handles); i++)
        handles[i] = guest_endpoint();
    for (unsigned i = 0; i < COUNT(handles); i++)
        guest_delete(handles[i]);
    return handles[0];
}

/* An item that names nothing, or is of no kind, arrives as 0; those around it arrive. */
static void bad_items(const struct worker *host, enum route route)
{
    uint32_t good = guest_endpoint(), gone = gone_handle();
    uint64_t item = item_of(good, RIGHTS_ALL, ITEM_COPY), arrived[MESSAGE_MAX_ITEMS];
    const uint64_t bad[] = {0,
                            item_of(0, RIGHTS_ALL, ITEM_COPY),
                            item_of(gone, RIGHTS_ALL, ITEM_COPY),
                            item_of(gone, RIGHTS_ALL, ITEM_MOVE),
                            item_of(60000, RIGHTS_ALL, ITEM_COPY),
                            item_of(65535, RIGHTS_ALL, ITEM_MOVE),
                            item_of(good, RIGHTS_ALL, 2),
                            item_of(good, RIGHTS_ALL, 0x80),
                            item_of(good, RIGHTS_ALL, 0xff),
                            item | 1UL << 32,
                            item | 1UL << 63,
                            ~0UL};
    for (unsigned i = 0; i < COUNT(bad); i++) {
        const uint64_t items[] = {item, bad[i], item};
        give(host, route, items, 3, arrived);
        expect_holds(host, arrived[0], guest_type(good), RIGHTS_ALL);
        EXPECT_EQUAL(arrived[1], 0);
        expect_holds(host, arrived[2], guest_type(good), RIGHTS_ALL);
        EXPECT(arrived[0] != arrived[2]);
    }
    guest_delete(good);
}

/* Items are taken one after the other. */
static void in_order(const struct worker *host, enum route route)
{
    uint64_t arrived[MESSAGE_MAX_ITEMS];
    uint32_t first = guest_endpoint(), second = guest_endpoint(), third = guest_endpoint(), type = guest_type(first);
    const uint64_t items[] = {item_of(first, RIGHTS_ALL, ITEM_MOVE),  item_of(first, RIGHTS_ALL, ITEM_MOVE),
                              item_of(second, RIGHTS_ALL, ITEM_COPY), item_of(second, RIGHTS_ALL, ITEM_MOVE),
                              item_of(third, RIGHTS_ALL, ITEM_MOVE),  item_of(third, RIGHTS_ALL, ITEM_COPY)};
    give(host, route, items, 6, arrived);
    for (int i = 0; i < 6; i++)
        if (i == 1 || i == 5)
            EXPECT_EQUAL(arrived[i], 0);
        else
            expect_holds(host, arrived[i], type, RIGHTS_ALL);
    EXPECT(guest_type(first) == 0 && guest_type(second) == 0 && guest_type(third) == 0);
}

/* What a random item must do, by the sources' rights, which are this test's model; ~0 where a source is gone. */
static uint64_t model_item(uint32_t *sources, uint32_t index, uint32_t cut, uint32_t kind)
{
    if (sources[index] == ~0U || kind > ITEM_MOVE || (kind == ITEM_COPY && !(sources[index] & RIGHT_COPY)))
        return ~0UL;
    uint32_t rights = sources[index] & cut;
    if (kind == ITEM_MOVE)
        sources[index] = ~0U;
    return rights;
}

static void random_message(const struct worker *host, enum route route, uint64_t *state, const uint32_t *handles,
                           uint32_t *sources)
{
    uint64_t items[MESSAGE_MAX_ITEMS], expected[MESSAGE_MAX_ITEMS], arrived[MESSAGE_MAX_ITEMS];
    uint32_t count = (uint32_t)(random_next(state) % (MESSAGE_MAX_ITEMS + 1));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t noise = random_next(state);
        uint32_t index = noise % SOURCES, cut = noise >> 8 & RIGHTS_ALL, kind = (noise >> 16 & 7) % 3;
        items[i] = item_of(handles[index], cut, kind);
        expected[i] = model_item(sources, index, cut, kind);
    }
    /* Without an item, the request or answer has its plain form, as tag_of() spells it. */
    give(host, route, items, count, arrived);
    for (uint32_t i = 0; i < count; i++) {
        if (expected[i] == ~0UL) {
            EXPECT_EQUAL(arrived[i], 0);
            continue;
        }
        expect_holds(host, arrived[i], KERNEL_MEMORY_ID, (uint32_t)expected[i]);
        worker_drop(host, (uint32_t)arrived[i]);
    }
}

static void random_items(const struct worker *host, enum route route)
{
    uint64_t state = seed + route * 2;
    uint32_t handles[SOURCES], sources[SOURCES], object = guest_memory(1);
    for (int i = 0; i < SOURCES; i++)
        sources[i] = ~0U;
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        for (int i = 0; i < SOURCES; i++)
            if (sources[i] == ~0U) {
                sources[i] = random_next(&state) & RIGHTS_ALL;
                handles[i] = guest_copy(object, sources[i]);
            }
        random_message(host, route, &state, handles, sources);
        for (int i = 0; i < SOURCES; i++)
            if (sources[i] == ~0U)
                EXPECT_EQUAL(guest_type(handles[i]), 0);
            else
                EXPECT_EQUAL(guest_rights(handles[i]), sources[i]);
    }
    for (int i = 0; i < SOURCES; i++)
        if (sources[i] != ~0U)
            guest_delete(handles[i]);
    guest_delete(object);
}

/* ---- No room ----------------------------------------------------------------------------------------------------- */

/* Where nothing can be installed, a moved capability stays with its sender, but for one of several in an answer; with
 * one free entry, the first arrives. */
static void expect_no_room(const struct worker *host, enum route route, uint32_t filler)
{
    uint32_t copied = guest_memory(1), moved = guest_memory(1), type = guest_type(moved);
    uint32_t other = guest_copy(copied, RIGHTS_ALL);
    const uint64_t items[] = {item_of(copied, RIGHTS_ALL, ITEM_COPY), item_of(moved, RIGHTS_ALL, ITEM_MOVE),
                              item_of(other, RIGHTS_ALL, ITEM_MOVE)};
    uint64_t arrived[MESSAGE_MAX_ITEMS];
    give(host, route, items, 3, arrived);
    for (int i = 0; i < 3; i++)
        EXPECT_EQUAL(arrived[i], 0);
    EXPECT_EQUAL(guest_type(copied), type);
    EXPECT_EQUAL(guest_type(moved), type);
    EXPECT_EQUAL(guest_type(other), route == REPLY || route == REPLY_AND_WAIT ? 0 : type);
    if (guest_type(other))
        guest_delete(other);
    worker_drop(host, filler);
    give(host, route, items + 1, 1, arrived);
    expect_holds(host, arrived[0], type, RIGHTS_ALL);
    EXPECT_EQUAL(guest_type(moved), 0);
    worker_drop(host, (uint32_t)arrived[0]);
    guest_delete(copied);
}

/* Fills the host's table until copies fail with `error`, and then makes room for what give() needs there: the endpoint,
 * and where its thread parks. Answers a handle that may be deleted. */
static uint32_t fill_table(const struct worker *host, uint32_t memory, int error)
{
    uint32_t fillers[3] = {0}, handle = 0, made = 0;
    int result;
    while ((result = kernel_task_copy(own_task, memory, host->task, RIGHT_READ, &handle)) == 0)
        fillers[made++ % 3] = handle;
    EXPECT_EQUAL(result, -error);
    EXPECT(made >= 3);
    worker_drop(host, fillers[0]);
    worker_drop(host, fillers[1]);
    return fillers[2];
}

static void full_table(void)
{
    struct worker host;
    uint32_t memory = guest_memory(1);
    worker_create(&host, true);
    uint32_t filler = fill_table(&host, memory, ERROR_NO_SLOT);
    expect_no_room(&host, SEND, filler);
    for (enum route route = CALL; route < ROUTES; route++)
        expect_no_room(&host, route, worker_give(&host, memory, RIGHT_READ));
    worker_destroy(&host);
    guest_delete(memory);
}

/* The receiver's quota pays for its table: where it is used up, nothing arrives either. */
static void no_quota(const struct worker *unused, enum route route)
{
    struct worker host;
    kernel_factory_t factory;
    kernel_memory_t memory;
    uint32_t held[SMALL_QUOTA / PAGE_SIZE], count = 0;
    (void)unused;
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, SMALL_QUOTA, &factory), 0);
    worker_create_charged(&host, factory);
    worker_drop(&host, worker_give(&host, host.park, RIGHT_WRITE)); /* the page of its hot slots is there */
    while (count < COUNT(held) && kernel_factory_create_memory(factory, 1, &memory) == 0)
        held[count++] = memory.handle;
    if (EXPECT(count > 0 && count < COUNT(held)))
        expect_no_room(&host, route, fill_table(&host, held[0], ERROR_NO_MEMORY));
    for (uint32_t i = 0; i < count; i++)
        guest_delete(held[i]);
    worker_destroy(&host);
    guest_delete(factory.handle);
}

static void copies_on_all_routes(void)
{
    on_all_routes(copies);
}

static void moves_on_all_routes(void)
{
    on_all_routes(moves);
}

static void rights_on_all_routes(void)
{
    on_all_routes(rights);
}

static void badge_on_all_routes(void)
{
    on_all_routes(badge);
}

static void counts_on_all_routes(void)
{
    on_all_routes(counts);
}

static void bad_items_on_all_routes(void)
{
    on_all_routes(bad_items);
}

static void in_order_on_all_routes(void)
{
    on_all_routes(in_order);
}

static void random_on_all_routes(void)
{
    on_all_routes(random_items);
}

static void no_quota_on_all_routes(void)
{
    on_all_routes(no_quota);
}

static const struct guest_test tests[] = {
    {"copies of several types", copies_on_all_routes},
    {"moves of several types", moves_on_all_routes},
    {"every set of rights is cut down by every set", rights_on_all_routes},
    {"the badge goes with the capability", badge_on_all_routes},
    {"one to seven items", counts_on_all_routes},
    {"items that name nothing, or are of no kind", bad_items_on_all_routes},
    {"items are taken in order", in_order_on_all_routes},
    {"random items", random_on_all_routes},
    {"a receiver whose table is full", full_table},
    {"a receiver whose quota is used up", no_quota_on_all_routes},
    {"items within one task", own_table},
    {"items beside words", beside_words},
    {"a request that fails moves nothing", failures_move_nothing},
    {"a caller gives away what it calls with", gives_its_way_away},
    {"a server gives away what it waits with", gives_its_wait_away},
};

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 0) | 1 : 1;
    return guest_run(tests, COUNT(tests));
}
