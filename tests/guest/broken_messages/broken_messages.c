/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of broken message to every operation of idl/, beside an honest client: each is refused with the right
 * error, nobody else notices, and nothing stays behind. Arguments: seed, and how often each. docs/broken-messages.md.
 *
 * This thread has the highest priority, and sleeps while the others run. With a clock that counts instructions a seed
 * gives the same moments each time; what must hold does not depend on them.
 */
#include <salto/startup.h>
#include <salto/tap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/waiting.h"
#include "honest.h"
#include "idl/fault.h"
#include "idl/specimen.h"
#include "sender.h"
#include "servers.h"

#define RUNS 2            /* guest_run() runs each test twice */
#define PATIENCE 60000    /* milliseconds for all messages, and as many again for each hundred times */
#define SMALL_PAGES 128   /* of a task that is to have no room */
#define SLICE 10000       /* nanoseconds */
#define SHORTEST_LIFE 500 /* nanoseconds from the start of a client to its death */
#define LONGEST_LIFE (3 * SLICE)
#define LONGEST_CALL 4000 /* nanoseconds between two changes */

static uint64_t state, times;
static uint32_t exercised[BROKEN_PAIRS]; /* how often each pair was */
static struct honest honest;

static uint64_t random_below(uint64_t limit)
{
    return random_next(&state) % limit;
}

static void tell_failure(const struct area *area)
{
    const struct broken_pair *pair = broken_pairs;
    uint64_t message = area->values[SEND_MESSAGE];
    while (pair < broken_pairs + BROKEN_PAIRS - 1 && message >= pair->first + pair->count)
        pair++;
    tap_note("%s, %s: message %lu (of %u), tag %#lx: answer %#lx, first word %#lx",
             broken_operations[pair->operation].name, broken_kinds[pair->kind], message - pair->first, pair->count,
             broken_messages[message].tag, area->values[SEND_TAG], area->values[SEND_WORD]);
}

/* A client in a task of its own that has all targets. */
static void make_hostile(struct worker *hostile, const struct targets *targets, uint64_t first, uint64_t end)
{
    worker_create(hostile, true);
    targets_give(targets, hostile, SEND_TARGETS);
    EXPECT_EQUAL(kernel_thread_set_times(hostile->thread, SLICE, 0, 0), 0);
    hostile->area->values[SEND_FIRST] = first;
    hostile->area->values[SEND_END] = end;
    hostile->area->values[SEND_TIMES] = times;
}

/* Sleeps until the worker has done `count`; false, and a failure, if it does not get there. */
static bool wait_for(const struct worker *worker, uint32_t count)
{
    for (uint64_t i = 0; i < PATIENCE * (1 + times / 100) && worker->area->done < count; i++)
        sleep_for(MILLISECOND);
    return EXPECT_EQUAL(worker->area->done, count);
}

/* ---- All but two kinds ------------------------------------------------------------------------------------------- */

static uint64_t refusals(void)
{
    uint64_t count = 0;
    uint32_t label, parameter, error;
    EXPECT_EQUAL(specimen_refusals((specimen_t){salto_require("specimen")}, &count, &label, &parameter, &error), 0);
    return count;
}

static bool goes_to_specimen(const struct broken_message *broken)
{
    uint32_t target = broken_targets[broken->target];
    return broken->target_what == CELL_HANDLE && (target == SPECIMEN_ID || target == KERNEL_FAULT_HANDLER_ID);
}

/* How many of the messages that send_pairs() sends the dispatchers of the specimen refuse, at least and at most. */
static void count_refusals(uint64_t *least, uint64_t *most)
{
    *least = *most = 0;
    for (const struct broken_pair *pair = broken_pairs; pair < broken_pairs + BROKEN_PAIRS; pair++) {
        for (uint64_t i = 0; i < times && pair->kind != KIND_CHANGED && pair->kind != KIND_KILLED; i++) {
            const struct broken_message *broken = &broken_messages[pair->first + i % pair->count];
            if (!goes_to_specimen(broken))
                continue;
            *least += broken->outcome == OUTCOME_REFUSED || broken->outcome == OUTCOME_SENT;
            *most += broken->outcome == OUTCOME_FAILED;
        }
    }
    *most += *least;
}

static void every_message(void)
{
    uint64_t least, most, before = refusals(), refused;
    struct targets targets;
    struct worker hostile;
    servers_remember();
    targets_create(&targets);
    honest_create(&honest, random_next(&state));
    make_hostile(&hostile, &targets, 0, BROKEN_PAIRS);
    worker_start(&hostile, send_pairs);
    bool all = wait_for(&hostile, BROKEN_PAIRS);
    if (!EXPECT_EQUAL(hostile.area->values[SEND_FAILURES], 0))
        tell_failure(hostile.area);
    for (uint32_t i = 0; i < BROKEN_PAIRS && all; i++)
        exercised[i] += broken_pairs[i].kind == KIND_CHANGED || broken_pairs[i].kind == KIND_KILLED ? 0 : times;
    count_refusals(&least, &most);
    refused = refusals() - before;
    EXPECT(refused >= least && refused <= most);
    tap_note("%u messages; %lu answers to the honest client beside them", hostile.area->begun, honest_destroy(&honest));
    worker_destroy(&hostile);
    targets_destroy(&targets);
    servers_expect_same();
}

/* ---- Changed after sending --------------------------------------------------------------------------------------- */

/* Makes of what lies in memory what `broken` has. */
static void change(struct utcb *utcb, const struct broken_message *broken)
{
    for (uint32_t i = 0; i < broken->cells_count; i++) {
        const struct broken_cell *cell = &broken_cells[broken->first_cell + i];
        const struct broken_text *text = &broken_texts[cell->what == CELL_STRING ? cell->value : 0];
        if (cell->what == CELL_STRING && text->size <= CHANGING_SIZE)
            memcpy(changing[cell->place - CELL_ITEM], text->text, text->size);
        else if (cell->what == CELL_NUMBER && cell->place >= MESSAGE_REGISTER_WORDS && cell->place < CELL_ITEM)
            utcb->words[cell->place] = cell->value;
    }
}

/* Answers how many changes came between the sending and the answer. */
static uint64_t change_one(const struct targets *targets, const struct broken_pair *pair)
{
    struct worker hostile;
    uint64_t within = 0;
    worker_create(&hostile, false);
    targets_give(targets, &hostile, SEND_TARGETS);
    EXPECT_EQUAL(kernel_thread_set_times(hostile.thread, SLICE, 0, 0), 0);
    hostile.area->values[SEND_FIRST] = pair->first;
    hostile.area->values[SEND_TIMES] = times;
    worker_start(&hostile, send_changing);
    for (uint64_t i = 0; i < 100 * PATIENCE && hostile.area->done < times; i++) {
        sleep_for(1 + random_below(LONGEST_CALL));
        if (hostile.area->begun == 0)
            continue;
        within += hostile.area->begun > hostile.area->done;
        change((struct utcb *)hostile.area->values[SEND_UTCB], &broken_messages[pair->first + (i & 1)]);
    }
    EXPECT_EQUAL(hostile.area->done, times);
    if (!EXPECT_EQUAL(hostile.area->values[SEND_FAILURES], 0))
        tell_failure(hostile.area);
    for (unsigned i = 0; i < BROKEN_TARGETS; i++) {
        worker_drop(&hostile, (uint32_t)hostile.area->values[SEND_TARGETS + i]);
        worker_drop(&hostile, (uint32_t)(hostile.area->values[SEND_TARGETS + i] >> 32));
    }
    worker_destroy(&hostile);
    return within;
}

static void changed_messages(void)
{
    struct targets targets;
    uint64_t within = 0;
    targets_create(&targets);
    honest_create(&honest, random_next(&state));
    for (uint32_t i = 0; i < BROKEN_PAIRS; i++) {
        if (broken_pairs[i].kind != KIND_CHANGED)
            continue;
        within += change_one(&targets, &broken_pairs[i]);
        exercised[i] += times;
    }
    tap_note("%lu changes during calls; %lu answers to the honest client beside them", within, honest_destroy(&honest));
    EXPECT(within > 0);
    targets_destroy(&targets);
    servers_expect_same();
}

/* ---- Killed half-way --------------------------------------------------------------------------------------------- */

/* It sends messages `first` to `end` for as long as it lives. */
static void kill_one(const struct targets *targets, uint32_t first, uint32_t end)
{
    struct worker hostile;
    make_hostile(&hostile, targets, first, end);
    hostile.area->values[SEND_TIMES] = random_below(end - first);
    worker_start(&hostile, send_for_ever);
    sleep_for(SHORTEST_LIFE + random_below(LONGEST_LIFE));
    worker_destroy(&hostile);
}

/* By turns all messages of the operation, and where it can be sent whole, that alone. */
static void kill_many(const struct targets *targets, const struct broken_pair *pair)
{
    const struct broken_operation *operation = &broken_operations[pair->operation];
    for (uint64_t i = 0; i < times; i++) {
        if (i % 2 && pair->count)
            kill_one(targets, pair->first, pair->first + pair->count);
        else
            kill_one(targets, operation->first, operation->first + operation->count);
    }
}

static void killed_clients(void)
{
    struct targets targets;
    targets_create(&targets);
    honest_create(&honest, random_next(&state));
    for (uint32_t i = 0; i < BROKEN_PAIRS; i++) {
        if (broken_pairs[i].kind != KIND_KILLED)
            continue;
        kill_many(&targets, &broken_pairs[i]);
        exercised[i] += times;
    }
    tap_note("%lu answers to the honest client beside them", honest_destroy(&honest));
    targets_destroy(&targets);
    servers_expect_same();
}

/* ---- No room ----------------------------------------------------------------------------------------------------- */

/* Uses up what the factory has, so that the task can pay for no more of its table; copies there use that up, but for
 * one handle. Answers how many of `memory` it made. */
static uint32_t fill_table(const struct worker *worker, kernel_factory_t factory, uint32_t copied,
                           kernel_memory_t memory[SMALL_PAGES])
{
    uint32_t count = 0, handle = 0;
    while (count < SMALL_PAGES && kernel_factory_create_memory(factory, 1, &memory[count]) == 0)
        count++;
    EXPECT(count > 0 && count < SMALL_PAGES);
    while (kernel_task_copy(own_task, copied, worker->task, RIGHT_READ, &handle) == 0)
        continue;
    worker_drop(worker, handle);
    return count;
}

/* A worker_function: asks for a capability again and again; SEND_FAILURES counts answers without one. */
static void ask_for_more(struct area *area)
{
    for (; area->done < area->values[SEND_TIMES]; area->done++) {
        struct ipc_message message = {.words = {RIGHT_READ}};
        uint64_t tag = ipc_transfer(MEMORY_OBJECT_SHARE_REQUEST, area->values[SEND_TARGETS], &message);
        area->values[SEND_FAILURES] += tag == MEMORY_OBJECT_SHARE_REPLY && ipc_utcb()->items[0] == 0;
    }
}

/* A server gives out capabilities to who has no room for them: they must not stay with it. */
static void no_room(void)
{
    struct worker worker;
    kernel_factory_t factory = {0};
    kernel_memory_t memory[SMALL_PAGES];
    memory_object_t object = {0};
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, SMALL_PAGES * PAGE_SIZE, &factory), 0);
    EXPECT_EQUAL(memory_space_create(bank, 1, &object), 0);
    worker_create_charged(&worker, factory);
    worker.area->values[SEND_TARGETS] = worker_give(&worker, object.handle, RIGHTS_ALL);
    worker.area->values[SEND_TIMES] = times;
    uint32_t count = fill_table(&worker, factory, object.handle, memory);
    worker_start(&worker, ask_for_more);
    wait_for(&worker, (uint32_t)times);
    EXPECT_EQUAL(worker.area->values[SEND_FAILURES], times - 1);
    for (uint32_t i = 0; i < count; i++)
        guest_delete(memory[i].handle);
    worker_destroy(&worker);
    EXPECT_EQUAL(memory_object_destroy(object), 0);
    guest_delete(object.handle);
    guest_delete(factory.handle);
}

/* ---- What was done ----------------------------------------------------------------------------------------------- */

/* An operation's kinds, and how often each; those that it cannot have are left out. */
static void tell_operation(uint32_t operation)
{
    char line[600] = "";
    size_t used = 0;
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < BROKEN_PAIRS; i++) {
        if (broken_pairs[i].operation != operation)
            continue;
        used += (size_t)snprintf(line + used, sizeof(line) - used, " %s %u", broken_kinds[broken_pairs[i].kind],
                                 exercised[i]);
        kinds += exercised[i] > 0;
        EXPECT(exercised[i] >= RUNS * times);
    }
    EXPECT(kinds > 0);
    tap_note("pairs %s:%s", broken_operations[operation].name, line);
}

static void everything_was_sent(void)
{
    static bool told;
    uint32_t kinds[BROKEN_KINDS] = {0};
    uint64_t sum = 0;
    if (!told) /* the first of two times */
        for (uint32_t i = 0; i < BROKEN_OPERATIONS; i++)
            tell_operation(i);
    for (uint32_t i = 0; i < BROKEN_PAIRS; i++) {
        kinds[broken_pairs[i].kind] += exercised[i] > 0;
        sum += exercised[i];
    }
    for (uint32_t i = 0; i < BROKEN_KINDS; i++) {
        EXPECT(kinds[i] > 0);
        if (!told)
            tap_note("kind %s: %u operations", broken_kinds[i], kinds[i]);
    }
    if (!told)
        tap_note("broken messages %lu", sum);
    told = true;
}

static const struct guest_test tests[] = {
    {"broken messages of all kinds get the errors that they must", every_message},
    {"what is changed after it was sent is what was sent, or what it became", changed_messages},
    {"clients die in the middle of their calls", killed_clients},
    {"clients without room for what they are answered fill no server's table", no_room},
    {"every operation had every kind that it can have", everything_was_sent},
};

int main(int argc, char **argv)
{
    state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) << 1 | 1;
    times = ((argc > 2 ? strtoull(argv[2], NULL, 0) : 100) + RUNS - 1) / RUNS;
    bank = (memory_space_t){salto_require("memory")};
    starter = (process_starter_t){salto_require("process")};
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
