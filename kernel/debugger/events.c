/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of the last events: system calls that entered the kernel, interrupts and faults of programs, and waits that ended
 * with an error. Names are copied, since a thread may be gone when it is shown.
 */
#include "debug/console.h"
#include "debug/string.h"
#include "debugger.h"
#include "debugger/show.h"
#include "thread/task.h"
#include "thread/thread.h"
#include "x86/cpu.h"
#include "x86/timer.h"

#define EVENTS 1024
#define MICROSECONDS 1000000UL

struct event {
    uint64_t time, first, second;
    enum debugger_event kind;
    uint32_t line, number; /* of the thread */
    char task[TASK_NAME_SIZE + 1];
};

static struct event events[EVENTS];
static uint64_t events_noted;

void debugger_note(enum debugger_event kind, const struct thread *thread, uint64_t first, uint64_t second)
{
    struct event *event = &events[events_noted++ % EVENTS];
    *event = (struct event){rdtsc(), first, second, kind, thread_line_number(thread), thread->number, ""};
    memcpy(event->task, thread->task->name, sizeof(event->task));
}

void debugger_note_call(const struct thread *thread)
{
    debugger_note(EVENT_SYSTEM_CALL, thread, thread->call.tag, thread->call.handle);
}

static void show_event(const struct event *event)
{
    console_printf("%8lu us ago: #%u %s/%u: ", (rdtsc() - event->time) / (tsc_hertz() / MICROSECONDS), event->line,
                   event->task, event->number);
    if (event->kind == EVENT_WAIT_FAILS)
        console_printf("its wait ends with error %lu\n", event->first);
    else if (event->kind == EVENT_INTERRUPT)
        console_printf("vector %lu at %lx\n", event->first, event->second);
    else
        console_printf("system call, tag %lx, handle %lx\n", event->first, event->second);
}

void show_events(uint64_t most)
{
    uint64_t kept = events_noted < EVENTS ? events_noted : EVENTS;
    if (most > kept)
        most = kept;
    for (uint64_t i = events_noted - most; i < events_noted; i++)
        show_event(&events[i % EVENTS]);
}
