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
#include "ipc/wait.h"
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

void fault_deliver(struct thread *thread, struct thread *receiver, uint64_t badge)
{
    struct kernel_registers registers;
    registers_read(thread, &registers);
    kernel_fault_handler_exception_message(&receiver->call, thread->number, (uint32_t)thread->frame.vector,
                                           (uint32_t)thread->frame.error, thread->fault_address, &registers);
    receiver->call.handle = badge;
    message_clear_preserved(receiver);
}

/* The handler is busy: the thread queues, unless the handler waits for that thread. */
static bool queue_for_handler(struct thread *thread, struct endpoint *endpoint)
{
    if (schedule_closes_cycle(thread, endpoint_server(endpoint))) {
        debugger_note(EVENT_REFUSE, thread, 0, endpoint, ERROR_DEADLOCK);
        return false;
    }
    thread->badge = thread->fault_handler.badge;
    endpoint_queue_sender(endpoint, thread);
    debugger_note(EVENT_SEND, thread, 0, 0, 0);
    schedule_request();
    return true;
}

static bool call_handler(struct thread *thread)
{
    struct endpoint *endpoint = (struct endpoint *)thread->fault_handler.object;
    if (!endpoint || endpoint->object.type != OBJECT_ENDPOINT || !endpoint->receive_rights)
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

void fault_answer(struct thread *handler, struct thread *thread)
{
    struct kernel_registers registers;
    bool answered =
        kernel_fault_handler_exception_answer(message_answer_tag(handler->call.tag), &handler->call, &registers);
    wait_end(thread);
    if (!answered || registers_check(&registers) != ERROR_NONE)
        return fault_unheard(thread);
    thread->sends = SENDS_OWN;
    registers_write(thread, &registers);
}

bool fault_short_answer(struct thread *handler, struct thread *thread, uint64_t handle, uint32_t low)
{
    struct kernel_registers registers;
    struct hot_thread *line = handler->hot;
    if (thread->sends != SENDS_FAULT || handle != line->receive_handle || handle == HANDLE_NONE)
        return false;
    if (low != tag_general((uint32_t)KERNEL_FAULT_HANDLER_EXCEPTION_REPLY) || message_label(handler->call.tag) ||
        !kernel_fault_handler_exception_answer(KERNEL_FAULT_HANDLER_EXCEPTION_REPLY, &handler->call, &registers) ||
        registers_check(&registers) != ERROR_NONE)
        return false;
    /* ---- point of no return ---- */
    debugger_note(EVENT_REPLY, handler, thread, 0, 0);
    thread->sends = SENDS_OWN;
    thread->hot->partner = 0;
    registers_write(thread, &registers);
    handler->takes_signals = true;
    line->waits = line->receive_endpoint;
    debugger_note(EVENT_RECEIVE, handler, 0, 0, 0);
    schedule_answered(handler, thread);
    return true;
}
