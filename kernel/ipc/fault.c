/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of programs. See fault.h. */
#include "ipc/fault.h"

#include "cap/capability.h"
#include "debug/console.h"
#include "debugger.h"
#include "idl/fault_kernel.h"
#include "idl/supervisor_kernel.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "ipc/ipc.h"
#include "ipc/message.h"
#include "ipc/pages.h"
#include "ipc/wait.h"
#include "thread/chain.h"
#include "thread/registers.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/cpu.h"

#define LINE_SIZE 256
#define DECIMAL 10
#define HEXADECIMAL 16

/* A line of text, which takes fewer instructions to write than by console_printf(). */
struct line {
    char text[LINE_SIZE];
    uint32_t size;
};

static void add_text(struct line *line, const char *text)
{
    while (*text && line->size < LINE_SIZE)
        line->text[line->size++] = *text++;
}

static void add_number(struct line *line, const char *before, uint64_t value, unsigned base)
{
    char digits[24], *digit = &digits[sizeof(digits) - 1];
    *digit = 0;
    do {
        *--digit = "0123456789abcdef"[value % base];
    } while (value /= base);
    add_text(line, before);
    add_text(line, digit);
}

static void report(const struct thread *thread)
{
    const struct trap_frame *frame = &thread->frame;
    struct line line;
    line.size = 0;
    add_number(&line, "salto: thread ", thread->number, DECIMAL);
    add_text(&line, " of task \"");
    add_text(&line, thread->task->name);
    add_number(&line, "\" stopped: exception ", frame->vector, DECIMAL);
    add_number(&line, ", error ", frame->error, HEXADECIMAL);
    add_number(&line, ", at ", frame->rip, HEXADECIMAL);
    add_number(&line, ", stack ", frame->rsp, HEXADECIMAL);
    add_number(&line, ", address ", thread->fault_address, HEXADECIMAL);
    add_text(&line, "\n");
    console_report(line.text, line.size);
}

void fault_unheard(struct thread *thread)
{
    const struct trap_frame *frame = &thread->frame;
    thread->sends = SENDS_OWN;
    thread->state = THREAD_FAULTED;
    kernel_supervisor_fault_message(&thread->message, thread->number, (uint32_t)frame->vector, (uint32_t)frame->error,
                                    thread->fault_address, frame->rip);
    if (!ipc_send_kernel_message(thread))
        report(thread);
}

static void deliver_exception(struct thread *thread, struct thread *receiver)
{
    struct kernel_registers registers;
    registers_read(thread, &registers);
    kernel_fault_handler_exception_message(&receiver->call, thread->number, (uint32_t)thread->frame.vector,
                                           (uint32_t)thread->frame.error, thread->fault_address, &registers);
}

/* Is its fault one that the handler hears of in short form? */
static bool is_paged(const struct thread *thread)
{
    return thread->paged && thread->frame.vector == EXCEPTION_PAGE_FAULT;
}

void fault_deliver(struct thread *thread, struct thread *receiver, uint64_t badge)
{
    const struct trap_frame *frame = &thread->frame;
    if (is_paged(thread))
        kernel_pager_page_fault_message(&receiver->call, thread->number, (uint32_t)frame->error, thread->fault_address,
                                        frame->rip);
    else
        deliver_exception(thread, receiver);
    receiver->call.handle = badge;
    message_clear_preserved(receiver);
}

/* The handler is busy: the thread queues, unless the handler waits for that thread. */
static bool queue_for_handler(struct thread *thread, struct endpoint *endpoint)
{
    if (chain_closes_cycle(thread, endpoint_server(endpoint))) {
        debugger_note(EVENT_REFUSE, thread, 0, endpoint, ERROR_DEADLOCK);
        return false;
    }
    thread->badge = thread->fault_handler.badge;
    endpoint_queue_sender(endpoint, thread);
    debugger_note(EVENT_SEND, thread, 0, 0, 0);
    schedule_request();
    return true;
}

/* Where the thread's handler receives; 0: there is none. */
static inline struct endpoint *handler_endpoint(const struct thread *thread)
{
    struct endpoint *endpoint = (struct endpoint *)thread->fault_handler.object;
    bool heard = endpoint && endpoint->object.type == OBJECT_ENDPOINT && endpoint->receive_rights;
    return heard ? endpoint : 0;
}

bool fault_ask_for_page(struct thread *thread, uint64_t address, uint64_t code)
{
    struct endpoint *endpoint = handler_endpoint(thread);
    if (!endpoint)
        return false;
    thread->fault_address = address;
    thread->frame.vector = EXCEPTION_PAGE_FAULT;
    thread->frame.error = code;
    thread->frame.rip = thread->hot->rip;
    thread->sends = SENDS_PAGE;
    struct thread *receiver = endpoint_take_receiver(endpoint);
    if (!receiver && queue_for_handler(thread, endpoint))
        return true;
    if (!receiver)
        return thread->sends = SENDS_OWN, false;
    fault_deliver(thread, receiver, thread->fault_handler.badge);
    wait_for_kernel_answer(thread, receiver);
    debugger_note(EVENT_DELIVER_CALL, thread, receiver, endpoint, 0);
    if (thread_can_run(receiver))
        schedule_wake(receiver);
    schedule_request();
    return true;
}

static bool call_handler(struct thread *thread)
{
    struct endpoint *endpoint = handler_endpoint(thread);
    if (!endpoint)
        return false;
    struct thread *receiver = endpoint_take_receiver(endpoint);
    thread->sends = SENDS_FAULT;
    if (!receiver)
        return queue_for_handler(thread, endpoint);
    fault_deliver(thread, receiver, thread->fault_handler.badge);
    wait_for_kernel_answer(thread, receiver);
    debugger_note(EVENT_DELIVER_CALL, thread, receiver, endpoint, 0);
    if (receiver->stopped)
        schedule_request();
    else
        schedule_switch_to(receiver);
    return true;
}

void fault_raise(struct thread *thread, uint64_t address)
{
    thread->fault_address = address;
    if (thread->stepping)
        thread->frame.rflags &= ~RFLAGS_TF;
    thread->stepping = false;
    if (call_handler(thread))
        return;
    fault_unheard(thread);
    schedule_request();
}

/* Does the answer let the thread make its access again? */
static bool lets_go_on(const struct thread *handler)
{
    return message_label(handler->call.tag) == 0 && tag_words((uint32_t)handler->call.tag) == 0;
}

enum error fault_map_pages(struct thread *handler, const struct thread *thread)
{
    const struct utcb *utcb = thread_utcb(handler);
    uint32_t items = tag_items((uint32_t)handler->call.tag);
    if (!is_paged(thread) || !lets_go_on(handler) || !pages_any(utcb, items))
        return ERROR_NONE;
    uint64_t log2 = utcb->items[0] >> ITEM_SIZE_SHIFT & ITEM_SIZE_MASK;
    struct page_window window = {thread->fault_address & ~((1UL << log2) - 1), log2};
    struct pages pages;
    enum error error = pages_read(&pages, utcb, items, window);
    if (error == ERROR_NONE && !pages_are_few(&pages, handler->task))
        error = ERROR_BAD_ARGUMENT;
    return error == ERROR_NONE ? pages_map(&pages, handler, handler->task, thread->task) : error;
}

static void page_fault_answer(const struct thread *handler, struct thread *thread)
{
    bool goes_on = lets_go_on(handler);
    wait_end(thread);
    if (!goes_on)
        return fault_unheard(thread);
    thread->sends = SENDS_OWN;
}

/* What a transfer needed may be there now; what registers are answered means nothing. */
static void missing_page_answer(struct thread *handler, struct thread *thread)
{
    struct kernel_registers registers;
    bool goes_on = is_paged(thread) ? lets_go_on(handler)
                                    : kernel_fault_handler_exception_answer(message_answer_tag(handler->call.tag),
                                                                            &handler->call, &registers);
    wait_end(thread);
    thread->sends = SENDS_OWN;
    if (!goes_on)
        transfer_page_refused(thread, ERROR_BAD_ADDRESS);
}

void fault_answer(struct thread *handler, struct thread *thread)
{
    if (thread->sends == SENDS_PAGE)
        return missing_page_answer(handler, thread);
    if (is_paged(thread))
        return page_fault_answer(handler, thread);
    struct kernel_registers registers;
    bool answered =
        kernel_fault_handler_exception_answer(message_answer_tag(handler->call.tag), &handler->call, &registers);
    wait_end(thread);
    if (!answered || registers_check(&registers) != ERROR_NONE)
        return fault_unheard(thread);
    thread->sends = SENDS_OWN;
    registers_write(thread, &registers);
}

/* The thread goes on, and the handler waits for what comes next. */
static void answered(struct thread *handler, struct thread *thread)
{
    debugger_note(EVENT_REPLY, handler, thread, 0, 0);
    thread->sends = SENDS_OWN;
    thread->hot->partner = 0;
    handler->takes_signals = true;
    handler->hot->waits = handler->hot->receive_endpoint;
    debugger_note(EVENT_RECEIVE, handler, 0, 0, 0);
    schedule_answered(handler, thread);
}

/* The same for one whose access can be made again. */
static bool page_fault_short_answer(struct thread *handler, struct thread *thread, uint32_t low)
{
    if (low & TAG_DEADLINE || low & TAG_CLOSED || !lets_go_on(handler))
        return false;
    enum error error = ERROR_NONE;
    if (tag_items(low) &&
        !(tag_items(low) == 1 && pages_map_one(thread_utcb(handler), handler, thread->task, thread->fault_address)))
        error = fault_map_pages(handler, thread);
    if (error == ERROR_NONE)
        answered(handler, thread);
    else
        handler->call = (struct kernel_call){.tag = error, .handle = PHASE_SEND};
    return true;
}

bool fault_short_answer(struct thread *handler, struct thread *thread, uint64_t handle, uint32_t low)
{
    struct kernel_registers registers;
    if (thread->sends != SENDS_FAULT || handle != handler->hot->receive_handle || handle == HANDLE_NONE)
        return false;
    if (is_paged(thread))
        return page_fault_short_answer(handler, thread, low);
    if (low != tag_general((uint32_t)KERNEL_FAULT_HANDLER_EXCEPTION_REPLY) || message_label(handler->call.tag) ||
        !kernel_fault_handler_exception_answer(KERNEL_FAULT_HANDLER_EXCEPTION_REPLY, &handler->call, &registers) ||
        registers_check(&registers) != ERROR_NONE)
        return false;
    /* ---- point of no return ---- */
    registers_write(thread, &registers);
    answered(handler, thread);
    return true;
}
