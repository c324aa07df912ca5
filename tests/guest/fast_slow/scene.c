/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One call in all its circumstances. See scene.h.
 *
 * The program runs at a lower priority than all workers: whatever it does, it goes on when all of them wait. So nothing
 * depends on time. Each worker carries out actions, an IPC each with every register loaded before and stored behind it.
 */
#include "scene.h"

#include <string.h>

#include "../common/marks.h"
#include "../common/worker.h"
#include "idl/notification.h"

#define ACTIONS 7
#define BADGE 0xbad6eUL
#define LABEL 0x1234U
#define FAR_AWAY (1UL << 60) /* nanoseconds */
#define NO_ITEM_THERE 60000
#define SIGNALLED 0x50UL
#define OWN_PRIORITY 40
#define SERVER_PRIORITY 60
#define OTHER_PRIORITY 70 /* who is only needed for the circumstances is done at once */
#define DEFAULT_CONTROL 0x037f
#define DEFAULT_MXCSR 0x1f80
#define DIGEST_START 0xcbf29ce484222325UL /* as FNV-1a has it */
#define DIGEST_PRIME 0x100000001b3UL

enum role { SERVER, CLIENT, FIRST, SENDER, ROLES };
enum value { DEBUG_HANDLE, ENTRIES_BEFORE, ENTRIES_AFTER };

struct action {
    uint64_t tag, handle, base; /* of marks in registers and words */
    bool dirty, counted;        /* vector registers; entries into the kernel */
    struct registers after;
    uint64_t words[MESSAGE_MAX_WORDS]; /* from 6 on */
    uint64_t items[MESSAGE_MAX_ITEMS];
};

_Static_assert(ACTIONS * sizeof(struct action) <= sizeof(((struct area *)0)->steps), "actions take the place of steps");
_Static_assert(offsetof(struct area, steps) % _Alignof(struct action) == 0, "and are aligned there");

/* A scene: who takes part, and what they were given. */
struct scene {
    const struct combination *combination;
    struct worker workers[ROLES];
    uint32_t endpoint, gate, token;
    uint32_t given; /* the token, in the client's table */
    kernel_notification_t notification;
};

static struct worker hosts[ROLES]; /* tasks, whose own threads never run */

static struct action *actions_of(struct area *area)
{
    return (struct action *)(void *)area->steps;
}

/* ---- Workers ----------------------------------------------------------------------------------------------------- */

static void clean(struct vectors *vectors)
{
    memset(vectors, 0, sizeof(*vectors));
    vectors->control = DEFAULT_CONTROL;
    vectors->mxcsr = DEFAULT_MXCSR;
}

static void carry_out(struct area *area, struct action *action)
{
    kernel_debug_t counter = {(uint32_t)area->values[DEBUG_HANDLE]};
    struct utcb *utcb = ipc_utcb();
    struct registers before;
    uint64_t entries = 0;
    marks_fill(&before, action->base);
    marks_fill_words(&before, action->base);
    before.gs_base = (uint64_t)utcb;
    before.rax = action->tag;
    before.rdi = action->handle;
    if (!action->dirty)
        clean(&before.vectors);
    if (action->counted && kernel_debug_entries(counter, &entries) != 0)
        __builtin_trap();
    area->values[ENTRIES_BEFORE] = action->counted ? entries : area->values[ENTRIES_BEFORE];
    memcpy(&utcb->words[6], &action->words[6], sizeof(utcb->words) - 6 * sizeof(uint64_t));
    memcpy(utcb->items, action->items, sizeof(utcb->items));
    utcb->send_deadline = utcb->receive_deadline = FAR_AWAY;
    registers_system_call(&before, &action->after);
    memcpy(&action->words[6], &utcb->words[6], sizeof(utcb->words) - 6 * sizeof(uint64_t));
    memcpy(action->items, utcb->items, sizeof(utcb->items));
    if (action->counted && kernel_debug_entries(counter, &entries) != 0)
        __builtin_trap();
    area->values[ENTRIES_AFTER] = action->counted ? entries : area->values[ENTRIES_AFTER];
}

/* A worker_function. */
static void carry_out_all(struct area *area)
{
    while (area->done < area->count) {
        carry_out(area, &actions_of(area)[area->done]);
        area->done++;
    }
}

static struct action *add(struct scene *scene, enum role role, uint64_t tag, uint64_t handle)
{
    struct area *area = scene->workers[role].area;
    struct action *action = &actions_of(area)[area->count];
    if (!EXPECT(area->count < ACTIONS))
        return actions_of(area);
    area->count++;
    action->tag = tag;
    action->handle = handle;
    action->base = 0x5a170000UL << 32 | (uint64_t)role << 24 | (uint64_t)area->count << 16;
    for (uint64_t i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
        action->words[i] = action->base + 0x1000 + i;
    return action;
}

static void create(struct scene *scene, enum role role, uint32_t priority)
{
    struct worker *worker = &scene->workers[role];
    worker_create_in(worker, &hosts[role]);
    EXPECT_EQUAL(kernel_thread_set_priority(worker->thread, priority), 0);
}

static void start(const struct scene *scene, enum role role)
{
    worker_start(&scene->workers[role], carry_out_all);
}

/* ---- Scripts ----------------------------------------------------------------------------------------------------- */

static bool needs_gate(const struct combination *combination)
{
    return combination->queued || (combination->pending && combination->receiver != CLOSED);
}

static uint64_t receive_tag(enum receiver receiver)
{
    return TAG_RECEIVE | (receiver == CLOSED ? TAG_CLOSED : 0) | (receiver == LIMITED ? TAG_DEADLINE : 0);
}

/* The server receives, passes the gate before it answers if something is to happen there, answers, and waits again. */
static void plan_server(struct scene *scene)
{
    const struct combination *combination = scene->combination;
    uint32_t gate = worker_give(&hosts[SERVER], scene->gate, RIGHT_WRITE);
    uint32_t handle = worker_give(&hosts[SERVER], scene->endpoint, RIGHT_READ);
    add(scene, SERVER, receive_tag(combination->receiver), handle);
    if (combination->receiver == BUSY) {
        add(scene, SERVER, tag_of(0, MESSAGE_SEND, 0, 0), gate);
        add(scene, SERVER, tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 1, 0), handle);
    }
    if (needs_gate(combination))
        add(scene, SERVER, tag_of(0, MESSAGE_SEND, 0, 0), gate);
    add(scene, SERVER, tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, combination->words, 0), handle)->dirty = true;
}

static uint64_t call_tag(const struct combination *combination)
{
    uint32_t items = combination->item != NO_ITEM;
    if (!combination->deadline)
        return tag_of(LABEL, MESSAGE_CALL, combination->words, items);
    uint32_t low = TAG_NATIVE | TAG_DEADLINE | MESSAGE_CALL << TAG_OPERATION_SHIFT | items << TAG_ITEMS_SHIFT;
    return message_labelled_tag(LABEL, low | combination->words);
}

static uint64_t item(const struct scene *scene)
{
    uint32_t kind = scene->combination->item == MOVED ? ITEM_MOVE : ITEM_COPY;
    return item_of(scene->combination->item == BAD_ITEM ? NO_ITEM_THERE : scene->given, RIGHT_WRITE | RIGHT_COPY, kind);
}

static void plan_client(struct scene *scene)
{
    const struct combination *combination = scene->combination;
    uint32_t rights = combination->rights == MAY_NOT_SEND ? RIGHT_READ : RIGHT_WRITE;
    uint64_t handle = worker_mint(&hosts[CLIENT], scene->endpoint, rights, combination->badged ? BADGE : 0);
    scene->given = worker_give(&hosts[CLIENT], scene->token, RIGHTS_ALL);
    if (combination->receiver == BEHIND)
        add(scene, CLIENT, tag_of(LABEL, MESSAGE_CALL, 2, 0), handle);
    if (combination->rights == NO_HANDLE)
        handle += MAX_CAPABILITIES;
    struct action *call = add(scene, CLIENT, call_tag(combination), handle);
    call->items[0] = item(scene);
    call->dirty = combination->dirty;
    call->counted = true;
    scene->workers[CLIENT].area->values[DEBUG_HANDLE] = worker_give(&hosts[CLIENT], debug.handle, RIGHT_READ);
}

/* Who takes part? */
static bool is_needed(const struct combination *combination, enum role role)
{
    if (role == FIRST)
        return combination->receiver == BEHIND || combination->receiver == BUSY;
    return role != SENDER || combination->queued;
}

/* Who waits before the server, or is its client before. */
static void plan_first(struct scene *scene)
{
    bool behind = scene->combination->receiver == BEHIND;
    uint64_t handle = worker_give(&hosts[FIRST], scene->endpoint, behind ? RIGHT_READ : RIGHT_WRITE);
    add(scene, FIRST, behind ? TAG_RECEIVE : tag_of(LABEL, MESSAGE_CALL, 1, 0), handle);
    if (behind)
        add(scene, FIRST, tag_of(LABEL, MESSAGE_REPLY, 3, 0), 0);
}

static void plan_sender(struct scene *scene)
{
    add(scene, SENDER, tag_of(LABEL, MESSAGE_SEND, 4, 0), worker_give(&hosts[SENDER], scene->endpoint, RIGHT_WRITE));
}

static void plan(struct scene *scene, const struct combination *combination)
{
    static const uint32_t caller[] = {
        [CALLER_HIGHER] = SERVER_PRIORITY + 5, [CALLER_EQUAL] = SERVER_PRIORITY, [CALLER_LOWER] = SERVER_PRIORITY - 5};
    *scene = (struct scene){.combination = combination};
    scene->endpoint = guest_endpoint();
    scene->gate = guest_endpoint();
    scene->token = guest_endpoint();
    create(scene, SERVER, SERVER_PRIORITY);
    create(scene, CLIENT, caller[combination->priority]);
    for (enum role role = FIRST; role < ROLES; role++)
        if (is_needed(combination, role))
            create(scene, role, OTHER_PRIORITY);
    EXPECT_EQUAL(kernel_factory_create_notification(own_factory, &scene->notification), 0);
    EXPECT_EQUAL(kernel_notification_bind(scene->notification, scene->workers[SERVER].thread), 0);
    plan_server(scene);
    plan_client(scene);
    if (is_needed(combination, FIRST))
        plan_first(scene);
    if (is_needed(combination, SENDER))
        plan_sender(scene);
}

/* ---- The course of a scene --------------------------------------------------------------------------------------- */

static void signal_server(const struct scene *scene)
{
    struct ipc_message message = {.words = {SIGNALLED}};
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 1, 0), scene->notification.handle, &message), TAG_DONE);
}

static void open_gate(const struct scene *scene)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, scene->gate, &message), tag_of(0, MESSAGE_SEND, 0, 0));
}

/* The receiver gets to where it is when the call comes. */
static void prepare(const struct scene *scene)
{
    const struct combination *combination = scene->combination;
    if (combination->receiver == BEHIND)
        start(scene, FIRST);
    if (combination->receiver != NEVER)
        start(scene, SERVER);
    if (combination->receiver == BUSY)
        start(scene, FIRST);
    if (combination->receiver == STOPPED)
        EXPECT_EQUAL(kernel_thread_stop(scene->workers[SERVER].thread), 0);
    if (combination->receiver == DEAD)
        EXPECT_EQUAL(kernel_thread_end(scene->workers[SERVER].thread), 0);
    if (combination->receiver == CLOSED && combination->pending)
        signal_server(scene);
}

static bool is_received(const struct combination *combination)
{
    return combination->rights == SENDS && combination->receiver != DEAD && combination->receiver != NEVER;
}

/* From the call until everybody waits again. */
static void proceed(const struct scene *scene)
{
    const struct combination *combination = scene->combination;
    start(scene, CLIENT);
    if (combination->receiver == STOPPED)
        EXPECT_EQUAL(kernel_thread_resume(scene->workers[SERVER].thread, false), 0);
    if (combination->receiver == BUSY)
        open_gate(scene);
    if (!is_received(combination) || !needs_gate(combination))
        return;
    if (combination->queued)
        start(scene, SENDER);
    if (combination->pending && combination->receiver != CLOSED)
        signal_server(scene);
    open_gate(scene);
}

/* ---- What came of it --------------------------------------------------------------------------------------------- */

static void digest_word(uint64_t *sum, uint64_t word)
{
    *sum = (*sum ^ word) * DIGEST_PRIME;
    *sum ^= *sum >> 29;
}

/* `size` is a multiple of 8. */
static void digest(uint64_t *sum, const void *memory, size_t size)
{
    const uint64_t *words = memory;
    for (size_t i = 0; i < size / sizeof(*words); i++)
        digest_word(sum, words[i]);
}

static void digest_worker(uint64_t *sum, const struct worker *worker)
{
    const struct area *area = worker->area;
    const struct action *actions = actions_of(worker->area);
    digest_word(sum, area->done);
    for (uint32_t i = 0; i < area->done; i++) {
        digest(sum, &actions[i].after, sizeof(actions[i].after));
        digest(sum, actions[i].words, sizeof(actions[i].words));
        digest(sum, actions[i].items, sizeof(actions[i].items));
    }
}

/* Who is queued, or waits: a message is taken, if there is one, and one is left, if somebody waits. */
static void digest_queues(uint64_t *sum, const struct scene *scene)
{
    struct ipc_message message = {0};
    digest_word(sum, ipc_transfer(TAG_RECEIVE_NOW, scene->endpoint, &message));
    digest(sum, &message, sizeof(message));
    message = (struct ipc_message){.words = {1, 2, 3}};
    digest_word(sum, ipc_transfer(polled_tag_of(LABEL, MESSAGE_SEND, 3, 0), scene->endpoint, &message));
}

/* What is left in the tables of those who take part; all goes. */
static void digest_table(uint64_t *sum, enum role role, uint32_t limit)
{
    for (uint32_t handle = 1; handle < limit; handle++) {
        uint32_t type = 0;
        kernel_rights_t rights = 0;
        EXPECT_EQUAL(kernel_task_inspect(hosts[role].task, handle, &type, &rights), 0);
        if (type == 0 || handle == hosts[role].area->park)
            continue;
        digest_word(sum, (uint64_t)handle << 32 | type << 8 | rights);
        worker_drop(&hosts[role], handle);
    }
}

static struct outcome end(struct scene *scene)
{
    static const uint32_t handles[ROLES] = {[SERVER] = 8, [CLIENT] = 8, [FIRST] = 5, [SENDER] = 5};
    struct outcome outcome = {.digest = DIGEST_START};
    volatile uint64_t *values = scene->workers[CLIENT].area->values;
    if (scene->combination->receiver != DEAD && scene->combination->receiver != NEVER)
        digest_queues(&outcome.digest, scene);
    guest_delete(scene->endpoint);
    for (enum role role = SERVER; role < ROLES; role++)
        if (is_needed(scene->combination, role)) {
            digest_table(&outcome.digest, role, handles[role]);
            digest_worker(&outcome.digest, &scene->workers[role]);
        }
    EXPECT(scene->workers[CLIENT].area->done == scene->workers[CLIENT].area->count);
    outcome.entries = values[ENTRIES_AFTER] - values[ENTRIES_BEFORE] - 1;
    for (enum role role = SERVER; role < ROLES; role++)
        if (is_needed(scene->combination, role))
            worker_destroy(&scene->workers[role]);
    guest_delete(scene->notification.handle);
    guest_delete(scene->gate);
    guest_delete(scene->token);
    return outcome;
}

struct outcome scene_run(const struct combination *combination)
{
    struct scene scene;
    plan(&scene, combination);
    prepare(&scene);
    proceed(&scene);
    return end(&scene);
}

void scenes_begin(void)
{
    EXPECT_EQUAL(kernel_thread_set_priority(own_thread, OWN_PRIORITY), 0);
    for (enum role role = SERVER; role < ROLES; role++)
        worker_create(&hosts[role], true);
}

void scenes_end(void)
{
    for (enum role role = SERVER; role < ROLES; role++)
        worker_destroy(&hosts[role]);
}
