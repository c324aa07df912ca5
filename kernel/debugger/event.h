/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the debugger's ring of events holds. docs/model.md says what each event of IPC means; they are noted so that a
 * list of them keeps its rules: what an event makes necessary is noted behind it.
 */
#ifndef SALTO_DEBUGGER_EVENT_H
#define SALTO_DEBUGGER_EVENT_H

/* In brackets the arguments of debugger_note() besides `thread`: other, object, value. All else that an event says is
 * read from the thread, so it is noted when the thread waits already, with its deadline, or does not wait any more. */
enum debugger_event {
    EVENT_SYSTEM_CALL,    /* the thread enters the kernel */
    EVENT_INTERRUPT,      /* it is interrupted, or faults [value: vector] */
    EVENT_START,          /* it is made */
    EVENT_CREATE,         /* no thread [object: a new endpoint, reply object or notification] */
    EVENT_SEND,           /* it queues */
    EVENT_RAISE,          /* it is moved up in its queue */
    EVENT_RECEIVE,        /* it waits to receive, for signals, or for a deadline */
    EVENT_DELIVER_SEND,   /* its message is received [other: receiver, object: endpoint], */
    EVENT_DELIVER_CALL,   /* and it waits for the answer; the same */
    EVENT_DELIVER_KERNEL, /* the same for what the kernel wrote about the thread */
    EVENT_REPLY,          /* it answers [other: caller] */
    EVENT_KEEP,           /* it keeps [other: caller, object: reply object] */
    EVENT_ANSWER,         /* it answers [other: caller, object: reply object] */
    EVENT_DROP,           /* no thread [object: reply object, which goes] */
    EVENT_MOVE,           /* it is given [object: of any type; entered if that keeps a caller] */
    EVENT_SIGNAL,         /* no thread [object: notification, value: bits] */
    EVENT_NOTIFY,         /* it takes [object: notification, value: bits] */
    EVENT_COLLECT,        /* no thread [object: notification, value: bits] */
    EVENT_BIND,           /* it is bound [object: notification] */
    EVENT_UNBIND,         /* no thread [object: notification] */
    EVENT_WAIT_FAILS,     /* its wait ends [value: error] */
    EVENT_REFUSE,         /* it would have queued [object: endpoint, value: error] */
    EVENT_KILL,           /* it dies */
    EVENT_REVOKE,         /* no thread [object: endpoint, on which nobody may receive any more] */
    EVENT_GRANT,          /* no thread [object: endpoint, on which somebody may receive] */
    EVENTS_KNOWN,
};

#endif
