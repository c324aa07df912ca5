/* SPDX-License-Identifier: BSD-2-Clause */
/* See sender.h. */
#include "sender.h"

#include <salto/string_item.h>
#include <string.h>

#define NOWHERE 0x500000000000UL

char changing[MESSAGE_MAX_ITEMS][CHANGING_SIZE];

static uint32_t handle_of(const struct area *area, uint64_t target, bool powerless)
{
    return (uint32_t)(area->values[SEND_TARGETS + target] >> (powerless ? 32 : 0));
}

static void set_item(const struct area *area, uint32_t item, const struct broken_cell *cell)
{
    struct utcb *utcb = ipc_utcb();
    const struct broken_text *text = &broken_texts[cell->what == CELL_STRING ? cell->value : 0];
    utcb->item_addresses[item] = NOWHERE;
    if (cell->what == CELL_STRING) {
        utcb->items[item] = idl_string_item(text->size);
        utcb->item_addresses[item] = (uint64_t)text->text;
    } else if (cell->what == CELL_NOWHERE) {
        utcb->items[item] = idl_string_item(cell->value);
    } else if (cell->what == CELL_PAGE) {
        utcb->items[item] = idl_pages_item((struct idl_pages){NULL, PAGE_SIZE}, cell->value, ITEM_MAP);
        utcb->item_addresses[item] = (uint64_t)area;
    } else if (cell->what == CELL_NUMBER) {
        utcb->items[item] = cell->value;
    } else {
        utcb->items[item] =
            item_of(handle_of(area, cell->value, cell->what == CELL_POWERLESS_ITEM), RIGHTS_ALL, ITEM_COPY);
    }
}

static void set_cell(const struct area *area, struct ipc_message *message, const struct broken_cell *cell)
{
    uint64_t value = cell->value;
    if (cell->what == CELL_HANDLE || cell->what == CELL_POWERLESS)
        value = handle_of(area, cell->value, cell->what == CELL_POWERLESS);
    if (cell->place >= CELL_ITEM)
        set_item(area, cell->place - CELL_ITEM, cell);
    else if (cell->place < MESSAGE_REGISTER_WORDS)
        message->words[cell->place] = value;
    else
        ipc_utcb()->words[cell->place] = value;
}

static void prepare(const struct area *area, struct ipc_message *message, const struct broken_message *broken)
{
    struct utcb *utcb = ipc_utcb();
    *message = (struct ipc_message){0};
    memset(utcb->words, 0, sizeof(utcb->words));
    memset(utcb->items, 0, sizeof(utcb->items));
    for (uint32_t i = 0; i < broken->cells_count; i++)
        set_cell(area, message, &broken_cells[broken->first_cell + i]);
}

static uint64_t target_of(const struct area *area, const struct broken_message *broken)
{
    if (broken->target_what == CELL_NUMBER)
        return broken->target ? UINT64_MAX : 0;
    return handle_of(area, broken->target, broken->target_what == CELL_POWERLESS);
}

static bool is_error(uint64_t tag)
{
    return message_is_tag(tag) ? message_label(tag) != 0 : tag != 0 && tag < ERROR_LAST;
}

static bool is_expected(const struct broken_message *broken, uint64_t tag, uint64_t word)
{
    uint32_t named = broken->parameter != 0;
    switch (broken->outcome) {
    case OUTCOME_KERNEL:
        return tag == broken->error;
    case OUTCOME_REFUSED:
        return tag == message_labelled_tag((uint32_t) - (int)broken->error, TAG_PLAIN_REPLY + named) &&
               word == broken->parameter;
    case OUTCOME_SENT:
        return tag == TAG_DONE;
    case OUTCOME_DONE:
        return message_is_tag(tag) && message_label(tag) == 0;
    default:
        return is_error(tag);
    }
}

static void note(struct area *area, uint64_t number, uint64_t tag, uint64_t word)
{
    if (area->values[SEND_FAILURES]++ > 0)
        return;
    area->values[SEND_MESSAGE] = number;
    area->values[SEND_TAG] = tag;
    area->values[SEND_WORD] = word;
}

static uint64_t send(const struct area *area, const struct broken_message *broken, uint64_t *word)
{
    struct ipc_message message;
    prepare(area, &message, broken);
    uint64_t tag = ipc_transfer(broken->tag, target_of(area, broken), &message);
    *word = message.words[0];
    return tag;
}

static void send_pair(struct area *area, const struct broken_pair *pair)
{
    uint64_t word = 0;
    for (uint64_t i = 0; i < area->values[SEND_TIMES]; i++) {
        uint32_t number = pair->first + (uint32_t)(i % pair->count);
        uint64_t tag = send(area, &broken_messages[number], &word);
        area->begun++;
        if (!is_expected(&broken_messages[number], tag, word))
            note(area, number, tag, word);
    }
}

void send_pairs(struct area *area)
{
    for (uint64_t i = area->values[SEND_FIRST]; i < area->values[SEND_END]; i++) {
        if (broken_pairs[i].kind != KIND_CHANGED && broken_pairs[i].kind != KIND_KILLED)
            send_pair(area, &broken_pairs[i]);
        area->done++;
    }
}

void send_for_ever(struct area *area)
{
    uint64_t first = area->values[SEND_FIRST], count = area->values[SEND_END] - first, word;
    for (uint64_t i = area->values[SEND_TIMES];; i++) {
        send(area, &broken_messages[first + i % count], &word);
        area->done++;
    }
}

/* ---- Changed after sending --------------------------------------------------------------------------------------- */

/* The string items lie where they can be written to. */
static void make_changeable(const struct broken_message *broken)
{
    struct utcb *utcb = ipc_utcb();
    for (uint32_t i = 0; i < broken->cells_count; i++) {
        const struct broken_cell *cell = &broken_cells[broken->first_cell + i];
        const struct broken_text *text = &broken_texts[cell->what == CELL_STRING ? cell->value : 0];
        if (cell->what != CELL_STRING || text->size > CHANGING_SIZE)
            continue;
        memcpy(changing[cell->place - CELL_ITEM], text->text, text->size);
        utcb->item_addresses[cell->place - CELL_ITEM] = (uint64_t)changing[cell->place - CELL_ITEM];
    }
}

/* What the dispatcher or the kernel said; 0 for all that a handler answered. */
static uint64_t verdict(uint64_t tag)
{
    if (!message_is_tag(tag))
        return tag;
    return (int32_t)message_label(tag) < 0 ? message_label(tag) : 0;
}

void send_changing(struct area *area)
{
    const struct broken_message *broken = &broken_messages[area->values[SEND_FIRST]];
    uint64_t good[2] = {0, 0}, word, times = area->values[SEND_TIMES];
    struct ipc_message message;
    area->values[SEND_UTCB] = (uint64_t)ipc_utcb();
    for (int i = 0; i < 2; i++)
        good[i] = verdict(send(area, &broken[i], &word));
    for (uint64_t i = 0; i < times; i++) {
        prepare(area, &message, broken);
        make_changeable(broken);
        area->begun++;
        uint64_t tag = ipc_transfer(broken->tag, target_of(area, broken), &message);
        area->done++;
        if (verdict(tag) != 0 && verdict(tag) != good[0] && verdict(tag) != good[1])
            note(area, area->values[SEND_FIRST], tag, message.words[0]);
    }
}
