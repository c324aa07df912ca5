/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of the last events. One has everything: system calls that entered the kernel, interrupts and faults of
 * programs, and what IPC does. The other one has what IPC does alone, in the words of docs/model.md, and reaches
 * further back. Everything is copied, since threads and objects may be gone when it is shown.
 */
#include "boot/boot.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "debug/string.h"
#include "debugger.h"
#include "debugger/show.h"
#include "ipc/endpoint.h"
#include "ipc/message.h"
#include "ipc/notification.h"
#include "ipc/reply.h"
#include "ipc/wait.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"
#include "x86/timer.h"

#define EVENTS 1024
#define IPC_EVENTS 16384
#define FIELDS_AT_MOST 6
#define MICROSECONDS 1000000UL

enum field {
    FIELD_THREAD,
    FIELD_TO,
    FIELD_CALLER,
    FIELD_ENDPOINT,
    FIELD_OBJECT,
    FIELD_NOTIFICATION,
    FIELD_BITS,
    FIELD_BOUND,
    FIELD_LIMIT,
    FIELD_CLOSED,
    FIELD_PRIORITY,
    FIELD_OPERATION, /* the address of its name */
    FIELD_ERROR,     /* printed by name */
    FIELDS,
};

static const char *const field_names[FIELDS] = {
    [FIELD_THREAD] = "thread",     [FIELD_TO] = "to",
    [FIELD_CALLER] = "caller",     [FIELD_ENDPOINT] = "endpoint",
    [FIELD_OBJECT] = "object",     [FIELD_NOTIFICATION] = "notification",
    [FIELD_BITS] = "bits",         [FIELD_BOUND] = "bound",
    [FIELD_LIMIT] = "limit",       [FIELD_CLOSED] = "closed",
    [FIELD_PRIORITY] = "priority", [FIELD_OPERATION] = "operation",
    [FIELD_ERROR] = "error",
};

static const char *const kind_names[EVENTS_KNOWN] = {
    [EVENT_START] = "start",
    [EVENT_CREATE] = "create",
    [EVENT_SEND] = "send",
    [EVENT_RAISE] = "raise",
    [EVENT_RECEIVE] = "receive",
    [EVENT_DELIVER_SEND] = "deliver",
    [EVENT_DELIVER_CALL] = "deliver",
    [EVENT_DELIVER_KERNEL] = "deliver",
    [EVENT_REPLY] = "reply",
    [EVENT_KEEP] = "keep",
    [EVENT_ANSWER] = "answer",
    [EVENT_DROP] = "drop",
    [EVENT_MOVE] = "move",
    [EVENT_SIGNAL] = "signal",
    [EVENT_NOTIFY] = "notify",
    [EVENT_COLLECT] = "collect",
    [EVENT_BIND] = "bind",
    [EVENT_UNBIND] = "unbind",
    [EVENT_WAIT_FAILS] = "fail",
    [EVENT_REFUSE] = "refuse",
    [EVENT_KILL] = "kill",
    [EVENT_REVOKE] = "revoke",
    [EVENT_GRANT] = "grant",
};

#define ERROR_TEXT(number, name, text) [number] = #name,
static const char *const error_names[ERROR_LAST] = {SALTO_ERRORS(ERROR_TEXT)};

struct event {
    uint64_t time;
    const char *name; /* of docs/model.md; 0: a system call or an interrupt */
    enum debugger_event kind;
    uint32_t line, number; /* of the thread, if there is one: its task has a name or not, its line is not 0 */
    uint32_t count;        /* of fields */
    enum field fields[FIELDS_AT_MOST];
    uint64_t values[FIELDS_AT_MOST]; /* without a name: tag and handle, or vector and instruction pointer */
    char task[TASK_NAME_SIZE + 1];
};

struct ring {
    struct event *events;
    uint64_t size, noted; /* as many as there were ever */
};

static struct event recent_events[EVENTS], ipc_events[IPC_EVENTS];
static struct ring recent = {recent_events, EVENTS, 0}, ipc = {ipc_events, IPC_EVENTS, 0};

/* ---- Entering ---------------------------------------------------------------------------------------------------- */

static void put(struct event *event, enum field field, uint64_t value)
{
    assert(event->count < FIELDS_AT_MOST);
    event->fields[event->count] = field;
    event->values[event->count++] = value;
}

static void put_operation(struct event *event, const char *operation)
{
    put(event, FIELD_OPERATION, (uint64_t)operation);
}

static void put_object(struct event *event, const struct object *object)
{
    if (object->type == OBJECT_ENDPOINT)
        put(event, FIELD_ENDPOINT, endpoint_line_number((const struct endpoint *)object));
    else if (object->type == OBJECT_NOTIFICATION)
        put(event, FIELD_NOTIFICATION, (uint64_t)object);
    else
        put(event, FIELD_OBJECT, (uint64_t)object);
}

static void put_send(struct event *event, const struct thread *thread)
{
    bool calls = thread->sends == SENDS_FAULT || tag_operation((uint32_t)thread->call.tag) == MESSAGE_CALL;
    put(event, FIELD_ENDPOINT, endpoint_line_number(thread->endpoint));
    put_operation(event, thread->sends == SENDS_ONE_WAY ? "kernel" : calls ? "call" : "send");
    put(event, FIELD_LIMIT, thread->deadline.rank != 0);
    put(event, FIELD_PRIORITY, thread->node.priority);
}

/* Where it waits on no endpoint, the event has another name. */
static void put_receive(struct event *event, const struct thread *thread)
{
    uint64_t offset = thread->endpoint ? thread->endpoint->offset : thread->hot->waits & ~WAIT_KERNEL;
    if (offset)
        put(event, FIELD_ENDPOINT, offset / HOT_ENDPOINT_SIZE);
    else
        event->name = "wait";
    put(event, FIELD_LIMIT, thread->deadline.rank != 0);
    put(event, FIELD_CLOSED, !thread->takes_signals);
}

static void put_signal(struct event *event, const struct notification *notification, uint64_t bits)
{
    put(event, FIELD_BITS, bits);
    if (notification->thread)
        put(event, FIELD_BOUND, thread_line_number(notification->thread));
}

/* Two errors have events of their own. */
static void put_error(struct event *event, uint64_t error)
{
    if (event->kind == EVENT_WAIT_FAILS && error == ERROR_TIMEOUT)
        event->name = "timeout";
    else if (event->kind == EVENT_WAIT_FAILS && error == ERROR_INTERRUPTED)
        event->name = "break_off";
    else
        put(event, FIELD_ERROR, error);
}

static void put_details(struct event *event, const struct thread *thread, const void *object, uint64_t value)
{
    switch (event->kind) {
    case EVENT_SEND:
        return put_send(event, thread);
    case EVENT_RECEIVE:
        return put_receive(event, thread);
    case EVENT_DELIVER_SEND:
        return put_operation(event, "send");
    case EVENT_DELIVER_KERNEL:
        return put_operation(event, "kernel");
    case EVENT_DELIVER_CALL:
        put(event, FIELD_LIMIT, thread->deadline.rank != 0);
        return put_operation(event, "call");
    case EVENT_RAISE:
        return put(event, FIELD_PRIORITY, thread->node.priority);
    case EVENT_SIGNAL:
        return put_signal(event, object, value);
    case EVENT_NOTIFY:
    case EVENT_COLLECT:
        return put(event, FIELD_BITS, value);
    case EVENT_WAIT_FAILS:
    case EVENT_REFUSE:
        return put_error(event, value);
    default:
        return;
    }
}

static void put_all(struct event *event, const struct thread *thread, const struct thread *other, const void *object,
                    uint64_t value)
{
    if (thread)
        put(event, event->kind == EVENT_MOVE ? FIELD_TO : FIELD_THREAD, thread_line_number(thread));
    if (other)
        put(event, event->kind == EVENT_KEEP ? FIELD_CALLER : FIELD_TO, thread_line_number(other));
    if (object)
        put_object(event, object);
    put_details(event, thread, object, value);
}

static void put_entry(struct event *event, const struct thread *thread, uint64_t vector)
{
    bool call = event->kind == EVENT_SYSTEM_CALL;
    event->values[0] = call ? thread->call.tag : vector;
    event->values[1] = call ? thread->call.handle : thread->frame.rip;
}

/* Is it worth an entry? A signal without bits is none, and of objects that are given to somebody, those that keep a
 * caller are. */
static bool is_noted(enum debugger_event kind, const struct object *object, uint64_t value)
{
    if (kind == EVENT_SIGNAL)
        return value != 0;
    return kind != EVENT_MOVE || (object->type == OBJECT_REPLY && ((const struct reply *)object)->caller);
}

static void enter(struct ring *ring, const struct event *event)
{
    ring->events[ring->noted++ % ring->size] = *event;
}

void debugger_note(enum debugger_event kind, const struct thread *thread, const struct thread *other,
                   const void *object, uint64_t value)
{
    struct event event = {.time = rdtsc(), .name = kind_names[kind], .kind = kind};
    if (!is_noted(kind, object, value))
        return;
    if (thread) {
        event.line = thread_line_number(thread);
        event.number = thread->number;
        memcpy(event.task, thread->task->name, sizeof(event.task));
    }
    if (event.name) {
        put_all(&event, thread, other, object, value);
        enter(&ipc, &event);
    } else {
        put_entry(&event, thread, value);
    }
    enter(&recent, &event);
}

/* ---- Showing ----------------------------------------------------------------------------------------------------- */

static void print_lower(const char *name)
{
    for (; *name; name++)
        console_putc(*name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name);
}

/* As docs/model.md has it: `kind field=value ...`. */
static void print_ipc(const struct event *event)
{
    console_printf("%s", event->name);
    for (uint32_t i = 0; i < event->count; i++) {
        uint64_t value = event->values[i];
        console_printf(" %s=", field_names[event->fields[i]]);
        if (event->fields[i] == FIELD_OPERATION)
            console_printf("%s", (const char *)value);
        else if (event->fields[i] == FIELD_ERROR)
            print_lower(error_names[value]);
        else
            console_printf("%lu", value);
    }
    console_printf("\n");
}

static void print_time_and_thread(const struct event *event)
{
    console_printf("%8lu us ago: ", (rdtsc() - event->time) / (tsc_hertz() / MICROSECONDS));
    if (event->line)
        console_printf("#%u %s/%u: ", event->line, event->task, event->number);
}

static void show_event(const struct event *event)
{
    print_time_and_thread(event);
    if (event->kind == EVENT_SYSTEM_CALL)
        console_printf("system call, tag %lx, handle %lx\n", event->values[0], event->values[1]);
    else if (event->kind == EVENT_INTERRUPT)
        console_printf("vector %lu at %lx\n", event->values[0], event->values[1]);
    else
        print_ipc(event);
}

/* How many came before the oldest one that is kept. */
static uint64_t lost(const struct ring *ring)
{
    return ring->noted < ring->size ? 0 : ring->noted - ring->size;
}

void show_events(uint64_t most)
{
    uint64_t kept = recent.noted - lost(&recent);
    for (uint64_t i = recent.noted - (most < kept ? most : kept); i < recent.noted; i++)
        show_event(&recent.events[i % recent.size]);
}

static bool fast_path_is_off(void)
{
    char value[sizeof("off")];
    return boot_option("fast-path", value, sizeof(value)) && strncmp(value, "off", sizeof(value)) == 0;
}

void show_ipc(void)
{
    if (!fast_path_is_off())
        console_printf("# what crosses on the trampoline is missing: boot with fast-path=off\n");
    console_printf("# %lu events, and %lu before them that are overwritten\n", ipc.noted - lost(&ipc), lost(&ipc));
    for (uint64_t i = lost(&ipc); i < ipc.noted; i++)
        print_ipc(&ipc.events[i % ipc.size]);
}
