/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between two tasks, each with its registers marked: this program receives from a client and answers it. At
 * each stop everything that others map is searched, and all registers of whoever came back are compared.
 */
#include "markers.h"

#include "abi/addresses.h"

/* A message and its answer. */
struct form {
    const char *name;
    uint32_t operation, words, items;
    uint32_t poll;   /* TAG_POLL or 0 */
    bool queued;     /* the receiver comes later than the sender */
    uint32_t answer; /* operation; 0: none, the message is one-way */
    uint32_t answer_words, answer_items;
};

/* Bases of marks: registers and words of the client, and of the server when it receives and when it answers. */
struct exchange {
    struct worker client;
    uint32_t endpoint, item, client_item;
    uint64_t client_marks, server_marks; /* the bases; below, families of them */
    uint64_t kept, words, receiving, answering;
    uint64_t answer; /* words that the client receives */
    struct call *call;
    struct registers before, after; /* the server's */
};

#define LABEL 0x1abe1

/* The form as it is sent: a plain form, where there is one, unless it polls. */
static uint64_t tag_of_form(uint32_t operation, uint32_t words, uint32_t items, uint32_t poll)
{
    uint32_t low = message_tag(operation, words, items);
    if (poll)
        low = TAG_NATIVE | operation << TAG_OPERATION_SHIFT | items << TAG_ITEMS_SHIFT | words | poll;
    return message_labelled_tag(LABEL, low);
}

static void expect_words(const char *what, const struct registers *registers, uint32_t words, uint64_t base)
{
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL_IN(what, marks_word(registers, i), base | (MARK_WORD + i));
    for (uint64_t i = MESSAGE_REGISTER_WORDS; i < words; i++)
        EXPECT_EQUAL_IN(what, ipc_utcb()->words[i], base | i);
}

/* Marks of all bases are where they belong. */
static void expect_nothing_left(const char *what, const struct exchange *x)
{
    marks_expect_nowhere(what, x->client_marks, x->client.task);
    marks_expect_nowhere(what, x->server_marks, own_task);
    EXPECT_EQUAL_IN(what, marks_count(ipc_utcb(), PAGE_SIZE, x->kept), 0);
}

static void expect_answer_unseen(const char *what, const struct exchange *x)
{
    struct marks_found found = marks_search(x->answer, own_task); /* the client has the words, in its UTCB too */
    EXPECT_EQUAL_IN(what, found.in_shared, 0);
    EXPECT_EQUAL_IN(what, found.in_private, 0);
}

/* The server's system call, all registers marked but for words, which are `words`. */
static void serve(struct exchange *x, uint64_t tag, uint64_t base, uint64_t words)
{
    marks_fill(&x->before, base);
    marks_fill_words(&x->before, words);
    x->before.rax = tag;
    x->before.rdi = x->endpoint;
    registers_system_call(&x->before, &x->after);
}

static void expect_received(const struct form *form, const struct exchange *x)
{
    const struct registers *got = &x->after;
    uint32_t seen = message_tag(form->operation, form->words, form->items);
    EXPECT_EQUAL_IN(form->name, got->rax, message_labelled_tag(LABEL, seen));
    EXPECT_EQUAL_IN(form->name, got->rdi, BADGE);
    EXPECT_EQUAL_IN(form->name, got->rbp | got->r12 | got->r13 | got->r14 | got->r15, 0);
    expect_words(form->name, got, form->words, x->words);
    EXPECT_EQUAL_IN(form->name, marks_count(got, sizeof(*got), x->kept), 0);
    EXPECT_EQUAL_IN(form->name, marks_count(got, sizeof(*got), x->receiving), 0);
    expect_returned(form->name, &x->before, got);
}

/* The item that came in is a capability of this program's now. */
static void drop_items(const struct form *form)
{
    for (uint32_t i = 0; i < form->items; i++) {
        EXPECT_IN(form->name, ipc_utcb()->items[i] != 0);
        guest_delete((uint32_t)ipc_utcb()->items[i]);
    }
}

static void prepare(struct exchange *x, const struct form *form)
{
    *x = (struct exchange){.endpoint = guest_endpoint(), .item = guest_memory(1)};
    worker_create(&x->client, true);
    uint32_t handle = give_badged(&x->client, x->endpoint);
    x->client_item = worker_give(&x->client, x->item, RIGHT_READ | RIGHT_COPY);
    x->client_marks = x->kept = marks_fresh();
    x->words = x->client_marks | MARK_FAMILY(1);
    x->server_marks = x->receiving = marks_fresh();
    x->answering = x->server_marks | MARK_FAMILY(1);
    x->answer = marks_fresh();
    x->call = add_call(&x->client, tag_of_form(form->operation, form->words, form->items, form->poll), handle, x->kept,
                       x->words);
    x->call->utcb_marks = form->words > MESSAGE_REGISTER_WORDS ? x->words : 0;
    x->call->retry = form->poll != 0;
    x->call->item = item_of(x->client_item, RIGHT_READ, ITEM_COPY);
    /* Says that the client is through, and ends a reply-and-wait of the server. */
    add_call(&x->client, tag_of_form(MESSAGE_SEND, 0, 0, 0), handle, x->kept, x->words);
}

static void receive_message(struct exchange *x, const struct form *form)
{
    worker_start(&x->client, make_calls);
    if (form->queued) {
        wait_in_call(x->kept);
        expect_nothing_left(form->name, x);
    }
    serve(x, TAG_RECEIVE, x->receiving, x->receiving);
    expect_received(form, x);
    drop_items(form);
    expect_nothing_left(form->name, x);
}

static void send_answer(struct exchange *x, const struct form *form)
{
    for (uint64_t i = MESSAGE_REGISTER_WORDS; i < form->answer_words; i++)
        ipc_utcb()->words[i] = x->answer | i;
    ipc_utcb()->items[0] = item_of(x->item, RIGHT_READ, ITEM_COPY);
    serve(x, tag_of_form(form->answer, form->answer_words, form->answer_items, 0), x->answering, x->answer);
    if (form->answer != MESSAGE_REPLY)
        return;
    /* An answer by itself comes back, with nothing in the words. */
    const struct call call = {.before = x->before, .after = x->after};
    EXPECT_EQUAL_IN(form->name, x->after.rax, message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0));
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL_IN(form->name, marks_word(&x->after, i), 0);
    expect_caller_kept(form->name, &call, x->answering, 0);
    serve(x, TAG_RECEIVE, x->receiving, x->receiving);
}

/* What the client got, and what the server received last: the client's second message. */
static void expect_answered(struct exchange *x, const struct form *form)
{
    const struct form through = {form->name, MESSAGE_SEND, 0, 0, 0, false, 0, 0, 0};
    uint32_t low = message_tag(MESSAGE_REPLY_AND_WAIT, form->answer_words, form->answer_items);
    const struct registers *got = &x->call->after;
    expect_received(&through, x);
    EXPECT_EQUAL_IN(form->name, marks_count(&x->after, sizeof(x->after), x->answering), 0);
    EXPECT_EQUAL_IN(form->name, got->rax, message_labelled_tag(LABEL, low));
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL_IN(form->name, marks_word(got, i), x->answer | (MARK_WORD + i));
    expect_caller_kept(form->name, x->call, x->kept, 0);
    EXPECT_EQUAL_IN(form->name, marks_count(got, sizeof(*got), x->answering), 0);
    expect_nothing_left(form->name, x);
    expect_answer_unseen(form->name, x);
}

/* A one-way message comes back with nothing in the words. */
static void expect_sent(struct exchange *x, const struct form *form)
{
    serve(x, TAG_RECEIVE, x->receiving, x->receiving);
    EXPECT_EQUAL_IN(form->name, x->call->after.rax, message_tag(MESSAGE_REPLY_AND_WAIT, 0, 0));
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL_IN(form->name, marks_word(&x->call->after, i), 0);
    expect_caller_kept(form->name, x->call, x->kept, 0);
    expect_nothing_left(form->name, x);
}

static void exchange(const struct form *form)
{
    struct exchange x;
    prepare(&x, form);
    receive_message(&x, form);
    if (form->answer) {
        send_answer(&x, form);
        expect_answered(&x, form);
    } else {
        expect_sent(&x, form);
    }
    worker_destroy(&x.client);
    guest_delete(x.endpoint);
    guest_delete(x.item);
}

static void exchange_all(const struct form *forms, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        exchange(&forms[i]);
}

#define RUN_ALL(forms) exchange_all(forms, sizeof(forms) / sizeof(forms[0]))
#define ANSWER MESSAGE_REPLY_AND_WAIT

void exchanges_fast(void)
{
    static const struct form forms[] = {
        {"no words", MESSAGE_CALL, 0, 0, 0, false, ANSWER, 0, 0},
        {"3 words", MESSAGE_CALL, 3, 0, 0, false, ANSWER, 2, 0},
        {"6 words", MESSAGE_CALL, 6, 0, 0, false, ANSWER, 6, 0},
    };
    RUN_ALL(forms);
}

void exchanges_long(void)
{
    static const struct form forms[] = {
        {"7 words", MESSAGE_CALL, 7, 0, 0, false, ANSWER, 7, 0},
        {"63 words", MESSAGE_CALL, 63, 0, 0, false, ANSWER, 63, 0},
        {"63 words, a short answer", MESSAGE_CALL, 63, 0, 0, false, ANSWER, 1, 0},
        {"a short call, 63 words back", MESSAGE_CALL, 1, 0, 0, false, ANSWER, 63, 0},
    };
    RUN_ALL(forms);
}

void exchanges_queued(void)
{
    static const struct form forms[] = {
        {"queued, no words", MESSAGE_CALL, 0, 0, 0, true, ANSWER, 0, 0},
        {"queued, 6 words", MESSAGE_CALL, 6, 0, 0, true, ANSWER, 6, 0},
        {"queued, 63 words", MESSAGE_CALL, 63, 0, 0, true, ANSWER, 63, 0},
    };
    RUN_ALL(forms);
}

void exchanges_with_items(void)
{
    static const struct form forms[] = {
        {"an item", MESSAGE_CALL, 6, 1, 0, false, ANSWER, 6, 0},
        {"an item, queued", MESSAGE_CALL, 63, 1, 0, true, ANSWER, 0, 0},
        {"an item back", MESSAGE_CALL, 6, 0, 0, false, ANSWER, 63, 1},
        {"items both ways", MESSAGE_CALL, 0, 1, 0, false, ANSWER, 0, 1},
    };
    RUN_ALL(forms);
}

void exchanges_one_way(void)
{
    static const struct form forms[] = {
        {"send", MESSAGE_SEND, 6, 0, 0, false, 0, 0, 0},
        {"send of 63 words", MESSAGE_SEND, 63, 0, 0, false, 0, 0, 0},
        {"send, queued", MESSAGE_SEND, 63, 0, 0, true, 0, 0, 0},
        {"send of an item", MESSAGE_SEND, 2, 1, 0, false, 0, 0, 0},
    };
    RUN_ALL(forms);
}

void exchanges_poll(void)
{
    static const struct form forms[] = {
        {"call that polls", MESSAGE_CALL, 6, 0, TAG_POLL, false, ANSWER, 6, 0},
        {"long call that polls", MESSAGE_CALL, 63, 0, TAG_POLL, false, ANSWER, 63, 0},
        {"send that polls", MESSAGE_SEND, 6, 0, TAG_POLL, false, 0, 0, 0},
    };
    RUN_ALL(forms);
}

void answers_of_all_kinds(void)
{
    static const struct form forms[] = {
        {"reply", MESSAGE_CALL, 6, 0, 0, false, MESSAGE_REPLY, 6, 0},
        {"long reply", MESSAGE_CALL, 63, 0, 0, false, MESSAGE_REPLY, 63, 0},
        {"reply with an item", MESSAGE_CALL, 0, 0, 0, false, MESSAGE_REPLY, 3, 1},
        {"reply to a queued call", MESSAGE_CALL, 6, 0, 0, true, MESSAGE_REPLY, 6, 0},
    };
    RUN_ALL(forms);
}
