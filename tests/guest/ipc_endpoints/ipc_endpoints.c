/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints with several senders or receivers, endpoints that lose their receivers or are deleted, and partners that
 * die in each phase: who waits is told, who is ready goes on, and nobody is left waiting for what cannot come.
 */
#include "../common/worker.h"

#define MANY 8

/* How a partner goes. */
enum death { TASK_ENDS, THREAD_ENDS, THREAD_DELETED, TASK_DELETED, DEATHS };

static void die(struct worker *worker, enum death death)
{
    switch (death) {
    case TASK_ENDS:
        EXPECT_EQUAL(kernel_task_exit(worker->task, 0), 0);
        break;
    case THREAD_ENDS:
        EXPECT_EQUAL(kernel_thread_end(worker->thread), 0);
        break;
    case THREAD_DELETED:
        guest_delete(worker->thread.handle);
        worker->thread.handle = guest_copy(worker->park, RIGHTS_ALL); /* for worker_destroy() to delete */
        break;
    default:
        guest_delete(worker->task.handle);
        worker->task.handle = guest_copy(worker->park, RIGHTS_ALL);
        break;
    }
}

static void on_all_deaths(void (*test)(enum death death))
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        test(death);
}

/* ---- Several partners -------------------------------------------------------------------------------------------- */

static uint32_t operation_of(uint32_t number)
{
    return number % 3 == 1 ? MESSAGE_SEND : MESSAGE_CALL;
}

/* Queues a worker for each number: callers and senders, of this task and of others. */
static void queue_many(struct worker *clients, uint32_t endpoint)
{
    for (uint32_t i = 0; i < MANY; i++) {
        worker_create(&clients[i], i % 2);
        uint32_t handle = worker_mint(&clients[i], endpoint, RIGHT_WRITE, 1000 + i);
        worker_add(&clients[i], tag_of(i, operation_of(i), 1, 0), handle)->words[0] = i * i;
        worker_go(&clients[i]);
    }
}

static void destroy_many(struct worker *clients, uint64_t expected)
{
    for (uint32_t i = 0; i < MANY; i++) {
        const struct step *step = &clients[i].area->steps[0];
        if (worker_wait(&clients[i], 1))
            EXPECT_EQUAL(step->result, expected);
        worker_drop(&clients[i], (uint32_t)step->handle);
        worker_destroy(&clients[i]);
    }
}

static void expect_number(uint64_t tag, const struct ipc_message *message, uint32_t number)
{
    EXPECT_EQUAL(tag, tag_of(number, operation_of(number), 1, 0));
    EXPECT_EQUAL(message->badge, 1000 + number);
    EXPECT_EQUAL(message->words[0], number * number);
}

/* Senders are received in the order in which they came, whatever they do and wherever they are. */
static void senders_in_order(void)
{
    struct worker clients[MANY];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    queue_many(clients, endpoint);
    for (uint32_t i = 0; i < MANY; i++) {
        expect_number(ipc_transfer(TAG_RECEIVE, endpoint, &message), &message, i);
        if (operation_of(i) == MESSAGE_CALL)
            EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    }
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), ERROR_WOULD_BLOCK);
    destroy_many(clients, TAG_DONE);
    guest_delete(endpoint);
}

/* The same where the server answers and takes the next at once. */
static void served_in_order(void)
{
    struct worker clients[MANY];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    queue_many(clients, endpoint);
    bool owes = false;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t tag = owes ? tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0) : TAG_RECEIVE;
        expect_number(ipc_transfer(tag, endpoint, &message), &message, i);
        owes = operation_of(i) == MESSAGE_CALL;
    }
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), owes ? TAG_DONE : ERROR_NO_CALLER);
    destroy_many(clients, TAG_DONE);
    guest_delete(endpoint);
}

/* A server that was waiting when its call came finds, with its answer, those that came while it worked. */
static void queued_while_serving(void)
{
    struct worker first, clients[MANY];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&first, true);
    worker_add(&first, tag_of(77, MESSAGE_CALL, 0, 0), worker_give(&first, endpoint, RIGHT_WRITE));
    worker_start(&first, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(77, MESSAGE_CALL, 0, 0));
    queue_many(clients, endpoint);
    bool owes = true;
    for (uint32_t i = 0; i < MANY; i++) {
        uint64_t tag = owes ? tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0) : TAG_RECEIVE;
        expect_number(ipc_transfer(tag, endpoint, &message), &message, i);
        owes = operation_of(i) == MESSAGE_CALL;
    }
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), owes ? TAG_DONE : ERROR_NO_CALLER);
    worker_wait(&first, 1);
    worker_destroy(&first);
    destroy_many(clients, TAG_DONE);
    guest_delete(endpoint);
}

/* A sender that dies leaves the queue, and the others keep their order. */
static void sender_leaves_queue(enum death death)
{
    struct worker clients[3];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    for (uint32_t gone = 0; gone < 3; gone++) {
        for (uint32_t i = 0; i < 3; i++) {
            worker_create(&clients[i], true);
            worker_add(&clients[i], tag_of(i, i == 1 ? MESSAGE_SEND : MESSAGE_CALL, 0, 0),
                       worker_give(&clients[i], endpoint, RIGHT_WRITE));
            worker_go(&clients[i]);
        }
        die(&clients[gone], death);
        for (uint32_t i = 0; i < 3; i++)
            if (i != gone)
                EXPECT_EQUAL(message_label(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message)), i);
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), ERROR_WOULD_BLOCK);
        for (uint32_t i = 0; i < 3; i++)
            worker_destroy(&clients[i]);
    }
    guest_delete(endpoint);
}

static void queued_sender_dies(void)
{
    on_all_deaths(sender_leaves_queue);
}

static void start_receivers(struct worker *servers, uint32_t endpoint, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        worker_create(&servers[i], i % 2);
        worker_add(&servers[i], TAG_RECEIVE, worker_give(&servers[i], endpoint, RIGHT_READ));
        worker_go(&servers[i]);
    }
}

static void destroy_receivers(struct worker *servers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        worker_drop(&servers[i], (uint32_t)servers[i].area->steps[0].handle);
        worker_destroy(&servers[i]);
    }
}

/* Of several receivers each gets one message, and then there is none. */
static void several_receivers(void)
{
    struct worker servers[MANY];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), seen = 0;
    start_receivers(servers, endpoint, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(i, MESSAGE_SEND, 0, 0), endpoint, &message), TAG_DONE);
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), endpoint, &message), ERROR_WOULD_BLOCK);
    for (uint32_t i = 0; i < MANY; i++) {
        worker_wait(&servers[i], 1);
        EXPECT(message_is_tag(servers[i].area->steps[0].result));
        seen |= 1U << message_label(servers[i].area->steps[0].result);
    }
    EXPECT_EQUAL(seen, (1U << MANY) - 1);
    destroy_receivers(servers, MANY);
    guest_delete(endpoint);
}

/* A receiver that dies is passed over: the first, one between, the last. */
static void receiver_leaves(enum death death)
{
    struct worker servers[3];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    for (uint32_t gone = 0; gone < 3; gone++) {
        for (uint32_t i = 0; i < 3; i++) {
            worker_create(&servers[i], true);
            worker_add(&servers[i], TAG_RECEIVE, worker_give(&servers[i], endpoint, RIGHT_READ));
            worker_go(&servers[i]);
        }
        die(&servers[gone], death);
        for (uint32_t i = 0; i < 2; i++)
            EXPECT_EQUAL(ipc_transfer(polled_tag_of(1, MESSAGE_SEND, 0, 0), endpoint, &message), TAG_DONE);
        EXPECT_EQUAL(ipc_transfer(polled_tag_of(1, MESSAGE_SEND, 0, 0), endpoint, &message), ERROR_WOULD_BLOCK);
        for (uint32_t i = 0; i < 3; i++)
            if (i != gone)
                worker_wait(&servers[i], 1);
        EXPECT_EQUAL(servers[gone].area->done, 0);
        for (uint32_t i = 0; i < 3; i++)
            worker_destroy(&servers[i]);
    }
    guest_delete(endpoint);
}

static void waiting_receiver_dies(void)
{
    on_all_deaths(receiver_leaves);
}

/* ---- Rights and endpoints that go -------------------------------------------------------------------------------- */

/* With the last right to receive, whoever is queued fails, and so does whoever comes later. */
static void last_receive_right(void)
{
    struct worker clients[MANY];
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHT_WRITE | RIGHT_COPY);
    uint32_t other = guest_copy(endpoint, RIGHT_READ);
    queue_many(clients, writer);
    guest_delete(endpoint);
    guest_yield();
    for (uint32_t i = 0; i < MANY; i++)
        EXPECT_EQUAL(clients[i].area->done, 0); /* one right to receive is left */
    guest_delete(other);
    destroy_many(clients, ERROR_DEAD);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), writer, &message), ERROR_DEAD);
    guest_delete(writer);
}

/* The right to receive may live in another task: it counts there, and when it comes back the queue is as it was. */
static void receive_right_moves(void)
{
    struct worker clients[MANY];
    struct ipc_message message = {0};
    kernel_task_t task = guest_new_task();
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHT_WRITE), moved = 0;
    queue_many(clients, endpoint);
    EXPECT_EQUAL(kernel_task_move(own_task, endpoint, task, &moved), 0);
    guest_yield();
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_SEND, 0, 0), writer, &message), ERROR_WOULD_BLOCK);
    EXPECT_EQUAL(kernel_task_move(task, moved, own_task, &endpoint), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        expect_number(ipc_transfer(TAG_RECEIVE_NOW, endpoint, &message), &message, i);
        if (operation_of(i) == MESSAGE_CALL)
            EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    }
    destroy_many(clients, TAG_DONE);
    guest_delete(task.handle);
    guest_delete(writer);
    guest_delete(endpoint);
}

/* With its last capability the endpoint goes, and whoever waits on it is told. */
static void endpoint_deleted_under_receivers(void)
{
    struct worker servers[MANY];
    uint32_t endpoint = guest_endpoint();
    start_receivers(servers, endpoint, MANY);
    guest_delete(endpoint);
    for (uint32_t i = 0; i < MANY; i++) {
        EXPECT_EQUAL(servers[i].area->done, 0);
        worker_drop(&servers[i], (uint32_t)servers[i].area->steps[0].handle);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        worker_wait(&servers[i], 1);
        EXPECT_EQUAL(servers[i].area->steps[0].result, ERROR_DEAD);
        worker_destroy(&servers[i]);
    }
}

/* The line of a deleted endpoint is used again: whoever waited on the old one has nothing to do with the new one. */
static void endpoint_made_again(void)
{
    struct worker server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&server, true);
    uint32_t handle = worker_give(&server, endpoint, RIGHT_READ);
    worker_add(&server, TAG_RECEIVE, handle);
    worker_add(&server, tag_of(9, MESSAGE_REPLY_AND_WAIT, 0, 0), handle);
    worker_start(&server, worker_steps);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), endpoint, &message),
                 tag_of(9, MESSAGE_REPLY_AND_WAIT, 0, 0));
    guest_delete(endpoint);
    worker_drop(&server, handle);
    uint32_t fresh = guest_endpoint();
    EXPECT_EQUAL(ipc_transfer(polled_tag_of(0, MESSAGE_CALL, 0, 0), fresh, &message), ERROR_WOULD_BLOCK);
    worker_wait(&server, 2);
    EXPECT_EQUAL(server.area->steps[1].result, ERROR_DEAD);
    worker_destroy(&server);
    guest_delete(fresh);
}

/* A server that has lost its endpoint still owes an answer, and can give it; it cannot wait there again. */
static void endpoint_deleted_under_call(void)
{
    struct worker client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, true);
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), handle);
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    worker_drop(&client, handle);
    guest_delete(endpoint);
    EXPECT_EQUAL(ipc_transfer(tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message), ERROR_BAD_HANDLE);
    EXPECT_EQUAL(ipc_transfer(tag_of(3, MESSAGE_REPLY, 0, 0), endpoint, &message), TAG_DONE);
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->steps[0].result, tag_of(3, MESSAGE_REPLY_AND_WAIT, 0, 0));
    worker_destroy(&client);
}

/* ---- Partners that die ------------------------------------------------------------------------------------------- */

/* A server that dies with an unanswered caller: the caller is told; the endpoint lives on in other hands. */
static void server_dies(enum death death)
{
    struct worker server, client;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&server, true);
    worker_create(&client, true);
    worker_add(&server, TAG_RECEIVE, worker_give(&server, endpoint, RIGHT_READ));
    worker_add(&server, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&server, server.park, RIGHT_WRITE)); /* thinks */
    uint32_t handle = worker_give(&client, endpoint, RIGHT_WRITE);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), handle);
    worker_add(&client, tag_of(2, MESSAGE_SEND, 0, 0), handle);
    worker_go(&server);
    worker_go(&client);
    worker_settle(&server, 2);
    EXPECT_EQUAL(client.area->done, 0);
    die(&server, death);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(2, MESSAGE_SEND, 0, 0));
    worker_wait(&client, 2);
    EXPECT_EQUAL(client.area->steps[0].result, ERROR_DEAD);
    worker_destroy(&server);
    worker_destroy(&client);
    guest_delete(endpoint);
}

static void server_with_caller_dies(void)
{
    on_all_deaths(server_dies);
}

/* A caller that dies unanswered: the server learns it by having nobody to answer, and serves on. */
static void caller_dies(enum death death)
{
    struct worker client, next;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    worker_create(&client, true);
    worker_create(&next, true);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_add(&next, tag_of(2, MESSAGE_CALL, 0, 0), worker_give(&next, endpoint, RIGHT_WRITE));
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    die(&client, death);
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message), ERROR_NO_CALLER);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 63, 0), endpoint, &message), ERROR_NO_CALLER);
    worker_start(&next, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(2, MESSAGE_CALL, 0, 0));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    worker_wait(&next, 1);
    worker_destroy(&client);
    worker_destroy(&next);
    guest_delete(endpoint);
}

static void received_caller_dies(void)
{
    on_all_deaths(caller_dies);
}

/* The line of a caller that died is used again at once: the newcomer is not answered in its place. */
static void caller_replaced(void)
{
    struct worker client, other;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), second = guest_endpoint();
    worker_create(&client, true);
    worker_add(&client, tag_of(1, MESSAGE_CALL, 0, 0), worker_give(&client, endpoint, RIGHT_WRITE));
    worker_start(&client, worker_steps);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, endpoint, &message), tag_of(1, MESSAGE_CALL, 0, 0));
    worker_destroy(&client);
    worker_create(&other, true);
    worker_add(&other, tag_of(2, MESSAGE_CALL, 0, 0), worker_give(&other, second, RIGHT_WRITE));
    worker_go(&other);
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
    worker_settle(&other, 1);
    EXPECT_EQUAL(other.area->done, 0);
    worker_destroy(&other);
    guest_delete(endpoint);
    guest_delete(second);
}

/* client calls middle calls last. Whoever dies, its caller is told, and who is left in the chain goes on. */
static void chain_breaks(uint32_t gone, enum death death)
{
    struct worker chain[3]; /* last, middle, client */
    uint32_t endpoints[2] = {guest_endpoint(), guest_endpoint()};
    for (int i = 0; i < 3; i++)
        worker_create(&chain[i], true);
    worker_add(&chain[0], TAG_RECEIVE, worker_give(&chain[0], endpoints[0], RIGHT_READ));
    worker_add(&chain[0], tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&chain[0], chain[0].park, RIGHT_WRITE));
    worker_add(&chain[1], TAG_RECEIVE, worker_give(&chain[1], endpoints[1], RIGHT_READ));
    worker_add(&chain[1], tag_of(1, MESSAGE_CALL, 0, 0), worker_give(&chain[1], endpoints[0], RIGHT_WRITE));
    worker_add(&chain[1], tag_of(2, MESSAGE_REPLY, 0, 0), 0);
    worker_add(&chain[2], tag_of(3, MESSAGE_CALL, 0, 0), worker_give(&chain[2], endpoints[1], RIGHT_WRITE));
    for (int i = 0; i < 3; i++)
        worker_go(&chain[i]);
    worker_settle(&chain[0], 2);
    EXPECT(chain[1].area->done == 1 && chain[2].area->done == 0);
    die(&chain[gone], death);
    worker_wait(&chain[2], 1);
    EXPECT_EQUAL(chain[2].area->steps[0].result, gone == 0 ? tag_of(2, MESSAGE_REPLY_AND_WAIT, 0, 0) : ERROR_DEAD);
    EXPECT_EQUAL(chain[1].area->steps[1].result, gone == 0 ? ERROR_DEAD : 0);
    for (int i = 0; i < 3; i++)
        worker_destroy(&chain[i]);
    guest_delete(endpoints[0]);
    guest_delete(endpoints[1]);
}

static void last_of_chain_dies(void)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        chain_breaks(0, death);
}

static void middle_of_chain_dies(void)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        chain_breaks(1, death);
}

/* The only task that could receive dies: senders that are queued are told, and later ones too. */
static void only_receiver_dies(enum death death)
{
    struct worker clients[MANY], server;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), writer = guest_copy(endpoint, RIGHT_WRITE | RIGHT_COPY);
    worker_create(&server, true);
    worker_give(&server, endpoint, RIGHT_READ);
    guest_delete(endpoint);
    queue_many(clients, writer);
    die(&server, death);
    if (death == TASK_ENDS) /* its table lives until its last capability goes */
        die(&server, TASK_DELETED);
    destroy_many(clients, ERROR_DEAD);
    EXPECT_EQUAL(ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0), writer, &message), ERROR_DEAD);
    worker_destroy(&server);
    guest_delete(writer);
}

static void receiving_task_ends(void)
{
    only_receiver_dies(TASK_ENDS);
}

static void receiving_task_deleted(void)
{
    only_receiver_dies(TASK_DELETED);
}

static const struct guest_test tests[] = {
    {"senders are received in order", senders_in_order},
    {"senders are served in order", served_in_order},
    {"senders that come while the server works are served next", queued_while_serving},
    {"a queued sender dies", queued_sender_dies},
    {"each of several receivers gets one message", several_receivers},
    {"a waiting receiver dies", waiting_receiver_dies},
    {"the last right to receive goes", last_receive_right},
    {"the right to receive moves to another task and back", receive_right_moves},
    {"an endpoint is deleted while threads wait on it", endpoint_deleted_under_receivers},
    {"an endpoint takes the place of a deleted one", endpoint_made_again},
    {"an endpoint is deleted while its server works", endpoint_deleted_under_call},
    {"a server dies that has a caller", server_with_caller_dies},
    {"a caller dies that was received", received_caller_dies},
    {"a thread takes the place of a caller that died", caller_replaced},
    {"the last server of a chain dies", last_of_chain_dies},
    {"the middle one of a chain dies", middle_of_chain_dies},
    {"the only task that may receive ends", receiving_task_ends},
    {"the only task that may receive is deleted", receiving_task_deleted},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
