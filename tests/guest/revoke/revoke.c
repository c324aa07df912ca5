/* SPDX-License-Identifier: BSD-2-Clause */
/* Task.revoke takes back all that was derived from a capability, in whatever task it is and however it got there, and
 * nothing else. */
#include "../common/worker.h"

#define BADGE 0xbad6eUL
#define MANY 3000
#define PLACE 0x300000000000UL

static uint32_t copy_to(kernel_task_t from, uint32_t source, kernel_task_t to, uint32_t rights)
{
    uint32_t copy = 0;
    EXPECT_EQUAL(kernel_task_copy(from, source, to, rights, &copy), 0);
    return copy;
}

static uint32_t type_in(kernel_task_t task, uint32_t handle)
{
    uint32_t type = 0;
    kernel_rights_t rights;
    EXPECT_EQUAL(kernel_task_inspect(task, handle, &type, &rights), 0);
    return type;
}

static void revoke(uint32_t handle)
{
    EXPECT_EQUAL(kernel_task_revoke(own_task, handle), 0);
}

/* A copy of a copy of a copy goes; the capability itself stays, and so does what it was derived from. */
static void copies_go(void)
{
    uint32_t root = guest_endpoint(), first = guest_copy(root, RIGHTS_ALL), second = guest_copy(first, RIGHTS_ALL);
    uint32_t third = guest_copy(second, RIGHT_WRITE), beside = guest_copy(root, RIGHTS_ALL);
    revoke(first);
    EXPECT_EQUAL(guest_type(second), 0);
    EXPECT_EQUAL(guest_type(third), 0);
    EXPECT_EQUAL(guest_rights(first), RIGHTS_ALL);
    EXPECT_EQUAL(guest_rights(root), RIGHTS_ALL);
    EXPECT_EQUAL(guest_rights(beside), RIGHTS_ALL);
    revoke(root);
    EXPECT_EQUAL(guest_type(first), 0);
    EXPECT_EQUAL(guest_type(beside), 0);
    revoke(root);
    EXPECT_EQUAL(guest_rights(root), RIGHTS_ALL);
    guest_delete(root);
}

static void in_all_tasks(void)
{
    kernel_task_t one = guest_new_task(), other = guest_new_task();
    uint32_t root = guest_memory(1), own = guest_memory(1);
    uint32_t in_one = copy_to(own_task, root, one, RIGHTS_ALL), in_other = copy_to(one, in_one, other, RIGHTS_ALL);
    uint32_t back = copy_to(other, in_other, own_task, RIGHT_READ), kept = copy_to(own_task, own, other, RIGHT_READ);
    revoke(root);
    EXPECT_EQUAL(type_in(one, in_one), 0);
    EXPECT_EQUAL(type_in(other, in_other), 0);
    EXPECT_EQUAL(guest_type(back), 0);
    EXPECT_EQUAL(type_in(other, kept), KERNEL_MEMORY_ID);
    guest_delete(own);
    guest_delete(root);
    guest_delete(one.handle);
    guest_delete(other.handle);
}

/* What a task has that was given a copy can be taken back in the middle: those before it keep theirs. */
static void from_the_middle(void)
{
    kernel_task_t one = guest_new_task(), other = guest_new_task();
    uint32_t root = guest_memory(1);
    uint32_t in_one = copy_to(own_task, root, one, RIGHTS_ALL), in_other = copy_to(one, in_one, other, RIGHTS_ALL);
    EXPECT_EQUAL(kernel_task_revoke(one, in_one), 0);
    EXPECT_EQUAL(type_in(one, in_one), KERNEL_MEMORY_ID);
    EXPECT_EQUAL(type_in(other, in_other), 0);
    guest_delete(root);
    guest_delete(one.handle);
    guest_delete(other.handle);
}

static void receive_one(uint32_t endpoint, struct ipc_message *message)
{
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, endpoint, message)));
}

/* A client whose capability was revoked cannot call any more; another one's still works, with its badge. */
static void minted_go(void)
{
    struct worker worker;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint(), minted = 0, other = guest_copy(endpoint, RIGHTS_ALL), in_worker, kept = 0;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHT_WRITE | RIGHT_COPY, BADGE, &minted), 0);
    in_worker = worker_give(&worker, minted, RIGHT_WRITE);
    EXPECT_EQUAL(kernel_task_mint(own_task, other, worker.task, RIGHT_WRITE, BADGE + 1, &kept), 0);
    worker_add(&worker, tag_of(1, MESSAGE_SEND, 0, 0), in_worker);
    worker_add(&worker, tag_of(2, MESSAGE_SEND, 0, 0), kept);
    worker_add(&worker, tag_of(3, MESSAGE_SEND, 0, 0), in_worker);
    worker_go(&worker);
    receive_one(endpoint, &message);
    EXPECT_EQUAL(message.badge, BADGE);
    revoke(minted);
    receive_one(endpoint, &message);
    EXPECT_EQUAL(message.badge, BADGE + 1);
    worker_wait(&worker, 3);
    EXPECT_EQUAL(worker.area->steps[2].result, ERROR_BAD_HANDLE);
    EXPECT_EQUAL(guest_rights(minted), RIGHT_WRITE | RIGHT_COPY);
    worker_destroy(&worker);
    guest_delete(minted);
    guest_delete(other);
    guest_delete(endpoint);
}

/* The fast path sees it too: a client that was answered twice gets an error on its third call. */
static void fast_calls_end(void)
{
    struct worker worker;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint();
    worker_create(&worker, true);
    uint32_t handle = worker_give(&worker, endpoint, RIGHT_WRITE);
    for (uint32_t i = 0; i < 3; i++)
        worker_add(&worker, tag_of(i, MESSAGE_CALL, 1, 0), handle);
    worker_start(&worker, worker_steps);
    receive_one(endpoint, &message);
    EXPECT(message_is_tag(ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), endpoint, &message)));
    revoke(endpoint);
    EXPECT_EQUAL(ipc_exchange(tag_of(0, MESSAGE_REPLY, 0, 0), 0, message.words) & 0x80000000, 0x80000000);
    worker_wait(&worker, 3);
    EXPECT(message_is_tag(worker.area->steps[1].result));
    EXPECT_EQUAL(worker.area->steps[2].result, ERROR_BAD_HANDLE);
    worker_destroy(&worker);
    guest_delete(endpoint);
}

/* A capability that came as an item was derived from the sender's, or is the sender's own where it was moved. */
static void through_items(void)
{
    struct worker worker;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint(), memory = guest_memory(1);
    worker_create(&worker, true);
    uint32_t copied = worker_give(&worker, memory, RIGHTS_ALL), moved = worker_give(&worker, memory, RIGHTS_ALL);
    uint32_t below = copy_to(worker.task, moved, worker.task, RIGHT_READ);
    struct step *step = worker_add(&worker, tag_of(0, MESSAGE_SEND, 0, 2), worker_give(&worker, endpoint, RIGHT_WRITE));
    step->items[0] = item_of(copied, RIGHTS_ALL, ITEM_COPY);
    step->items[1] = item_of(moved, RIGHT_READ, ITEM_MOVE);
    worker_start(&worker, worker_steps);
    receive_one(endpoint, &message);
    uint32_t copied_here = (uint32_t)ipc_utcb()->items[0], moved_here = (uint32_t)ipc_utcb()->items[1];
    EXPECT_EQUAL(kernel_task_revoke(worker.task, copied), 0);
    EXPECT_EQUAL(guest_type(copied_here), 0);
    EXPECT_EQUAL(type_in(worker.task, copied), KERNEL_MEMORY_ID);
    EXPECT_EQUAL(guest_rights(moved_here), RIGHT_READ);
    revoke(moved_here);
    EXPECT_EQUAL(type_in(worker.task, below), 0);
    revoke(memory);
    EXPECT_EQUAL(guest_type(moved_here), 0);
    EXPECT_EQUAL(type_in(worker.task, copied), 0);
    worker_destroy(&worker);
    guest_delete(memory);
    guest_delete(endpoint);
}

/* A moved capability stays what it was to those above and below. */
static void moved_ones(void)
{
    kernel_task_t task = guest_new_task();
    uint32_t root = guest_endpoint(), middle = guest_copy(root, RIGHTS_ALL), last = guest_copy(middle, RIGHTS_ALL);
    uint32_t moved = 0, back = 0;
    EXPECT_EQUAL(kernel_task_move(own_task, middle, task, &moved), 0);
    EXPECT_EQUAL(guest_type(middle), 0);
    EXPECT_EQUAL(kernel_task_revoke(task, moved), 0);
    EXPECT_EQUAL(guest_type(last), 0);
    EXPECT_EQUAL(kernel_task_move(task, moved, own_task, &back), 0);
    revoke(root);
    EXPECT_EQUAL(guest_type(back), 0);
    EXPECT_EQUAL(kernel_task_move(own_task, root, task, &moved), 0);
    EXPECT_EQUAL(type_in(task, moved), KERNEL_ENDPOINT_ID);
    guest_delete(task.handle);
}

/* What was derived from a deleted capability counts as derived from that one's source, or from nothing. */
static void deleted_ones(void)
{
    uint32_t root = guest_endpoint(), middle = guest_copy(root, RIGHTS_ALL), last = guest_copy(middle, RIGHTS_ALL);
    uint32_t beside = guest_copy(root, RIGHTS_ALL);
    guest_delete(middle);
    revoke(root);
    EXPECT_EQUAL(guest_type(last), 0);
    EXPECT_EQUAL(guest_type(beside), 0);
    last = guest_copy(root, RIGHTS_ALL);
    beside = guest_copy(root, RIGHTS_ALL);
    guest_delete(root);
    revoke(last);
    EXPECT_EQUAL(guest_rights(beside), RIGHTS_ALL);
    guest_delete(last);
    guest_delete(beside);
}

/* The right to receive goes with the copies that have it: a server cannot receive any more, and when the last one has
 * gone its callers are told. */
static void rights_to_receive(void)
{
    struct worker server, client;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint(), narrow = guest_copy(endpoint, RIGHT_WRITE | RIGHT_COPY);
    worker_create(&server, true);
    worker_create(&client, true);
    uint32_t receive = worker_give(&server, endpoint, RIGHT_READ);
    uint32_t send = worker_give(&client, narrow, RIGHT_WRITE);
    revoke(endpoint);
    worker_add(&server, TAG_RECEIVE, receive);
    worker_add(&client, tag_of(0, MESSAGE_CALL, 0, 0), send);
    worker_go(&server);
    worker_wait(&server, 1);
    EXPECT_EQUAL(server.area->steps[0].result, ERROR_BAD_HANDLE);
    worker_go(&client);
    worker_wait(&client, 1);
    EXPECT_EQUAL(client.area->steps[0].result, ERROR_BAD_HANDLE);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE | TAG_POLL, endpoint, &message), ERROR_WOULD_BLOCK);
    worker_destroy(&client);
    worker_destroy(&server);
    guest_delete(endpoint);
}

/* A message that is on its way arrives, though the capability by which it was sent was revoked; so does the answer. */
static void senders_wait(void)
{
    struct worker worker;
    struct ipc_message message;
    uint32_t endpoint = guest_endpoint();
    worker_create(&worker, true);
    worker_add(&worker, tag_of(9, MESSAGE_CALL, 0, 0), worker_give(&worker, endpoint, RIGHT_WRITE));
    worker_go(&worker);
    revoke(endpoint);
    EXPECT_EQUAL(message_label(ipc_transfer(TAG_RECEIVE, endpoint, &message)), 9);
    uint64_t words[6] = {0};
    EXPECT(message_is_tag(ipc_exchange(tag_of(8, MESSAGE_REPLY, 0, 0), 0, words)));
    worker_wait(&worker, 1);
    EXPECT_EQUAL(message_label(worker.area->steps[0].result), 8);
    worker_destroy(&worker);
    guest_delete(endpoint);
}

/* The supervisor's place is free again when its capability was revoked. */
static void supervisors_go(void)
{
    kernel_task_t task = guest_new_task();
    kernel_endpoint_t endpoint = {guest_endpoint()};
    EXPECT_EQUAL(kernel_task_set_supervisor(task, endpoint), 0);
    EXPECT_ERROR(kernel_task_set_supervisor(task, endpoint), BUSY);
    revoke(endpoint.handle);
    EXPECT_EQUAL(kernel_task_set_supervisor(task, endpoint), 0);
    guest_delete(task.handle);
    guest_delete(endpoint.handle);
}

/* A chain and a row of copies as long as a table has room, over two tasks. */
static void many(void)
{
    kernel_task_t task = guest_new_task();
    uint32_t root = guest_endpoint(), last = root, before, after;
    struct totals totals = totals_now();
    before = totals.capabilities;
    for (int i = 0; i < MANY; i++)
        last = i % 2 ? copy_to(task, last, own_task, RIGHTS_ALL) : copy_to(own_task, last, task, RIGHTS_ALL);
    for (int i = 0; i < MANY; i++)
        copy_to(own_task, root, task, RIGHTS_ALL);
    totals = totals_now();
    EXPECT_EQUAL(totals.capabilities, before + 2 * MANY);
    revoke(root);
    after = totals_now().capabilities;
    EXPECT_EQUAL(after, before);
    guest_delete(root);
    guest_delete(task.handle);
}

/* What was mapped by way of a capability comes from the object: it stays, and nothing more can be mapped. */
static void mappings_stay(void)
{
    uint64_t entry = 0;
    kernel_task_t task = guest_new_task();
    uint32_t root = guest_memory(1);
    kernel_memory_t copy = {guest_copy(root, RIGHTS_ALL)};
    EXPECT_EQUAL(kernel_memory_map(copy, task, PLACE, 0, 1, RIGHT_READ), 0);
    revoke(root);
    EXPECT_ERROR(kernel_memory_map(copy, task, PLACE + 4096, 0, 1, RIGHT_READ), BAD_HANDLE);
    EXPECT_EQUAL(kernel_debug_page_entry(debug, task, PLACE, &entry), 0);
    EXPECT(entry & 1);
    guest_delete(root);
    EXPECT_EQUAL(kernel_debug_page_entry(debug, task, PLACE, &entry), 0);
    EXPECT_EQUAL(entry & 1, 0);
    guest_delete(task.handle);
}

static void refused(void)
{
    kernel_task_t narrow = {guest_copy(own_task.handle, RIGHT_READ | RIGHT_WRITE)};
    uint32_t endpoint = guest_endpoint(), copy = guest_copy(endpoint, RIGHTS_ALL);
    EXPECT_ERROR(kernel_task_revoke(own_task, 0), BAD_HANDLE);
    EXPECT_ERROR(kernel_task_revoke(own_task, 65535), BAD_HANDLE);
    EXPECT_ERROR(kernel_task_revoke(own_task, 65536), BAD_HANDLE);
    EXPECT_ERROR(kernel_task_revoke(own_task, UINT32_MAX), BAD_HANDLE);
    if (narrow.handle) {
        EXPECT_ERROR(kernel_task_revoke(narrow, endpoint), NO_RIGHT);
        guest_delete(narrow.handle);
    }
    EXPECT_EQUAL(guest_rights(copy), RIGHTS_ALL);
    guest_delete(copy);
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"copies and copies of copies go, nothing else", copies_go},
    {"they go in all tasks", in_all_tasks},
    {"a task takes back what it gave on", from_the_middle},
    {"minted ones go, others keep their badge", minted_go},
    {"calls on the fast path end", fast_calls_end},
    {"what came as an item goes", through_items},
    {"moved ones keep their place", moved_ones},
    {"what a deleted one left has its source's place", deleted_ones},
    {"rights to receive go", rights_to_receive},
    {"what was sent before arrives", senders_wait},
    {"a supervisor goes", supervisors_go},
    {"thousands, in a chain and in a row", many},
    {"what was mapped by a capability stays until its object dies", mappings_stay},
    {"wrong handles and rights", refused},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
