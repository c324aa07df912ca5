/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that fail, with each class of error, and calls to kernel objects: by this program itself, and by a client. */
#include "markers.h"

#define NOTHING 60000 /* a handle behind which nothing stands */
#define LONG_TAG(operation) (TAG_NATIVE | (operation) << TAG_OPERATION_SHIFT | MESSAGE_MAX_WORDS)
#define PLAIN(operation, poll) (TAG_NATIVE | (operation) << TAG_OPERATION_SHIFT | (poll))

/* What the calls name. */
enum { WHAT_NOTHING, WHAT_MARK, WHAT_MEMORY, WHAT_SEND_ONLY, WHAT_RECEIVE_ONLY, WHAT_DEAD, WHAT_ENDPOINT, WHATS };

struct failure {
    const char *name;
    uint64_t tag;
    unsigned what;
    enum error error;
};

static const struct failure failures[] = {
    {"reserved bits in the tag", TAG_NATIVE | TAG_RESERVED, WHAT_ENDPOINT, ERROR_BAD_TAG},
    {"no such operation", PLAIN(9, 0), WHAT_ENDPOINT, ERROR_BAD_TAG},
    {"a plain call in general form", PLAIN(MESSAGE_CALL, 0), WHAT_ENDPOINT, ERROR_BAD_TAG},
    {"send to a kernel object", PLAIN(MESSAGE_SEND, 0), WHAT_MEMORY, ERROR_BAD_TAG},
    {"call on nothing", TAG_PLAIN_CALL, WHAT_NOTHING, ERROR_BAD_HANDLE},
    {"call on a mark", TAG_PLAIN_CALL_LAST, WHAT_MARK, ERROR_BAD_HANDLE},
    {"long call on nothing", LONG_TAG(MESSAGE_CALL), WHAT_NOTHING, ERROR_BAD_HANDLE},
    {"long call on a mark", LONG_TAG(MESSAGE_CALL), WHAT_MARK, ERROR_BAD_HANDLE},
    {"receive on nothing", PLAIN(MESSAGE_RECEIVE, 0), WHAT_NOTHING, ERROR_BAD_HANDLE},
    {"reply-and-wait on a mark", TAG_PLAIN_REPLY, WHAT_MARK, ERROR_BAD_HANDLE},
    {"receive on memory", PLAIN(MESSAGE_RECEIVE, 0), WHAT_MEMORY, ERROR_WRONG_TYPE},
    {"call without the right", TAG_PLAIN_CALL, WHAT_RECEIVE_ONLY, ERROR_NO_RIGHT},
    {"long call without the right", LONG_TAG(MESSAGE_CALL), WHAT_RECEIVE_ONLY, ERROR_NO_RIGHT},
    {"receive without the right", PLAIN(MESSAGE_RECEIVE, 0), WHAT_SEND_ONLY, ERROR_NO_RIGHT},
    {"reply to nobody", PLAIN(MESSAGE_REPLY, 0), WHAT_ENDPOINT, ERROR_NO_CALLER},
    {"reply-and-wait without a caller", TAG_PLAIN_REPLY_LAST, WHAT_ENDPOINT, ERROR_NO_CALLER},
    {"long reply-and-wait without a caller", LONG_TAG(MESSAGE_REPLY_AND_WAIT), WHAT_ENDPOINT, ERROR_NO_CALLER},
    {"call without a receiver's right", TAG_PLAIN_CALL, WHAT_DEAD, ERROR_DEAD},
    {"long call without a receiver's right", LONG_TAG(MESSAGE_CALL), WHAT_DEAD, ERROR_DEAD},
    {"call that polls", PLAIN(MESSAGE_CALL, TAG_POLL), WHAT_ENDPOINT, ERROR_WOULD_BLOCK},
    {"send that polls", PLAIN(MESSAGE_SEND, TAG_POLL), WHAT_ENDPOINT, ERROR_WOULD_BLOCK},
    {"receive that polls", PLAIN(MESSAGE_RECEIVE, TAG_POLL), WHAT_ENDPOINT, ERROR_WOULD_BLOCK},
    {"no such operation of memory", 99UL << 32 | TAG_PLAIN_CALL, WHAT_MEMORY, ERROR_BAD_OPERATION},
    {"an operation of memory in another shape", KERNEL_MEMORY_SIZE_REQUEST + 1, WHAT_MEMORY, ERROR_BAD_TAG},
    {"marks as arguments of an operation", KERNEL_MEMORY_MAP_REQUEST, WHAT_MEMORY, ERROR_BAD_ARGUMENT},
    {"a mark as an operation's handle", KERNEL_TASK_SET_SUPERVISOR_REQUEST, WHATS, ERROR_BAD_HANDLE},
};

static uint64_t handle_of(const uint32_t *handles, unsigned what, uint64_t kept)
{
    if (what == WHAT_MARK)
        return kept;
    return what == WHATS ? own_task.handle : handles[what];
}

static void fail_at_once(const struct failure *failure, const uint32_t *handles)
{
    struct call call = {0};
    uint64_t kept = marks_fresh(), words = kept | MARK_FAMILY(1);
    marks_fill(&call.before, kept);
    marks_fill_words(&call.before, words);
    call.before.rax = failure->tag;
    call.before.rdi = handle_of(handles, failure->what, kept);
    registers_system_call(&call.before, &call.after);
    expect_failed(failure->name, &call, failure->error, kept);
    marks_expect_nowhere(failure->name, kept, own_task);
}

void failures_at_once(void)
{
    uint32_t endpoint = guest_endpoint(), dead = guest_endpoint();
    const uint32_t handles[WHATS] = {
        [WHAT_NOTHING] = NOTHING,
        [WHAT_MEMORY] = guest_memory(1),
        [WHAT_SEND_ONLY] = guest_copy(endpoint, RIGHT_WRITE),
        [WHAT_RECEIVE_ONLY] = guest_copy(endpoint, RIGHT_READ),
        [WHAT_DEAD] = guest_copy(dead, RIGHT_WRITE),
        [WHAT_ENDPOINT] = endpoint,
    };
    guest_delete(dead);
    for (unsigned i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        fail_at_once(&failures[i], handles);
    for (unsigned what = WHAT_MEMORY; what < WHATS; what++)
        guest_delete(handles[what]);
}

/* ---- Clients that wait and are failed: nothing is left in their words -------------------------------------------- */

static void expect_failed_late(const char *what, const struct worker *client, enum error error, uint64_t kept,
                               uint64_t phase)
{
    const struct call *call = &calls_of(client->area)[0];
    worker_wait(client, 1);
    EXPECT_EQUAL_IN(what, call->after.rax, error);
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL_IN(what, marks_word(&call->after, i), 0);
    expect_caller_kept(what, call, kept, phase);
    marks_expect_nowhere(what, kept, client->task);
}

/* The server receives the call, and then something else: its caller is told that no answer will come. */
static void abandon(uint64_t tag)
{
    struct worker client, second;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    uint64_t kept = marks_fresh(), words = kept | MARK_FAMILY(1);
    worker_create(&client, true);
    add_call(&client, tag, give_badged(&client, endpoint), kept, words);
    worker_start(&client, make_calls);
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, endpoint, &message)));
    worker_create(&second, true);
    worker_add(&second, tag_of(0, MESSAGE_SEND, 0, 0), give_badged(&second, endpoint));
    worker_go(&second);
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, endpoint, &message)));
    expect_failed_late("abandoned", &client, ERROR_ABANDONED, kept, PHASE_RECEIVE);
    worker_destroy(&second);
    worker_destroy(&client);
    guest_delete(endpoint);
}

/* The endpoint goes while the client is queued there. */
static void lose_endpoint(uint64_t tag)
{
    struct worker client;
    uint32_t endpoint = guest_endpoint();
    uint64_t kept = marks_fresh(), words = kept | MARK_FAMILY(1);
    worker_create(&client, true);
    add_call(&client, tag, give_badged(&client, endpoint), kept, words);
    worker_start(&client, make_calls);
    wait_in_call(kept);
    guest_delete(endpoint);
    expect_failed_late("endpoint gone", &client, ERROR_DEAD, kept, PHASE_SEND);
    worker_destroy(&client);
}

/* The server is ended while the client waits for its answer. */
static void lose_server(uint64_t tag)
{
    struct worker client, server;
    uint32_t endpoint = guest_endpoint(), nobody = guest_endpoint();
    uint64_t kept = marks_fresh(), words = kept | MARK_FAMILY(1);
    worker_create(&client, true);
    worker_create(&server, true);
    worker_add(&server, TAG_RECEIVE, worker_give(&server, endpoint, RIGHT_READ));
    worker_add(&server, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&server, nobody, RIGHT_WRITE));
    worker_go(&server);
    add_call(&client, tag, give_badged(&client, endpoint), kept, words);
    worker_start(&client, make_calls);
    worker_wait(&server, 1);
    worker_kill(&server);
    expect_failed_late("server gone", &client, ERROR_DEAD, kept, PHASE_RECEIVE);
    worker_destroy(&server);
    worker_destroy(&client);
    guest_delete(endpoint);
    guest_delete(nobody);
}

void failures_while_waiting(void)
{
    static const uint64_t tags[] = {TAG_PLAIN_CALL_LAST, LONG_TAG(MESSAGE_CALL)};
    for (unsigned i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        abandon(tags[i]);
        lose_endpoint(tags[i]);
        lose_server(tags[i]);
    }
}

/* ---- Kernel objects ---------------------------------------------------------------------------------------------- */

void kernel_objects(void)
{
    struct worker client;
    uint32_t memory = guest_memory(3);
    uint64_t kept = marks_fresh(), words = kept | MARK_FAMILY(1);
    worker_create(&client, true);
    add_call(&client, KERNEL_MEMORY_SIZE_REQUEST, worker_give(&client, memory, RIGHT_READ), kept, words);
    worker_start(&client, make_calls);
    worker_wait(&client, 1);
    const struct call *call = &calls_of(client.area)[0];
    EXPECT_EQUAL(call->after.rax, KERNEL_MEMORY_SIZE_REPLY);
    EXPECT_EQUAL(call->after.rsi, 3);
    for (unsigned i = 1; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL(marks_word(&call->after, i), 0);
    expect_caller_kept("size of memory", call, kept, 0);
    marks_expect_nowhere("size of memory", kept, client.task);
    worker_destroy(&client);
    guest_delete(memory);
}
