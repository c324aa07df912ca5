/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory server's books on the host: random operations of some clients, a simple model of what their memory holds,
 * and after each operation a check of all books. memory_server_test [STEPS [SEED]]
 *
 * The model has a page of a client as a number in an object; copies are whole. Contents are one word a page.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../servers/memory/region_table.h"
#include "abi/capability.h"
#include "host_tap.h"
#include "idl/memory_service.h"
#include "memory_server/check.h"
#include "memory_server/machine.h"

#define CLIENTS 4
#define PLACES 40     /* pages of a client that are used: from HOST_BASE on */
#define MOST_PAGES 12 /* of an operation */
#define SHARED 3      /* objects with a capability */
#define PLENTY 400    /* pages of a client's quota, or ... */
#define TIGHT 20      /* ... fewer than it would use */
#define WRITE 2
#define RW (RIGHT_READ | RIGHT_WRITE)

/* An object of the model lasts for the whole run; nothing is ever freed but at the end of it. */
struct model_object {
    struct model_object *next;
    uint64_t pages;
    uint64_t values[PLACES];
};

struct model_page {
    struct model_object *object; /* NULL: nothing is attached */
    uint64_t index;
    uint32_t rights;
    bool own;
};

static struct model_object *all_objects;
static struct model_page model[CLIENTS][PLACES];
static struct client *members[CLIENTS];
static struct {
    struct object *object;
    struct model_object *model;
    uint32_t owner;
} shared[SHARED];
static uint64_t chance, quota;
static uint64_t values;

static uint64_t below(uint64_t most)
{
    return host_random(&chance) % most;
}

static struct model_object *model_create(uint64_t pages)
{
    struct model_object *object = calloc(1, sizeof(*object));
    if (!object)
        abort();
    object->pages = pages;
    object->next = all_objects;
    all_objects = object;
    return object;
}

static void forget_all(void)
{
    while (all_objects) {
        struct model_object *next = all_objects->next;
        free(all_objects);
        all_objects = next;
    }
    memset(model, 0, sizeof(model));
    memset(shared, 0, sizeof(shared));
}

/* ---- Accesses ---------------------------------------------------------------------------------------------------- */

static struct host_page *table_entry(uint32_t who, uint64_t page)
{
    return &host_pages[members[who]->task][page];
}

/* A fault, and its answer. False if the server refuses, or its answer cannot be carried out. */
static bool fault(uint32_t who, uint64_t page, uint32_t error)
{
    uint64_t address = HOST_BASE + page * PAGE_SIZE;
    enum fault_answer answer = fault_serve(members[who], address + 8, error);
    bool arrived = answer != FAULT_GO_ON_MAPPED || host_take_answer(members[who]->task, address);
    if (!arrived)
        fault_not_mapped();
    frames_settle();
    return answer != FAULT_REFUSED && arrived;
}

/* An access as a processor makes it: faults until the page is there. NULL if the server refuses. */
static uint64_t *touch(uint32_t who, uint64_t page, bool write)
{
    const struct host_page *entry = table_entry(who, page);
    for (int tries = 0; tries < 4; tries++) {
        if (entry->frame && (!write || (entry->rights & RIGHT_WRITE)))
            return frames_bytes(entry->frame);
        uint32_t error = 4 | (entry->frame ? 1 : 0) | (write ? WRITE : 0);
        if (!fault(who, page, error))
            return NULL;
    }
    abort(); /* it says that the access may be tried again, and nothing has changed */
}

/* Is the access as the model has it? A refusal for want of memory is good too, where that is scarce. */
static bool access_page(uint32_t who, uint64_t page, bool write, bool scarce)
{
    struct model_page *expected = &model[who][page];
    bool allowed = expected->object && expected->index < expected->object->pages &&
                   (expected->rights & (write ? RIGHT_WRITE : RIGHT_READ));
    uint64_t *word = touch(who, page, write);
    if (!word)
        return !allowed || scarce;
    if (!allowed || *word != expected->object->values[expected->index])
        return false;
    if (write)
        *word = expected->object->values[expected->index] = ++values;
    return true;
}

/* ---- Operations -------------------------------------------------------------------------------------------------- */

struct range {
    uint64_t from, count, address;
};

static struct range random_range(void)
{
    struct range range = {.from = below(PLACES)};
    uint64_t most = PLACES - range.from < MOST_PAGES ? PLACES - range.from : MOST_PAGES;
    range.count = 1 + below(most);
    range.address = HOST_BASE + range.from * PAGE_SIZE;
    return range;
}

static bool is_free(uint32_t who, const struct range *range)
{
    for (uint64_t i = range->from; i < range->from + range->count; i++)
        if (model[who][i].object)
            return false;
    return true;
}

static void enter(uint32_t who, const struct range *range, struct model_object *object, uint64_t offset,
                  uint32_t rights, bool own)
{
    for (uint64_t i = 0; i < range->count; i++)
        model[who][range->from + i] = (struct model_page){object, offset + i, rights, own};
}

static bool do_allocate(uint32_t who)
{
    struct range range = random_range();
    uint32_t rights = below(2) ? RW : RIGHT_READ;
    struct object *object = object_create(members[who], range.count);
    if (!object)
        return true;
    int error = region_attach(members[who], object, &range.address, range.count, 0, rights, 7);
    if (error) {
        object_drop_unused(object);
        return error == (is_free(who, &range) ? MEMORY_ERROR_QUOTA : MEMORY_ERROR_OCCUPIED);
    }
    bool good = is_free(who, &range);
    enter(who, &range, model_create(range.count), 0, rights, true);
    return good;
}

static bool do_detach(uint32_t who)
{
    struct range range = random_range();
    int error = regions_detach(members[who], range.address, range.count);
    if (error == 0)
        memset(&model[who][range.from], 0, range.count * sizeof(model[who][0]));
    return error == 0 || error == MEMORY_ERROR_QUOTA;
}

static bool do_protect(uint32_t who)
{
    static const uint32_t choices[] = {0, RIGHT_READ, RW, RIGHT_READ | RIGHT_EXECUTE};
    struct range range = random_range();
    uint32_t rights = choices[below(4)];
    bool whole = true;
    for (uint64_t i = range.from; i < range.from + range.count; i++)
        whole &= model[who][i].object != NULL;
    int error = regions_protect(members[who], range.address, range.count, rights);
    for (uint64_t i = range.from; error == 0 && i < range.from + range.count; i++)
        model[who][i].rights = rights;
    return error == 0 ? whole : error == (whole ? MEMORY_ERROR_QUOTA : MEMORY_ERROR_NO_REGION);
}

static bool do_discard(uint32_t who)
{
    struct range range = random_range();
    if (regions_discard(members[who], range.address, range.count) != 0)
        return false;
    for (uint64_t i = range.from; i < range.from + range.count; i++)
        if (model[who][i].own)
            model[who][i].object->values[model[who][i].index] = 0;
    return true;
}

static bool do_share(uint32_t who)
{
    uint64_t slot = below(SHARED), pages = 1 + below(MOST_PAGES);
    if (shared[slot].object)
        return true;
    struct object *object = object_create(members[who], pages);
    if (!object)
        return true;
    if (!object_export(object))
        return false;
    shared[slot].object = object;
    shared[slot].model = model_create(pages);
    shared[slot].owner = who;
    return true;
}

static bool do_attach(uint32_t who)
{
    struct range range = random_range();
    uint64_t slot = below(SHARED), offset = below(4);
    uint32_t rights = below(2) ? RW : RIGHT_READ;
    if (!shared[slot].object)
        return true;
    bool fits = range.count + offset <= shared[slot].model->pages;
    int error = region_attach(members[who], shared[slot].object, &range.address, range.count, offset, rights, 7);
    if (error == 0) {
        bool good = fits && is_free(who, &range);
        enter(who, &range, shared[slot].model, offset, rights, false);
        return good;
    }
    return error == (!fits                  ? MEMORY_ERROR_BAD_RANGE
                     : is_free(who, &range) ? MEMORY_ERROR_QUOTA
                                            : MEMORY_ERROR_OCCUPIED);
}

static bool do_snapshot(uint32_t who)
{
    struct range range = random_range();
    uint64_t slot = below(SHARED);
    if (!shared[slot].object || range.count > shared[slot].model->pages)
        return true;
    struct object *copy = object_copy(shared[slot].object, 0, range.count, members[who], 0);
    if (!copy)
        return true;
    int error = region_attach(members[who], copy, &range.address, range.count, 0, RW, 7);
    if (error) {
        object_drop_unused(copy);
        return error == (is_free(who, &range) ? MEMORY_ERROR_QUOTA : MEMORY_ERROR_OCCUPIED);
    }
    bool good = is_free(who, &range);
    struct model_object *object = model_create(range.count);
    memcpy(object->values, shared[slot].model->values, range.count * sizeof(object->values[0]));
    enter(who, &range, object, 0, RW, true);
    return good;
}

static bool do_resize_object(uint32_t who)
{
    uint64_t slot = below(SHARED), pages = 1 + below(MOST_PAGES);
    (void)who;
    if (!shared[slot].object)
        return true;
    int error = object_resize(shared[slot].object, pages);
    if (error)
        return error == MEMORY_ERROR_QUOTA;
    for (uint64_t i = pages; i < PLACES; i++)
        shared[slot].model->values[i] = 0;
    shared[slot].model->pages = pages;
    return true;
}

static void forget_object(const struct model_object *object)
{
    for (uint32_t who = 0; who < CLIENTS; who++)
        for (uint64_t i = 0; i < PLACES; i++)
            if (model[who][i].object == object)
                model[who][i] = (struct model_page){0};
}

static bool do_destroy(uint32_t who)
{
    uint64_t slot = below(SHARED);
    (void)who;
    if (!shared[slot].object)
        return true;
    object_destroy(shared[slot].object);
    forget_object(shared[slot].model);
    shared[slot].object = NULL;
    return true;
}

/* The client that others are divided off, number 0 of the table. */
static struct client *open_member(uint32_t who)
{
    int error;
    struct client *client = client_open(&clients[1], 0, quota, &error);
    if (!client)
        abort();
    client->task = who + 1;
    return client;
}

/* After an operation: are the books good? */
static bool all_is_good(void)
{
    frames_settle();
    return books_are_good();
}

static bool do_close(uint32_t who)
{
    client_close(members[who]);
    for (uint32_t slot = 0; slot < SHARED; slot++) {
        if (shared[slot].object && shared[slot].owner == who) {
            forget_object(shared[slot].model);
            shared[slot].object = NULL;
        }
    }
    memset(model[who], 0, sizeof(model[who]));
    members[who] = open_member(who);
    return all_is_good();
}

/* As fork: one becomes a copy of another. */
static bool copy(uint32_t who, uint32_t child)
{
    if (!do_close(child))
        return false;
    if (regions_copy(members[who], members[child]) != 0)
        return members[child]->region_count == 0;
    struct model_object *objects = model_create(PLACES);
    memcpy(model[child], model[who], sizeof(model[who]));
    for (uint64_t i = 0; i < PLACES; i++) {
        struct model_page *page = &model[child][i];
        if (!page->own)
            continue;
        objects->values[i] = page->object->values[page->index];
        page->object = objects;
        page->index = i;
    }
    return true;
}

static bool do_copy(uint32_t who)
{
    return copy(who, (who + 1 + (uint32_t)below(CLIENTS - 1)) % CLIENTS);
}

/* A region changes its size where it is: moved ones would leave the pages of the model. */
static bool do_resize(uint32_t who)
{
    struct range range = random_range();
    uint64_t address = range.address;
    int error = regions_resize(members[who], &address, range.count, false);
    if (error)
        return error == MEMORY_ERROR_NO_REGION || error == MEMORY_ERROR_OCCUPIED || error == MEMORY_ERROR_QUOTA ||
               error == MEMORY_ERROR_NOT_ALLOWED;
    uint32_t index = regions_find(members[who], address);
    const struct region *region = members[who]->regions[index];
    struct model_object *object = model_create(PLACES);
    uint64_t end = index + 1 < members[who]->region_count
                       ? (members[who]->regions[index + 1]->start - HOST_BASE) / PAGE_SIZE
                       : PLACES;
    for (uint64_t i = range.from; i < end; i++) {
        struct model_page *page = &model[who][i];
        bool kept = i < range.from + range.count;
        if (kept && page->object)
            object->values[i] = page->object->values[page->index];
        *page = kept ? (struct model_page){object, i, region->rights, true} : (struct model_page){0};
    }
    return region->pages == range.count && range.from + range.count <= end;
}

static bool do_access(uint32_t who)
{
    uint64_t page = below(PLACES);
    bool write = below(2);
    return access_page(who, page, write, host_failures || quota == TIGHT);
}

static bool do_run(uint32_t who)
{
    uint64_t page = below(PLACES / 2), end = page + below(PLACES / 2);
    bool write = below(2), good = true;
    for (; page < end; page++)
        good &= access_page(who, page, write, true);
    return good;
}

typedef bool operation(uint32_t who);

/* What takes much away, so that there is time for much to come about. */
static bool do_seldom(uint32_t who)
{
    uint64_t what = below(12);
    return what == 0 ? do_close(who) : what < 3 ? do_copy(who) : what == 3 ? do_destroy(who) : do_run(who);
}

static operation *const operations[] = {do_allocate,      do_attach,  do_attach,  do_snapshot, do_run,    do_run,
                                        do_detach,        do_protect, do_discard, do_share,    do_attach, do_snapshot,
                                        do_resize_object, do_seldom,  do_resize,  do_run};

static bool step(void)
{
    uint32_t who = (uint32_t)below(CLIENTS);
    if (below(3))
        return do_access(who);
    return operations[below(sizeof(operations) / sizeof(operations[0]))](who);
}

static bool run(uint64_t seed, uint64_t steps, uint32_t failures)
{
    int error;
    host_machine_reset();
    memset(clients, 0, sizeof(clients));
    chance = seed;
    if (!frames_prepare(HOST_CHUNKS) || !client_open(NULL, 1, CLIENTS * (quota + 1), &error))
        return false;
    for (uint32_t i = 0; i < CLIENTS; i++)
        members[i] = open_member(i);
    host_failures = failures;
    bool good = true;
    uint64_t done = 0;
    for (; done < steps && good; done++)
        good = step() && all_is_good();
    host_failures = 0;
    for (uint32_t who = 0; who < CLIENTS && good; who++)
        for (uint64_t page = 0; page < PLACES && good; page++)
            good = access_page(who, page, false, true);
    client_close(&clients[1]);
    frames_settle();
    good = good && clients[1].used == 0 && frames_used() == 0 && host_chunks <= FRAMES_SPARE;
    if (!good)
        printf("# seed %" PRIu64 ", step %" PRIu64 "\n", seed, done);
    forget_all();
    return good;
}

static bool access_all(uint32_t who, bool write)
{
    bool good = true;
    for (uint64_t page = 0; page < PLACES && good; page++)
        good = access_page(who, page, write, false);
    return good;
}

/* A client with one region of its own memory, all of which it has written to, and others. */
static bool open_with_region(void)
{
    int error;
    struct range range = {0, PLACES, HOST_BASE};
    host_machine_reset();
    memset(clients, 0, sizeof(clients));
    if (!frames_prepare(HOST_CHUNKS) || !client_open(NULL, 1, CLIENTS * (quota + 1), &error))
        return false;
    for (uint32_t i = 0; i < CLIENTS; i++)
        members[i] = open_member(i);
    struct object *object = object_create(members[0], PLACES);
    if (!object || region_attach(members[0], object, &range.address, PLACES, 0, RW, 7) != 0)
        return false;
    enter(0, &range, model_create(PLACES), 0, RW, true);
    return access_all(0, true);
}

static bool close_all(void)
{
    client_close(&clients[1]);
    frames_settle();
    forget_all();
    return frames_used() == 0;
}

/* How many pages of a client can be written to (else only read) without a fault? */
static uint32_t pages_ready(uint32_t who, bool write)
{
    uint32_t ready = 0;
    for (uint64_t page = 0; page < PLACES; page++)
        ready += table_entry(who, page)->frame != 0 && (!write || (table_entry(who, page)->rights & RIGHT_WRITE));
    return ready;
}

#define NOTED_READ 5
#define NOTED_WRITTEN 9
#define ROUNDS 300 /* more than it takes until a note is forgotten */

/* What one copy read and wrote to, the next one has mapped, or as its own; and the original loses nothing by that. Such
 * notes are forgotten now and then, and made again. */
static bool copies_learn(void)
{
    quota = PLENTY;
    bool good = open_with_region() && copy(0, 1) && pages_ready(1, false) == 0;
    uint32_t writable = 0, readable = 0;
    for (int round = 0; round < ROUNDS && good; round++) {
        good = access_page(1, NOTED_READ, false, false) && access_page(1, NOTED_WRITTEN, true, false);
        good = good && all_is_good() && copy(0, 1) && pages_ready(1, false) <= 2 && pages_ready(1, true) <= 1;
        good = good && (round == 0 || pages_ready(0, true) >= pages_ready(1, true));
        writable += pages_ready(1, true);
        readable += pages_ready(1, false);
        good = good && all_is_good() && access_page(0, NOTED_WRITTEN, true, false);
    }
    good = good && access_all(0, false) && access_all(1, false) && access_all(1, true) && all_is_good();
    return close_all() && good && writable < ROUNDS && writable > ROUNDS / 2 && readable > ROUNDS;
}

/* However much copies wrote to: the next one has only some of it at once. */
static bool copies_are_small(void)
{
    quota = PLENTY;
    bool good = open_with_region() && copy(0, 1) && access_all(1, true) && copy(0, 1);
    uint32_t ready = pages_ready(1, true);
    good = good && access_all(0, true) && access_all(1, true) && all_is_good();
    return close_all() && good && ready > 0 && ready <= 16;
}

/* Whatever the quota of a copy has: it is made or refused, and what it was charged comes back. */
static bool copies_of_all_quotas(void)
{
    bool good = true, made = false;
    uint64_t pages = 0;
    for (; good && !made && pages < PLENTY; pages++) {
        quota = PLENTY;
        good = open_with_region() && copy(0, 1) && access_all(1, true);
        quota = pages;
        good = good && copy(0, 1) && all_is_good();
        made = members[1]->region_count > 0;
        good = close_all() && good && clients[1].used == 0;
    }
    return good && made && pages > PLACES;
}

/* Page `cut` is copied, since a child writes to it that has mapped it together with its neighbours, and its task has no
 * record for the hole: what lies behind it goes too, and comes back with what it held. */
static bool cut_without_record(uint64_t cut)
{
    bool good = open_with_region() && copy(0, 1) && access_all(1, false);
    host_no_records = true;
    good = good && access_page(1, cut, true, false) && all_is_good();
    host_no_records = false;
    good = good && access_all(0, false) && access_all(1, false) && access_all(1, true) && all_is_good();
    return close_all() && good;
}

static bool cut_all_without_record(void)
{
    bool good = true;
    quota = PLENTY;
    host_refused_holes = 0;
    for (uint64_t page = 0; page < PLACES && good; page++)
        good = cut_without_record(page);
    return good && host_refused_holes > 0;
}

int main(int argc, char **argv)
{
    uint64_t steps = argc > 1 ? strtoull(argv[1], NULL, 0) : 6000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (uint64_t i = 0; i < 4; i++) {
        quota = i % 2 ? TIGHT : PLENTY;
        host_ok(run(seed + i, steps, 0), "%" PRIu64 " random operations, quotas of %" PRIu64 ", seed %" PRIu64, steps,
                quota, seed + i);
        host_ok(run(seed + i, steps, 7), "the same, and the machine has no memory now and then");
    }
    host_ok(cut_all_without_record(), "a hole for which there is no record: what lies behind it comes back");
    host_ok(copies_learn(), "a copy has at once what others before it used, as long as it is used");
    host_ok(copies_are_small(), "and not more of it than is good");
    host_ok(copies_of_all_quotas(), "and is refused where its quota has not enough, whatever it has");
    return host_done();
}
