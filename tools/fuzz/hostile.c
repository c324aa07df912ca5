/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile client: sends every broken message that tools/idl_fuzz.py made of an interface, `argv[1]` times each kind
 * (100 unless it says), and prints TAP: what the kernel and the dispatcher must refuse is refused with the right error,
 * and the server answers all along. What comes of messages that handlers may judge is theirs to decide.
 *
 * The capabilities are those that the manifest grants by the names in hostile_grants; messages that need one that is
 * not there are left out, and told. docs/broken-messages.md has the kinds.
 */
#include <salto/ipc.h>
#include <salto/page_item.h>
#include <salto/startup.h>
#include <salto/string_item.h>
#include <salto/tap.h>
#include <salto/wait.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "idl/factory.h"
#include "idl/task.h"
#include "idl/thread.h"

#include "broken_messages.h"

#define TAG_DONE message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0)
#define NOWHERE 0x500000000000UL /* where no memory is */
#define CHANGING_SIZE 1024
#define STACK_SIZE 16384
#define SLICE 10000        /* nanoseconds: this thread comes to its turn soon */
#define LONGEST_LIFE 60000 /* nanoseconds of a thread that is to die */
#define LONGEST_CALL 4000  /* nanoseconds between two changes */
#define PATIENCE 60000000  /* changes until a call counts as stuck */

/* What a thread works on. */
struct attack {
    uint32_t first, count; /* messages */
    uint64_t times;        /* 0: for ever */
    volatile uint64_t begun, done;
    uint64_t failures, tag, word; /* of answers, and the first that was wrong */
    uint32_t message;
    struct utcb *volatile utcb;
};

static uint32_t handles[BROKEN_TARGETS], powerless[BROKEN_TARGETS];
static char page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static char changing[MESSAGE_MAX_ITEMS][CHANGING_SIZE];
static uint64_t state = 1;

static uint64_t random_below(uint64_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % limit;
}

/* ---- A message --------------------------------------------------------------------------------------------------- */

/* Is that there which a cell, or the target, asks for? */
static bool is_there(uint8_t what, uint64_t value)
{
    if (what == CELL_POWERLESS || what == CELL_POWERLESS_ITEM)
        return powerless[value] != 0;
    return (what != CELL_HANDLE && what != CELL_CAPABILITY) || handles[value] != 0;
}

static bool can_be_sent(const struct broken_message *broken)
{
    if (!is_there(broken->target_what, broken->target))
        return false;
    for (uint32_t i = 0; i < broken->cells_count; i++)
        if (!is_there(broken_cells[broken->first_cell + i].what, broken_cells[broken->first_cell + i].value))
            return false;
    return true;
}

static uint32_t handle_of(uint64_t target, bool without_rights)
{
    return without_rights ? powerless[target] : handles[target];
}

static void set_item(struct utcb *utcb, uint32_t item, const struct broken_cell *cell)
{
    const struct broken_text *text = &broken_texts[cell->what == CELL_STRING ? cell->value : 0];
    utcb->item_addresses[item] = NOWHERE;
    if (cell->what == CELL_STRING) {
        utcb->items[item] = idl_string_item(text->size);
        utcb->item_addresses[item] = (uint64_t)text->text;
    } else if (cell->what == CELL_NOWHERE) {
        utcb->items[item] = idl_string_item(cell->value);
    } else if (cell->what == CELL_PAGE) {
        utcb->items[item] = idl_pages_item((struct idl_pages){NULL, PAGE_SIZE}, cell->value, ITEM_MAP);
        utcb->item_addresses[item] = (uint64_t)page;
    } else if (cell->what == CELL_NUMBER) {
        utcb->items[item] = cell->value;
    } else {
        utcb->items[item] = handle_of(cell->value, cell->what == CELL_POWERLESS_ITEM) |
                            (uint64_t)RIGHTS_ALL << ITEM_RIGHTS_SHIFT | (uint64_t)ITEM_COPY << ITEM_KIND_SHIFT;
    }
}

static void set_cell(struct ipc_message *message, const struct broken_cell *cell)
{
    uint64_t value = cell->value;
    if (cell->what == CELL_HANDLE || cell->what == CELL_POWERLESS)
        value = handle_of(cell->value, cell->what == CELL_POWERLESS);
    if (cell->place >= CELL_ITEM)
        set_item(ipc_utcb(), cell->place - CELL_ITEM, cell);
    else if (cell->place < MESSAGE_REGISTER_WORDS)
        message->words[cell->place] = value;
    else
        ipc_utcb()->words[cell->place] = value;
}

static void prepare(struct ipc_message *message, const struct broken_message *broken)
{
    memset(message, 0, sizeof(*message));
    memset(ipc_utcb()->words, 0, sizeof(ipc_utcb()->words));
    memset(ipc_utcb()->items, 0, sizeof(ipc_utcb()->items));
    for (uint32_t i = 0; i < broken->cells_count; i++)
        set_cell(message, &broken_cells[broken->first_cell + i]);
}

static uint64_t target_of(const struct broken_message *broken)
{
    if (broken->target_what == CELL_NUMBER)
        return broken->target ? UINT64_MAX : 0;
    return handle_of(broken->target, broken->target_what == CELL_POWERLESS);
}

/* What handlers may judge can be answered in any way. */
static bool is_expected(const struct broken_message *broken, uint64_t tag, uint64_t word)
{
    uint32_t named = broken->parameter != 0;
    if (broken->outcome == OUTCOME_KERNEL)
        return tag == broken->error;
    if (broken->outcome == OUTCOME_SENT)
        return tag == TAG_DONE;
    if (broken->outcome != OUTCOME_REFUSED)
        return tag != ERROR_DEAD;
    return tag == message_labelled_tag((uint32_t) - (int)broken->error, TAG_PLAIN_REPLY + named) &&
           word == broken->parameter;
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

static void send(struct attack *attack, uint32_t number)
{
    const struct broken_message *broken = &broken_messages[number];
    struct ipc_message message;
    prepare(&message, broken);
    uint64_t tag = ipc_transfer(broken->tag, target_of(broken), &message);
    attack->done++;
    if (is_expected(broken, tag, message.words[0]) || attack->failures++ > 0)
        return;
    attack->message = number;
    attack->tag = tag;
    attack->word = message.words[0];
}

/* Its messages in turn. */
static void send_all(struct attack *attack)
{
    for (uint64_t i = 0; attack->times == 0 || i < attack->times; i++)
        if (can_be_sent(&broken_messages[attack->first + i % attack->count]))
            send(attack, attack->first + (uint32_t)(i % attack->count));
}

/* Its first message, whose strings lie where others can write to them. */
static void send_changing(struct attack *attack)
{
    const struct broken_message *broken = &broken_messages[attack->first];
    struct ipc_message message;
    attack->utcb = ipc_utcb();
    for (uint64_t i = 0; i < attack->times; i++) {
        prepare(&message, broken);
        for (uint32_t k = 0; k < broken->cells_count; k++) {
            const struct broken_cell *cell = &broken_cells[broken->first_cell + k];
            if (cell->what == CELL_STRING && broken_texts[cell->value].size <= CHANGING_SIZE) {
                memcpy(changing[cell->place - CELL_ITEM], broken_texts[cell->value].text,
                       broken_texts[cell->value].size);
                attack->utcb->item_addresses[cell->place - CELL_ITEM] = (uint64_t)changing[cell->place - CELL_ITEM];
            }
        }
        attack->begun++;
        attack->failures += ipc_transfer(broken->tag, target_of(broken), &message) == ERROR_DEAD;
        attack->done++;
    }
}

/* A thread's first function: it has no thread-local storage, and ends by being deleted. */
static void thread_main(struct attack *attack, void (*function)(struct attack *))
{
    function(attack);
    for (;;)
        if (ipc_sleep_until(DEADLINE_NEVER) != 0)
            continue;
}

static kernel_thread_t start_thread(struct attack *attack, void (*function)(struct attack *))
{
    static char stack[STACK_SIZE] __attribute__((aligned(16)));
    kernel_thread_t thread = {0};
    uint32_t number;
    if (kernel_factory_create_thread((kernel_factory_t){salto_require("factory")},
                                     (kernel_task_t){salto_require("task")}, &thread, &number) != 0 ||
        kernel_thread_set_times(thread, SLICE, 0, 0) != 0 ||
        kernel_thread_start(thread, (uint64_t)thread_main, (uint64_t)stack + STACK_SIZE - 8, (uint64_t)attack,
                            (uint64_t)function) != 0) {
        tap_note("no thread can be made");
        exit(1);
    }
    return thread;
}

static void end_thread(kernel_thread_t thread)
{
    if (kernel_task_delete((kernel_task_t){salto_require("task")}, thread.handle) != 0)
        exit(1);
}

static void sleep_for(uint64_t nanoseconds)
{
    if (ipc_sleep_until(salto_now() + nanoseconds) != 0)
        exit(1);
}

/* ---- Kinds ------------------------------------------------------------------------------------------------------- */

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

static void send_changed(struct attack *attack)
{
    kernel_thread_t thread = start_thread(attack, send_changing);
    for (uint64_t i = 0; i < PATIENCE && attack->done < attack->times; i++) {
        sleep_for(1 + random_below(LONGEST_CALL));
        if (attack->begun)
            change(attack->utcb, &broken_messages[attack->first + (i & 1)]);
    }
    attack->failures += attack->done < attack->times;
    end_thread(thread);
}

static void send_and_die(struct attack *attack)
{
    uint64_t times = attack->times;
    attack->times = 0;
    for (uint64_t i = 0; i < times; i++) {
        kernel_thread_t thread = start_thread(attack, send_all);
        sleep_for(random_below(LONGEST_LIFE));
        end_thread(thread);
    }
    attack->done = times;
    attack->failures = 0; /* what an answer meets that comes when its thread is gone is not its own */
}

/* Sends those of an operation and a kind; false if none could be. */
static bool attack_with(const struct broken_pair *pair, struct attack *attack)
{
    const struct broken_operation *operation = &broken_operations[pair->operation];
    if (pair->kind == KIND_KILLED) {
        attack->first = operation->first;
        attack->count = operation->count;
        send_and_die(attack);
    } else if (pair->kind == KIND_CHANGED) {
        if (can_be_sent(&broken_messages[attack->first]))
            send_changed(attack);
    } else {
        send_all(attack);
    }
    return attack->done > 0;
}

static void report(const struct broken_pair *pair, uint64_t times)
{
    struct attack attack = {.first = pair->first, .count = pair->count, .times = times};
    const char *operation = broken_operations[pair->operation].name, *kind = broken_kinds[pair->kind];
    if (!attack_with(pair, &attack)) {
        tap_ok(true, "%s, %s # SKIP needs a capability that is not granted", operation, kind);
        return;
    }
    if (!tap_ok(attack.failures == 0, "%s, %s: %lu messages", operation, kind, attack.done))
        tap_note("%lu wrong answers, first to message %u with tag %#lx: tag %#lx, first word %#lx", attack.failures,
                 attack.message, broken_messages[attack.message].tag, attack.tag, attack.word);
}

/* ---- Capabilities ------------------------------------------------------------------------------------------------ */

/* An object of a kind that every program can make; 0 if it is of none. */
static uint32_t made(uint32_t interface)
{
    kernel_factory_t factory = {salto_require("factory")};
    kernel_task_t task = {0};
    kernel_memory_t memory = {0};
    kernel_endpoint_t endpoint = {0};
    if (interface == KERNEL_TASK_ID)
        return kernel_factory_create_task(factory, &task) == 0 ? task.handle : 0;
    if (interface == KERNEL_MEMORY_ID)
        return kernel_factory_create_memory(factory, 1, &memory) == 0 ? memory.handle : 0;
    if (interface == KERNEL_ENDPOINT_ID)
        return kernel_factory_create_endpoint(factory, &endpoint) == 0 ? endpoint.handle : 0;
    return 0;
}

/* Each capability that is granted or can be made, and a copy without any right. */
static void take_capabilities(void)
{
    kernel_task_t task = {salto_require("task")};
    for (uint32_t i = 0; i < BROKEN_TARGETS; i++) {
        handles[i] = made(broken_targets[i]);
        if (handles[i] == 0)
            handles[i] = salto_grant(hostile_grants[i]);
        if (handles[i] == 0)
            tap_note("not granted: '%s', of interface %#x", hostile_grants[i], broken_targets[i]);
        else if (kernel_task_copy(task, handles[i], task, 0, &powerless[i]) != 0)
            tap_note("'%s' may not be copied: what is sent without rights is left out", hostile_grants[i]);
    }
}

int main(int argc, char **argv)
{
    uint64_t times = argc > 1 ? strtoull(argv[1], NULL, 0) : 100;
    take_capabilities();
    tap_plan(BROKEN_PAIRS);
    for (const struct broken_pair *pair = broken_pairs; pair < broken_pairs + BROKEN_PAIRS; pair++)
        report(pair, times);
    return tap_status();
}
