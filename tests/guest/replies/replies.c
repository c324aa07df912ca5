/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply objects: a caller is kept and answered later, once, by whoever holds the object; never is a later call of the
 * same client answered by it; and what becomes of the caller when the object goes.
 */
#include <salto/wait.h>

#include "../common/waiting.h"

#define LABEL 9
#define MANY 12

/* Receives the waiter's call, and keeps it; the waiter is a WAIT_CALL. */
static kernel_reply_t keep_call(const struct waiter *waiter)
{
    struct ipc_message message = {0};
    kernel_reply_t reply = guest_reply();
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter->endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    return reply;
}

static uint64_t answer_by(kernel_reply_t reply, uint32_t label)
{
    struct ipc_message message = {.words = {label, 2, 3, 4, 5, 6}};
    return ipc_transfer(tag_of(label, MESSAGE_SEND, 6, 0), reply.handle, &message);
}

static void expect_answer(const struct worker *worker, uint32_t step, uint32_t label)
{
    if (!worker_wait(worker, step + 1))
        return;
    EXPECT_EQUAL(worker->area->steps[step].result, tag_of(label, MESSAGE_REPLY_AND_WAIT, 6, 0));
    EXPECT_EQUAL(worker->area->steps[step].message.badge, 0);
    EXPECT_EQUAL(worker->area->steps[step].words[0], label);
    EXPECT_EQUAL(worker->area->steps[step].words[5], 6);
}

/* ---- Kept and answered ------------------------------------------------------------------------------------------- */

static void answered_later(bool separate)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, separate, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER); /* the thread has no caller any more */
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, waiter.endpoint, &message), ERROR_WOULD_BLOCK);
    guest_yield();
    waiter_expect_waiting(&waiter); /* nor did the receive abandon it */
    EXPECT_EQUAL(answer_by(reply, LABEL), TAG_DONE);
    expect_answer(&waiter.worker, 0, LABEL);
    EXPECT_EQUAL(answer_by(reply, LABEL), ERROR_NO_CALLER);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

static void kept_and_answered(void)
{
    answered_later(false);
    answered_later(true);
}

/* Many are kept, and answered in another order; the objects are used again. */
static void many_kept(void)
{
    struct waiter waiters[MANY];
    kernel_reply_t replies[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        waiter_create(&waiters[i], WAIT_CALL, i % 2, NO_DEADLINE);
        replies[i] = keep_call(&waiters[i]);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t which = i * 5 % MANY;
        EXPECT_EQUAL(answer_by(replies[which], which), TAG_DONE);
        expect_answer(&waiters[which].worker, 0, which);
        EXPECT_EQUAL(answer_by(replies[which], which), ERROR_NO_CALLER);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        guest_delete(replies[i].handle);
        waiter_destroy(&waiters[i]);
    }
}

/* An object that answered keeps the next caller; the later call of one client is not answered by what kept the
 * first. */
static void later_call(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, true, time_now() + HOUR);
    struct worker *client = &waiter.worker;
    client->area->count = 2;
    client->area->steps[1] = client->area->steps[0];
    kernel_reply_t first = keep_call(&waiter);
    EXPECT_EQUAL(answer_by(first, 1), TAG_DONE);
    worker_settle(client, 2);
    EXPECT_EQUAL(answer_by(first, 2), ERROR_NO_CALLER); /* the second call is queued */
    kernel_reply_t second = keep_call(&waiter);
    EXPECT_EQUAL(answer_by(first, 3), ERROR_NO_CALLER); /* it is kept elsewhere */
    EXPECT_EQUAL(client->area->done, 1);
    EXPECT_EQUAL(answer_by(second, 4), TAG_DONE);
    expect_answer(client, 0, 1);
    expect_answer(client, 1, 4);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, waiter.endpoint, &message), ERROR_WOULD_BLOCK);
    guest_delete(first.handle);
    guest_delete(second.handle);
    waiter_destroy(&waiter);
}

/* The same where the first call ended otherwise: by deadline, break-off. */
static void call_after_failure(bool broken_off)
{
    struct waiter waiter;
    uint64_t old = 0;
    waiter_create(&waiter, WAIT_CALL, true, time_now() + HOUR);
    struct worker *client = &waiter.worker;
    client->area->count = 2;
    client->area->steps[1] = client->area->steps[0];
    client->area->steps[1].receive_deadline = DEADLINE_NEVER;
    kernel_reply_t reply = keep_call(&waiter);
    if (broken_off)
        EXPECT_EQUAL(kernel_thread_break_off(client->thread, 0, &old), 0);
    else
        EXPECT_EQUAL(answer_by(reply, 1), TAG_DONE);
    worker_settle(client, 2);
    EXPECT_EQUAL(answer_by(reply, 2), ERROR_NO_CALLER);
    kernel_reply_t second = keep_call(&waiter);
    EXPECT_EQUAL(answer_by(reply, 2), ERROR_NO_CALLER);
    EXPECT_EQUAL(answer_by(second, 3), TAG_DONE);
    expect_answer(client, 1, 3);
    EXPECT_EQUAL(client->area->steps[0].result,
                 broken_off ? ERROR_INTERRUPTED : tag_of(1, MESSAGE_REPLY_AND_WAIT, 6, 0));
    guest_delete(second.handle);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

static void call_after_break_off(void)
{
    call_after_failure(true);
    call_after_failure(false);
}

/* By send-and-wait: the answer, and the wait for the next call, at once. */
static void answer_and_wait(void)
{
    struct waiter first, second;
    struct ipc_message message = {.words = {LABEL, 0, 0, 0, 0, 6}};
    waiter_create(&first, WAIT_CALL, true, NO_DEADLINE);
    waiter_create(&second, WAIT_SEND, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&first);
    uint64_t handles = reply.handle | (uint64_t)second.endpoint << WAIT_HANDLE_SHIFT;
    EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_SEND_AND_WAIT, 6, 0), handles, &message),
                 tag_of(3, MESSAGE_SEND, 0, 0));
    expect_answer(&first.worker, 0, LABEL);
    EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_SEND_AND_WAIT, 6, 0), handles, &message), ERROR_NO_CALLER);
    EXPECT_EQUAL(message.badge, PHASE_SEND);
    guest_delete(reply.handle);
    waiter_destroy(&first);
    waiter_destroy(&second);
}

/* The same by one who waits for the client's next call where the last one came from: from the second time on that is a
 * path of its own (kernel/ipc/short.c). The object answers each call once. */
static void answer_and_wait_again(void)
{
    struct waiter waiter;
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    struct worker *client = &waiter.worker;
    client->area->count = MANY;
    for (uint32_t i = 1; i < MANY; i++)
        client->area->steps[i] = client->area->steps[0];
    kernel_reply_t reply = keep_call(&waiter);
    uint64_t handles = reply.handle | (uint64_t)waiter.endpoint << WAIT_HANDLE_SHIFT;
    for (uint32_t i = 0; i < MANY - 1; i++) {
        struct ipc_message message = {.words = {i, 0, 0, 0, 0, 6}};
        EXPECT_EQUAL(ipc_transfer(tag_of(i, MESSAGE_SEND_AND_WAIT, 6, 0), handles, &message),
                     tag_of(3, MESSAGE_CALL, 0, 0));
        expect_answer(client, i, i);
        EXPECT_EQUAL(answer_by(reply, LABEL), ERROR_NO_CALLER);
        EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    }
    EXPECT_EQUAL(answer_by(reply, LABEL), TAG_DONE);
    expect_answer(client, MANY - 1, LABEL);
    EXPECT_EQUAL(answer_by(reply, LABEL), ERROR_NO_CALLER);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

/* Answers of every length, and with items. */
static void long_answers(void)
{
    const uint32_t lengths[] = {0, 1, 6, 7, 62, 63};
    for (unsigned i = 0; i < COUNT(lengths); i++) {
        struct waiter waiter;
        struct ipc_message message = {.words = {100, 101, 102, 103, 104, 105}};
        waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
        kernel_reply_t reply = keep_call(&waiter);
        for (uint32_t word = MESSAGE_REGISTER_WORDS; word < MESSAGE_MAX_WORDS; word++)
            ipc_utcb()->words[word] = 100 + word;
        EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_SEND, lengths[i], 0), reply.handle, &message), TAG_DONE);
        worker_wait(&waiter.worker, 1);
        EXPECT_EQUAL(waiter.step->result, tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, lengths[i], 0));
        for (uint32_t word = 0; word < MESSAGE_MAX_WORDS; word++)
            EXPECT_EQUAL(waiter.step->words[word], word < lengths[i] || word < MESSAGE_REGISTER_WORDS ? 100 + word : 0);
        guest_delete(reply.handle);
        waiter_destroy(&waiter);
    }
}

static void answers_with_items(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    uint32_t endpoint = guest_endpoint();
    uint64_t type = 0;
    kernel_rights_t rights = 0;
    ipc_utcb()->items[0] = item_of(endpoint, RIGHT_WRITE, ITEM_COPY);
    ipc_utcb()->items[1] = item_of(endpoint, RIGHTS_ALL, ITEM_MOVE);
    EXPECT_EQUAL(ipc_transfer(tag_of(LABEL, MESSAGE_SEND, 0, 2), reply.handle, &message), TAG_DONE);
    worker_wait(&waiter.worker, 1);
    EXPECT_EQUAL(waiter.step->result, tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 2));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQUAL(
            kernel_task_inspect(waiter.worker.task, (uint32_t)waiter.step->items[i], (uint32_t *)&type, &rights), 0);
        EXPECT_EQUAL(type, KERNEL_ENDPOINT_ID);
        EXPECT_EQUAL(rights, i ? RIGHTS_ALL : RIGHT_WRITE);
    }
    EXPECT_EQUAL(guest_type(endpoint), 0);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

/* ---- Moved ------------------------------------------------------------------------------------------------------- */

/* A reply object goes to another task as an item, while it keeps a caller; who has it answers. */
static void moved_to_another_task(uint32_t kind)
{
    struct waiter waiter;
    struct worker helper;
    struct ipc_message message = {0};
    uint32_t desk = guest_endpoint();
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    worker_create(&helper, true);
    worker_add(&helper, TAG_RECEIVE, worker_give(&helper, desk, RIGHT_READ));
    worker_go(&helper);
    ipc_utcb()->items[0] = item_of(reply.handle, RIGHT_WRITE, kind);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 1), desk, &message), TAG_DONE);
    worker_wait(&helper, 1);
    guest_yield();
    waiter_expect_waiting(&waiter);
    if (kind == ITEM_MOVE)
        EXPECT_EQUAL(answer_by(reply, 1), ERROR_BAD_HANDLE);
    struct worker answerer; /* another thread of the task that has it */
    worker_create_in(&answerer, &helper);
    worker_add(&answerer, tag_of(LABEL, MESSAGE_SEND, 6, 0), helper.area->steps[0].items[0])->words[0] = LABEL;
    answerer.area->steps[0].words[5] = 6;
    worker_go(&answerer);
    expect_answer(&waiter.worker, 0, LABEL);
    EXPECT_EQUAL(answerer.area->steps[0].result, TAG_DONE);
    if (kind == ITEM_COPY) {
        EXPECT_EQUAL(answer_by(reply, 1), ERROR_NO_CALLER);
        guest_delete(reply.handle);
    }
    worker_destroy(&answerer);
    worker_destroy(&helper);
    guest_delete(desk);
    waiter_destroy(&waiter);
}

static void moved(void)
{
    moved_to_another_task(ITEM_MOVE);
}

static void copied(void)
{
    moved_to_another_task(ITEM_COPY);
}

/* ---- The object goes, or the caller ------------------------------------------------------------------------------ */

static void dropped(void)
{
    struct waiter waiter;
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    uint32_t copy = guest_copy(reply.handle, RIGHT_WRITE);
    guest_delete(reply.handle);
    guest_yield();
    waiter_expect_waiting(&waiter); /* it can still be answered */
    guest_delete(copy);
    waiter_expect(&waiter, WAIT_ANSWER, ERROR_ABANDONED);
    waiter_destroy(&waiter);
}

/* Revoked: the one who derived it takes it back, and the caller is still kept. */
static void revoked(void)
{
    struct waiter waiter;
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    uint32_t copy = guest_copy(reply.handle, RIGHT_WRITE);
    EXPECT_EQUAL(kernel_task_revoke(own_task, reply.handle), 0);
    EXPECT_EQUAL(answer_by((kernel_reply_t){copy}, 1), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(answer_by(reply, LABEL), TAG_DONE);
    expect_answer(&waiter.worker, 0, LABEL);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

/* The caller goes while it is kept: the object is empty, and keeps the next one. */
static void caller_goes(enum death death)
{
    struct waiter waiter, next;
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    waiter_create(&next, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    struct ipc_message message = {0};
    worker_die(&waiter.worker, death);
    EXPECT_EQUAL(answer_by(reply, 1), ERROR_NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, next.endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    EXPECT_EQUAL(answer_by(reply, LABEL), TAG_DONE);
    expect_answer(&next.worker, 0, LABEL);
    guest_delete(reply.handle);
    waiter_destroy(&next);
    waiter_destroy(&waiter);
}

static void callers_go(void)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        caller_goes(death);
}

static void caller_times_out(void)
{
    struct waiter waiter;
    waiter_create(&waiter, WAIT_KEPT, true, time_now() + MILLISECOND);
    sleep_until_done(&waiter.worker, 1);
    waiter_expect(&waiter, WAIT_KEPT, ERROR_TIMEOUT);
    EXPECT_EQUAL(answer_by(waiter.reply, 1), ERROR_NO_CALLER);
    waiter_destroy(&waiter);
}

/* The server that kept it dies: whoever else holds the object answers. */
static void keeper_dies(void)
{
    struct waiter waiter;
    waiter_create(&waiter, WAIT_KEPT, true, NO_DEADLINE);
    worker_die(&waiter.partner, TASK_DELETED);
    guest_yield();
    waiter_expect_waiting(&waiter);
    EXPECT_EQUAL(answer_by(waiter.reply, LABEL), TAG_DONE);
    expect_answer(&waiter.worker, 0, LABEL);
    waiter_destroy(&waiter);
}

/* A client that answers itself: it has the object in which it is kept, and another thread to use it. */
static void held_by_its_caller(void)
{
    struct waiter waiter;
    struct worker sibling;
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    worker_create_in(&sibling, &waiter.worker);
    worker_add(&sibling, tag_of(LABEL, MESSAGE_SEND, 0, 0), worker_give(&waiter.worker, reply.handle, RIGHT_WRITE));
    guest_delete(reply.handle);
    worker_go(&sibling);
    worker_wait(&waiter.worker, 1);
    EXPECT_EQUAL(waiter.step->result, tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_destroy(&sibling);
    waiter_destroy(&waiter);
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE); /* and its task dies with the last capability */
    reply = keep_call(&waiter);
    worker_give(&waiter.worker, reply.handle, RIGHT_WRITE);
    guest_delete(reply.handle);
    worker_die(&waiter.worker, TASK_DELETED);
    waiter_destroy(&waiter);
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void keep_refused(void)
{
    struct waiter first, second;
    struct ipc_message message = {0};
    kernel_reply_t empty = guest_reply();
    EXPECT_ERROR(kernel_reply_keep(empty), NO_CALLER);
    EXPECT_EQUAL(answer_by(empty, 1), ERROR_NO_CALLER);
    waiter_create(&first, WAIT_CALL, true, NO_DEADLINE);
    waiter_create(&second, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&first);
    EXPECT_ERROR(kernel_reply_keep(reply), NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, second.endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    EXPECT_ERROR(kernel_reply_keep(reply), BUSY);
    EXPECT_EQUAL(kernel_reply_keep(empty), 0); /* the refusal took nothing away */
    EXPECT_EQUAL(answer_by(reply, 1), TAG_DONE);
    EXPECT_EQUAL(answer_by(empty, 2), TAG_DONE);
    expect_answer(&first.worker, 0, 1);
    expect_answer(&second.worker, 0, 2);
    guest_delete(reply.handle);
    guest_delete(empty.handle);
    waiter_destroy(&first);
    waiter_destroy(&second);
}

static void rights(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    kernel_reply_t reply = guest_reply();
    kernel_reply_t reader = {guest_copy(reply.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, waiter.endpoint, &message), tag_of(3, MESSAGE_CALL, 0, 0));
    EXPECT_ERROR(kernel_reply_keep(reader), NO_RIGHT);
    EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    EXPECT_EQUAL(answer_by(reader, 1), ERROR_NO_RIGHT);
    EXPECT_EQUAL(answer_by(reply, LABEL), TAG_DONE);
    expect_answer(&waiter.worker, 0, LABEL);
    guest_delete(reader.handle);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

/* Forged handles, and reply objects where none is meant. */
static void forged(void)
{
    struct waiter waiter;
    struct ipc_message message = {0};
    waiter_create(&waiter, WAIT_CALL, true, NO_DEADLINE);
    kernel_reply_t reply = keep_call(&waiter);
    expect_bad_handles(tag_of(1, MESSAGE_SEND, 0, 0), reply.handle);
    expect_bad_handles(KERNEL_REPLY_KEEP_REQUEST, reply.handle);
    EXPECT_EQUAL(ipc_transfer(tag_of(1, MESSAGE_CALL, 0, 0), reply.handle, &message), ERROR_BAD_OPERATION);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, reply.handle, &message), ERROR_WRONG_TYPE);
    EXPECT_EQUAL(ipc_transfer(tag_of(1, MESSAGE_SEND, 0, 0), own_thread.handle, &message), ERROR_BAD_TAG);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND_AND_WAIT, 0, 0),
                              waiter.endpoint | (uint64_t)reply.handle << WAIT_HANDLE_SHIFT, &message),
                 ERROR_WRONG_TYPE);
    waiter_expect_waiting(&waiter);
    EXPECT_EQUAL(answer_by(reply, LABEL), TAG_DONE);
    expect_answer(&waiter.worker, 0, LABEL);
    guest_delete(reply.handle);
    waiter_destroy(&waiter);
}

static const struct guest_test tests[] = {
    {"a caller is kept, and answered later", kept_and_answered},
    {"many are kept, and answered in another order", many_kept},
    {"a later call of the same client is not answered", later_call},
    {"nor after the first one failed", call_after_break_off},
    {"answer and wait in one call", answer_and_wait},
    {"answer and wait, call after call", answer_and_wait_again},
    {"answers of every length", long_answers},
    {"answers with items", answers_with_items},
    {"moved to another task", moved},
    {"copied to another task", copied},
    {"with the last capability the caller is abandoned", dropped},
    {"what was derived is revoked", revoked},
    {"the caller dies while it is kept", callers_go},
    {"the caller's deadline strikes while it is kept", caller_times_out},
    {"the keeper dies", keeper_dies},
    {"held by the caller's own task", held_by_its_caller},
    {"keeping is refused", keep_refused},
    {"rights", rights},
    {"forged handles", forged},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
