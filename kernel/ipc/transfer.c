/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages with strings or pages on their way. See transfer.h. */
#include "ipc/transfer.h"

#include "debug/panic.h"
#include "ipc/fault.h"
#include "ipc/ipc.h"
#include "ipc/message.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "mem/mapping.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/timer.h"

enum error transfer_read_pages(struct transfer *transfer, const struct thread *sender, const struct thread *receiver)
{
    const struct utcb *from = thread_utcb(sender), *to = thread_utcb(receiver);
    return pages_read(&transfer->pages, from, tag_items((uint32_t)sender->call.tag), pages_window(to));
}

bool transfer_map_at_once(struct transfer *transfer, struct thread *sender, const struct thread *receiver,
                          enum error *error)
{
    if (!pages_are_few(&transfer->pages, sender->task) || !pages_have_tables(&transfer->pages, receiver->task))
        return false; /* each table is zeroed, which takes its time */
    if (mapping_any_abandoned())
        return false; /* as map_pages() says */
    *error = pages_map(&transfer->pages, sender, sender->task, receiver->task);
    return true;
}

void transfer_deliver_items(struct thread *from, struct thread *to, const struct transfer *transfer)
{
    uint32_t items = tag_items((uint32_t)from->call.tag);
    if (items != transfer->strings.count + transfer->pages.count)
        message_transfer_items(from, to, items);
    strings_arrive(&transfer->strings, thread_utcb(to));
    if (transfer->pages.count)
        pages_arrive(&transfer->pages, thread_utcb(to));
}

static void bind(struct thread *client, struct thread *driver, bool answers)
{
    assert(!client->interrupted && !driver->interrupted && !client->transfer_partner && !driver->transfer_partner);
    if (client->state == THREAD_KEPT)
        reply_forget(client->reply);
    client->hot->partner = 0;
    client->state = THREAD_TRANSFER;
    client->transfer_partner = driver;
    driver->transfer_partner = client;
    client->transfer.answers = driver->transfer.answers = answers;
    driver->transfer.strings.looks = false;
    driver->restarting = RESTARTS_TRANSFER;
    schedule_chain_cut();
}

/* The client still waits, for nobody. */
static void unbind(struct thread *client, struct thread *driver)
{
    assert(client->transfer_partner == driver && driver->transfer_partner == client);
    client->transfer_partner = driver->transfer_partner = 0;
    driver->restarting = RESTARTS_NOTHING;
    mapping_give_up(driver);
    schedule_chain_cut();
}

/* The driver, which has no client any more, can go on with what it does next. */
static void let_go_on(struct thread *driver)
{
    if (!thread_can_run(driver))
        return;
    if (!thread_is_current(driver))
        return schedule_wake(driver);
    schedule_go_on(driver);
    if (driver->restarting)
        schedule_request();
}

void transfer_receive_again(struct thread *thread, uint32_t tag)
{
    thread->message = (struct kernel_call){.tag = tag, .handle = thread->wait_handle};
    thread->restarting = RESTARTS_OPERATION;
}

/* The driver's own part fails. */
static void fail_driver(struct thread *driver, enum error error)
{
    bool answers = driver->transfer.answers;
    if (!answers)
        *driver->save = (struct save_slot){0};
    driver->call = (struct kernel_call){.tag = error, .handle = answers ? PHASE_SEND : PHASE_RECEIVE};
    let_go_on(driver);
}

void transfer_client_leaves(struct thread *client)
{
    struct thread *driver = client->transfer_partner;
    if (!driver)
        return;
    unbind(client, driver);
    if (driver->transfer.answers)
        ipc_answer_counts(driver);
    else
        transfer_receive_again(driver, driver->transfer.again);
    let_go_on(driver);
}

void transfer_driver_leaves(struct thread *driver, enum error error)
{
    struct thread *client = driver->transfer_partner;
    unbind(client, driver);
    wait_fail(client, error);
}

void transfer_break_off(struct thread *driver)
{
    transfer_driver_leaves(driver, ERROR_INTERRUPTED);
    fail_driver(driver, ERROR_INTERRUPTED);
}

void transfer_page_refused(struct thread *thread, enum error error)
{
    bool broken = error == ERROR_INTERRUPTED || error == ERROR_TIMEOUT;
    enum error own = broken ? error : ERROR_BAD_ADDRESS;
    if (transfer_client(thread)) {
        transfer_driver_leaves(thread, broken ? error : ERROR_PARTNER_MEMORY);
        fail_driver(thread, own);
    } else if (thread->restarting && tag_operation((uint32_t)thread->message.tag) != MESSAGE_RECEIVE) {
        thread->restarting = RESTARTS_NOTHING; /* a client that would have sent again */
        thread->call = (struct kernel_call){.tag = own, .handle = PHASE_SEND};
    }
}

/* Is there a page that could be where the transfer stops, and somebody who is asked for it? */
static bool is_asked_for(struct thread *thread, uint64_t address, uint64_t code)
{
    return address >= USER_START && address < USER_END && fault_ask_for_page(thread, address, code);
}

/* The client's own page: the driver waits for nothing of that. A request is sent again when the page is there; an
 * answer is lost, since the server's memory is its own again. */
static void client_page_is_missing(struct thread *client, uint64_t address, uint64_t code)
{
    bool sends = !client->transfer.answers;
    uint64_t deadline = client->deadline.rank ? client->deadline.when : TIMEOUT_NEVER;
    uint32_t priority = client->deadline.priority;
    transfer_client_leaves(client);
    wait_end(client);
    if (sends) {
        client->message = client->call;
        client->restarting = RESTARTS_OPERATION;
    } else {
        client->call = (struct kernel_call){.tag = ERROR_BAD_ADDRESS, .handle = PHASE_RECEIVE};
    }
    if (!is_asked_for(client, address, code)) {
        transfer_page_refused(client, ERROR_BAD_ADDRESS);
        return let_go_on(client);
    }
    schedule_add_deadline(client, deadline);
    (void)schedule_raise_deadline(client, priority);
}

static void page_is_missing(struct thread *client, struct thread *driver, bool source)
{
    bool clients = source != driver->transfer.answers;
    struct thread *owner = clients ? client : driver;
    uint64_t code, address = strings_missing(&driver->transfer.strings, source, &owner->task->space, &code);
    if (clients) {
        client->strings_looked = source ? strings_position(&driver->transfer.strings) : 0;
        client_page_is_missing(client, address, code);
    } else if (!is_asked_for(driver, address, code)) {
        transfer_page_refused(driver, ERROR_BAD_ADDRESS);
    }
}

/* The pages of the message cannot be mapped: that is for the sender to know. */
static void pages_are_refused(struct thread *client, struct thread *driver, enum error error)
{
    if (!driver->transfer.answers)
        return wait_fail(client, error);
    transfer_driver_leaves(driver, ERROR_PARTNER_MEMORY);
    fail_driver(driver, error);
}

/* Takes back a piece of what was mapped before it failed; who is told of the failure finds that nothing is. */
static void take_pages_back(struct thread *client, struct thread *driver)
{
    if (!mapping_abandoned_piece())
        pages_are_refused(client, driver, driver->transfer.pages.failure);
}

/* Maps a piece of the pages; before that, what others left half mapped, where they were broken off, goes: it would be
 * in the way. Is all mapped? */
static bool map_pages(struct thread *client, struct thread *driver)
{
    struct task *from = driver->transfer.answers ? driver->task : client->task;
    struct task *to = driver->transfer.answers ? client->task : driver->task;
    bool done;
    if (driver->transfer.pages.count == 0)
        return true;
    if (driver->transfer.pages.failure != ERROR_NONE)
        return take_pages_back(client, driver), false;
    if (mapping_abandoned_piece())
        return false;
    driver->transfer.pages.failure = pages_piece(&driver->transfer.pages, driver, from, to, &done);
    return driver->transfer.pages.failure == ERROR_NONE && done;
}

static void arrive(struct thread *client, struct thread *driver)
{
    unbind(client, driver);
    wait_end(client);
    if (driver->transfer.answers)
        ipc_answer_copied(driver, client);
    else
        ipc_request_copied(client, driver);
}

/* Looks whether all pages of the client's strings are there. If not yet, one is missing, or the thread should stop. */
static bool look(struct thread *client, struct thread *driver)
{
    struct strings *strings = &driver->transfer.strings;
    do {
        if (strings_look(strings, &client->task->space) == STRINGS_SOURCE_MISSING)
            return page_is_missing(client, driver, true), false;
        if (!strings->looks)
            return true;
    } while (!preemption_due() && driver->transfer_partner == client);
    if (driver->transfer_partner == client)
        schedule_go_on(driver);
    return false;
}

/* Copies until all is done, something is wrong, or the thread that copies should stop; then schedule_switch says so. */
static void run(struct thread *client, struct thread *driver)
{
    bool answers = driver->transfer.answers;
    const struct space *from = answers ? &driver->task->space : &client->task->space;
    const struct space *to = answers ? &client->task->space : &driver->task->space;
    struct strings *strings = &driver->transfer.strings;
    /* Before this step: an interrupt can come in between the last copying and the rest. */
    bool copied = strings->current == strings->count;
    do {
        enum strings_result result = strings_copy(strings, from, to);
        if (result == STRINGS_COPIED && copied && map_pages(client, driver))
            return arrive(client, driver);
        copied = result == STRINGS_COPIED;
        if (result != STRINGS_COPIED && result != STRINGS_MORE)
            return page_is_missing(client, driver, result == STRINGS_SOURCE_MISSING);
    } while (!preemption_due() && driver->transfer_partner == client);
    if (driver->transfer_partner == client)
        schedule_go_on(driver); /* on its client's context, where it was not yet */
}

void transfer_request(struct thread *sender, struct thread *receiver, uint32_t again)
{
    receiver->transfer.again = again;
    bind(sender, receiver, false);
    if ((uint32_t)sender->call.tag & TAG_DEADLINE)
        schedule_add_deadline(sender, timer_at(thread_utcb(sender)->send_deadline));
    if (sender->strings_looked) {
        strings_look_from(&receiver->transfer.strings, sender->strings_looked);
        sender->strings_looked = 0;
        return transfer_go_on(receiver);
    }
    run(sender, receiver);
}

void transfer_answer(struct thread *server, struct thread *caller)
{
    bind(caller, server, true);
    run(caller, server);
}

void transfer_go_on(struct thread *driver)
{
    struct thread *client = driver->transfer_partner;
    if (!driver->transfer.strings.looks || look(client, driver))
        run(client, driver);
}
